"""Every reader of what others wrote, as something that takes bytes: it takes them, or refuses them in one line."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl

from tallybook import gazetteer
from tallybook.anomalies import read_anomalies
from tallybook.book.releasing import ReleaseLog
from tallybook.errors import TallybookError
from tallybook.ledger import index
from tallybook.ledger.remote import place_of
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.model.cards import Card
from tallybook.model.checksums import Checksums
from tallybook.model.config import read_config
from tallybook.model.decoding import decoded
from tallybook.model.metrics import Level
from tallybook.model.mortality import DEATHS_SCHEMA
from tallybook.model.places import read_own_places
from tallybook.model.reports import REPORT_SCHEMA, Reports
from tallybook.model.tables import read_table
from tallybook.release.reading import PublishedRelease
from tallybook.server import epidata_asked
from tallybook.server.refusals import RefusedError
from tallybook.sources import all_cause, published
from tallybook.sources.archive import ACTS, LOG, Archive
from tallybook.sources.cards import check_card, read_source
from tallybook.sources.fetch import fetch_file, named_by
from tallybook.sources.table import parse_table
from tallybook.sources.vintages import FolderHistory, commits
from tallybook.sources.web import asked_to_wait, unpacked_answer

TODAY: Final = dt.date(2021, 3, 1)
_DIALECTS: Final = ",;\t|"


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        name: what it is called on the command line.
        ways: what is read, in words.
        read: reads bytes; raises what a reader should not raise.
        seeds: what the first inputs are made of.
    """

    name: str
    ways: str
    read: Callable[[bytes], object]
    seeds: Sequence[bytes]

    def take(self, data: bytes) -> bool:
        """Return whether bytes are taken; refusals have to be one line.

        Raises:
            AssertionError: a refusal has more than one line, or none.
        """
        try:
            self.read(data)
        except (TallybookError, RefusedError) as error:
            if not str(error).strip() or "\n" in str(error):
                raise AssertionError(f"a refusal of other than one line: {error!s:.300}") from error
            return False
        return True


@cache
def _folder() -> Path:
    """A folder for this process, in memory where there is such a place."""
    shm = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="tallybook-fuzz-", dir=shm if shm.is_dir() else None))


def _file(name: str, data: bytes) -> Path:
    file = _folder() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def _whole(reports: Reports) -> None:
    """Hold the contract of reports: their schema, one row per key, finite values from 0 up."""
    frame = reports.frame
    value = pl.col("value")
    bad = frame.filter(value.is_nan() | value.is_infinite() | (value < 0))
    if frame.schema != REPORT_SCHEMA or bad.height or frame.select("place", "metric", "date").is_duplicated().any():
        raise AssertionError(f"reports that are none: {frame}")


def _dialects(data: bytes) -> object:
    """A table in a dialect that the first byte says, with dates, whole numbers and decimals."""
    first = data[0] if data else 0
    table = read_table(
        data[1:],
        file="t.csv",
        columns=["day", "cases", "rate"],
        optional=["tests"],
        ignored=["*"] if first & 4 else ["remark"],
        delimiter=_DIALECTS[first & 3],
    )
    written = "%d.%m.%y" if first & 8 else "%Y-%m-%d"
    return table.with_dates("day", written=written).with_integers("cases").with_decimals("rate")


def _published(data: bytes) -> object:
    first = data[0] if data else 0
    level = (Level.NATION, Level.STATE, Level.COUNTY)[first % 3]
    said = published.parse(
        data[1:], file="us.csv", source="nyt", level=level, places=gazetteer(), today=TODAY, live=first > 127
    )
    _whole(said)
    return said


_TOWNS: Final[dict[str, Any]] = {
    "title": "Towns",
    "layout": "table",
    "reporting": "explicit",
    "level": "town",
    "state": "CT",
    "thousands": ",",
    "ignore": "*",
    "missing": {"<5": "withheld"},
    "date": {"column": "Date", "format": "%m/%d/%Y"},
    "place": {"name": "Town", "code": "Number"},
    "metrics": {"cases": "Cases", "reported_cases_per_100k": {"column": "Rate", "since": "2020-05-31"}},
}
_WEEKS: Final[dict[str, Any]] = {
    "title": "Weeks",
    "layout": "table",
    "reporting": "explicit",
    "level": "state",
    "cadence": "weekly",
    "missing": {"<5": "withheld", "-": "not_reported"},
    "week": {"year": "MMWR year", "week": "MMWR week"},
    "place": {"name": "Reporting area"},
    "metrics": {"cases": "Cumulative cases"},
}


@cache
def _card(which: str) -> Card:
    return Card.model_validate({"towns": _TOWNS, "weeks": _WEEKS}[which])


def _by_card(which: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        card = _card(which)
        said = parse_table(data, file="t", source="s", card=card, places=gazetteer(), today=TODAY)
        _whole(said)
        return said

    return read


def _card_file(data: bytes) -> object:
    """A card, checked and read: where nothing is wrong in it, it is taken, and what it says can be written."""
    try:
        wrong = any(problem.wrong for problem in check_card(data.decode()))
    except UnicodeDecodeError:
        wrong = True
    source = read_source(_file("card.md", data))
    if wrong:
        raise AssertionError("a card that is wrong was taken")
    return json.dumps(source.card.model_dump(mode="json")).encode(), source.text.encode()


def _lines(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    return lambda data: read(_file(name, data).parent)


def _release(data: bytes) -> object:
    release = PublishedRelease(_file("release/release.json", data).parent)
    told = (repr(release), release.title, release.licence, release.attribution, release.as_of, release.levels)
    return told, [release.table(file) for file in release.files if file.endswith(".parquet")]


def _parquet(data: bytes) -> object:
    """A table of a release whose card says that it is right."""
    import hashlib

    file = {"path": "us.parquet", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    _file("hostile/release.json", json.dumps({**_RELEASE, "files": [file]}).encode())
    return PublishedRelease(_file("hostile/us.parquet", data).parent).table("us.parquet")


@cache
def _written() -> Checksums:
    """The checksums of a ledger whose index is the seed, not what is fuzzed."""
    sums = Checksums(_folder() / "ledger")
    sums.add([_file(f"ledger/index/{index.NAME}", _parquet_seed())])
    return sums


def _index(data: bytes) -> object:
    """An index in a ledger: only the one that was written is read."""
    sums = _written()
    found = index.read(_file(f"ledger/index/{index.NAME}", data).parent, as_written=sums.has)
    if (found is not None) != (data == _parquet_seed()):
        raise AssertionError("another index than the one that was written was read")
    return found


def _names(data: bytes) -> object:
    """Names of files and folders: moments of past versions, which file of a feed it is, addresses of ledgers."""
    text = data.decode(errors="replace").replace("\0", "").replace("/", "_").strip(".")[:80]
    if not text:
        return None
    folder = _folder() / "names"
    folder.mkdir(exist_ok=True)
    try:
        file = folder / text
        file.write_bytes(b"")
    except OSError:  # too long a name
        return None
    try:
        return [len(FolderHistory(folder)), named_by(PurePosixPath(text), ["us.csv", "live/us.csv"])]
    finally:
        file.unlink()


def _commits(data: bytes) -> object:
    return commits(data)


def _answer(data: bytes) -> object:
    """What a server says besides the file: how it is packed, how long to wait."""
    head, _, body = data.partition(b"\n")
    said = head.decode("latin-1")
    asked_to_wait(said, dt.datetime(2020, 3, 11, 12, tzinfo=dt.UTC))
    return unpacked_answer(body, "gzip" if len(said) % 2 else said, "https://agency.example/us.csv")


def _addresses(data: bytes) -> object:
    """Where to fetch from, which is no address that could be reached, and where a ledger is."""
    text = data.decode(errors="replace")
    if not text.lower().strip().startswith("http"):
        fetch_file(f"/no/such/folder/{text}", archive=Archive(_folder() / "none"), progress=lambda *_: None)
    return place_of(text)


def _asked(data: bytes) -> object:
    """A query as Epidata's clients send it."""
    said = epidata_asked.parameters(data)
    for text in said.values():
        epidata_asked.listed(text)
        epidata_asked.chosen(text, ["value", "time_value"])
        for read in (epidata_asked.grouped, epidata_asked.day_of, epidata_asked.instant_of):
            try:
                read(text)
            except RefusedError:
                continue
    for name in said:
        epidata_asked.whole_number(said, name)
    return said


_HEADER: Final = ",".join(ANOMALY_COLUMNS)
_ALL_CAUSE: Final = ",".join((*DEATHS_SCHEMA, "expected_deaths", "excess_deaths", "baseline"))
_RELEASE: Final = {
    "title": "Counts",
    "as_of": "2021-03-01T00:00:00+00:00",
    "licence": "CC0",
    "attribution": "us",
    "files": [{"path": "us.csv", "sha256": "00", "bytes": 1}],
}
_ROWS_JSON: Final = json.dumps(
    {
        "meta": {
            "view": {
                "columns": [
                    {"name": "id", "dataTypeName": "meta_data"},
                    {"name": "Date", "dataTypeName": "calendar_date"},
                    *({"name": name} for name in ("Number", "Town", "Cases", "Rate")),
                ]
            }
        },
        "data": [["row-1", "2020-06-01T00:00:00.000", "125", "Sharon", 1, "2.5"]],
    }
).encode()
_CARD_TEXT: Final = b"""---
title: "Cases \\u00e9"
publisher: A department
license: CC0-1.0
csv_url: https://example.org/towns.csv
layout: table
reporting: explicit
level: town
state: CT
tags: [a, b]
date: {column: Date, format: "%m/%d/%Y"}
place: {name: Town}
metrics:
  cases: Total cases
  tests: {column: Tests, since: 2020-05-31}
---
# Notes

* 5/19/2020: the system was <b>down</b>.

2020-05-20 to 2020-05-22: [late](https://example.org "why") and `so` **on**.
"""
_CONFIG: Final = b"""title = "Counts"
publisher = "A desk"
licence = "CC0"
attribution = "us"
time_zone = "America/New_York"
first_date = 2020-01-21
levels = ["nation", "state"]
metrics = ["cases", "deaths"]
[averages]
days = 7
county = { deaths = 30 }
[excess]
baseline = [2015, 2019]
"""
_ENTRY: Final = {
    "source": "nyt", "name": "us.csv", "address": "us.csv", "fetched": "2020-05-02T00:00:00+00:00",
    "as_of": "2020-05-02T00:00:00+00:00", "sha256": "00", "bytes": 1, "etag": None, "last_modified": None,
}  # fmt: skip
_ACT: Final = {
    "act": "record", "source": "nyt", "days": [], "in_time": False,
    "files": [{"name": "us.csv", "address": "us.csv", "sha256": "00", "as_of": "2020", "note": ""}],
}  # fmt: skip
_RELEASES: Final = {"as_of": "2020-05-02T00:00:00+00:00", "register": "00", "method": {}, "changes": {"new": 1}}
_SUM: Final = {"path": "sums.parquet", "bytes": 1, "sha256": "00", "chain": "00"}


@cache
def _parquet_seed() -> bytes:
    file = _folder() / "seed.parquet"
    frame = pl.DataFrame({"date": [TODAY, None], "geoid": ["USA-53", "USA"], "cases": [1.0, None]})
    frame.write_parquet(file, metadata={"tallybook.files": '["a"]'})
    return file.read_bytes()


def _line(said: object) -> bytes:
    return json.dumps(said).encode() + b"\n"


def readers() -> list[Reader]:
    """Return all readers."""
    parquet = _parquet_seed()
    return [
        Reader(
            "tables", "delimited text in every dialect: dates, whole numbers, decimals", _dialects,
            [b'\0day,cases,rate\r\n2020-01-21,"1",2.5\r\n2020-01-22,,\r\n',
             b'\x0dday;cases;rate;x\n21.01.20;1;2.5;"a""b;\nc"\n', b"\x02day\tcases\trate\n2020-01-21\t-1\t0.1\n",
             b"\x03\xef\xbb\xbfday|cases|rate|remark|tests\n2020-01-21|10000000001|1|=1+1|1",
             b"\0" + gzip.compress(b"day,cases,rate\n2020-01-21,1,1\n", mtime=0)],
        ),
        Reader(
            "published", "the files of the New York Times' layout, final and live, by level", _published,
            [b"\0date,cases,deaths\n2020-01-21,1,0\n2020-01-22,,\n",
             b"\x01date,state,fips,cases,deaths\n2020-01-21,Washington,53,1,0\n2020-01-21,Guam,66,1,0\n",
             b"\x02date,county,state,fips,cases,deaths\n2020-01-21,Snohomish,Washington,53061,1,0\n"
             b"2020-03-01,New York City,New York,,1,0\n",
             b"\xd6date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths\n"
             b"2020-01-21,Ohio,39,3,0,2,0,1,0\n"],
        ),
        Reader(
            "by-card", "tables that a card describes: towns, decimals, thousands, withheld counts", _by_card("towns"),
            [b'Date,Number,Town,Cases,Rate\n06/01/2020,125,Sharon,"1,234",2.5\n06/02/2020,125,Sharon,<5,\n'],
        ),
        Reader("rows-json", "Socrata's rows.json", _by_card("towns"), [_ROWS_JSON]),
        Reader(
            "weekly", "weekly tables of a notifiable disease", _by_card("weeks"),
            [b"Reporting area,MMWR year,MMWR week,Cumulative cases\nOhio,2025,1,<5\nOhio,2025,2,17\nGuam,2025,53,-\n"],
        ),
        Reader(
            "all-cause", "deaths from all causes by week and month, with averages",
            lambda data: all_cause.parse_deaths(data, file="deaths.csv", today=TODAY),
            [f"{_ALL_CAUSE}\nAustria,,weekly,2020-01-06,2020-01-12,2020,1,2,1702,1700,2,2015-2019 average\n".encode(),
             f"{_ALL_CAUSE}\nPeru,Lima,monthly,2020-01-01,2020-01-31,2020,1,,9,,,\n"
             "Peru,Lima,monthly,,,2017-2019 average,1,,8,,,\n".encode()],
        ),
        Reader(
            "register", "the register of anomalies", lambda data: read_anomalies(data, file="anomalies.csv"),
            [f'{_HEADER}\n2022-01-14,,,Texas,USA-48,cases,yes,,0,"Texas, ""a backlog""."\n'.encode(),
             f"{_HEADER}\n2022-01-14,2022-01-16,Snohomish,Washington,USA-53061,both,,yes,-5,x\n".encode()],
        ),
        Reader(
            "places", "a book's own places", _places,
            [b"geoid,population,level,name,parent\nUSA-13,10663423,,,\nUSA-50-001,9000,town,Bennington,USA-50\n",
             b"geoid,population\nUSA-13,\n"],
        ),
        Reader("cards", "cards: front matter in YAML, notes in Markdown", _card_file, [_CARD_TEXT]),
        Reader("config", "book.toml", lambda data: read_config(data.decode(errors="replace"), file="b"), [_CONFIG]),
        Reader("packed", "gzip: cut short, damaged, nested", lambda data: decoded(data, "t.csv"),
               [gzip.compress(b"a,b\n1,2\n", mtime=0), gzip.compress(gzip.compress(b"a,b\n", mtime=0), mtime=0)]),
        Reader("answers", "what a server says: packing, Retry-After", _answer,
               [b"gzip\n" + gzip.compress(b"a,b\n", mtime=0), b"Wed, 11 Mar 2020 12:00:05 GMT\na", b"120\na"]),
        Reader("names", "names of past versions and of files of a feed", _names,
               [b"2020-03-29T172209-0400_us-states.csv", b"live_us.csv.gz", b"2020-03-29_17-22.csv"]),
        Reader("commits", "what git says of a repository's commits", _commits,
               [b"a" * 40 + b"\x002020-03-29T17:22:09-04:00\0Update\n"]),
        Reader("addresses", "where things are", _addresses, [b"s3://health/ledger/", b"file:///srv/our%20ledger"]),
        Reader("log", "the log of recorded files", _lines("raw/" + LOG, lambda at: Archive(at).entries()),
               [_line(_ENTRY)]),
        Reader("acts", "what was done with recorded files", _lines("raw/" + ACTS, lambda at: Archive(at).acts()),
               [_line(_ACT)]),
        Reader("sums", "the checksums of a ledger",
               _lines("checksums/sums.jsonl", lambda at: Checksums(at.parent).verify()), [_line(_SUM)]),
        Reader("releases", "the log of releases",
               _lines("releases.jsonl", lambda at: ReleaseLog(at / "releases.jsonl").read()), [_line(_RELEASES)]),
        Reader("index", "the index of a ledger, of which there is a checksum", _index, [parquet]),
        Reader("release", "a release somebody published", _release, [json.dumps(_RELEASE).encode()]),
        Reader("parquet", "a table of a release somebody published", _parquet, [parquet]),
        Reader("epidata", "queries as Epidata's clients send them", _asked,
               [b"data_source=jhu&time_type=day&time_values=20200301-20200305,20200401&geo_value=*&limit=5",
                b"signal=jhu:cases,deaths;x:*&time=week:202001&geo=state:wa;county:*&as_of=2020-06-01&fields=-value"]),
    ]  # fmt: skip


def _places(data: bytes) -> object:
    return gazetteer().with_own(read_own_places(data, file="places.csv", places=gazetteer())).titles
