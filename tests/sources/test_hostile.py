"""Hostile files: refused in one line that says where, soon and in little memory, or taken for what they are."""

import datetime as dt
import gzip
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readers import Reader, readers
from tallybook import Book, gazetteer
from tallybook.anomalies import read_anomalies
from tallybook.errors import BookError, DataRefusedError, SourceError, TallybookError
from tallybook.model import counting, decoding
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.model.cards import Card
from tallybook.model.config import read_config
from tallybook.model.files import read_text
from tallybook.model.places import read_own_places
from tallybook.release.reading import read
from tallybook.site.formats import markdown
from tallybook.sources.all_cause import parse_deaths
from tallybook.sources.cards import check_card
from tallybook.sources.table import parse_table
from tallybook.sources.vintages import FolderHistory, GitHistory, commits

HEADER = b"day,where,n\n"
CARD: dict[str, Any] = {
    "title": "Counts",
    "layout": "table",
    "reporting": "explicit",
    "level": "state",
    "date": {"column": "day"},
    "place": {"name": "where"},
    "metrics": {"cases": "n"},
}
FRONT = "---\ntitle: %s\nlayout: published\nreporting: explicit\n---\n%s"
GIGABYTE = 2**30
MOST_SECONDS = 20  # of a slow machine; what is held here takes minutes where it fails


def parse(data: bytes, **changes: Any) -> list[tuple[Any, ...]]:
    card = Card.model_validate({**CARD, **changes})
    made = parse_table(data, file="t.csv", source="s", card=card, places=gazetteer(), today=dt.date(2020, 12, 31))
    return made.frame.select("place", "value").rows()


@contextmanager
def refused(says: str, *, error: type[TallybookError] = DataRefusedError) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(error) as told:
        yield
    assert time.monotonic() - began < MOST_SECONDS
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def bomb(megabytes: int) -> bytes:
    """Gzip of zeros, about a thousandth of their size, made in no time of parts that are alike."""
    return gzip.compress(bytes(2**20)) * megabytes


def rows_json(cell: str, **more: str) -> bytes:
    view = '{"view": {"columns": [{"name": "day"}, {"name": "where"}, {"name": "n"}]}}'
    members = {"meta": view, "data": f'[["2020-05-01", "Ohio", {cell}]]', **more}
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}").encode()


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bomb(96)
    with refused(f"t.csv: the gzip file unpacks to more than 67,108,864 bytes, {2**26 // len(data)} times its size"):
        parse(data)
    # A file may be as large as it is, and as well packed as a table can be.
    rows = HEADER + b"".join(
        b"2020-%02d-%02d,Ohio,1\n" % (month, day) for month in range(1, 12) for day in range(1, 29)
    )
    assert len(parse(gzip.compress(rows))) == 11 * 28
    monkeypatch.setattr(decoding, "MOST_BYTES", 100)
    with refused("the gzip file unpacks to more than 100 bytes"):
        parse(gzip.compress(rows))


def test_gzip_of_many_parts_or_within_gzip_is_refused() -> None:
    with refused("t.csv: this is gzip within gzip; unpack it once"):
        parse(gzip.compress(gzip.compress(HEADER)))
    with refused("the gzip file has more than 65,536 parts"):
        parse(gzip.compress(b"") * 70_000)
    two = gzip.compress(HEADER) + gzip.compress(b"2020-05-01,Ohio,1\n") + bytes(1000)
    assert parse(two) == [("USA-39", 1.0)]


def test_lying_sizes_are_refused() -> None:
    data = bytearray(gzip.compress(HEADER + b"2020-05-01,Ohio,1\n"))
    data[-4:] = (5).to_bytes(4, "little")
    with refused("the gzip file is damaged or cut short"):
        parse(bytes(data))


@pytest.mark.parametrize(
    "files",
    [
        {"us.csv": bytes(20_000_000)},
        {"../../etc/passwd": b"a"},
        {"/etc/passwd": b"a"},
        {f"{number}.csv": b"a" for number in range(5_000)},
        {"inner.zip": zipped({"us.csv": bytes(1_000_000)})},
    ],
    ids=["bomb", "..", "absolute", "many entries", "nested"],
)
def test_no_zip_is_ever_opened(files: dict[str, bytes]) -> None:
    data = zipped(files)
    with refused("t.csv: this is a workbook or a ZIP file, not a table; save the sheet as CSV"):
        parse(data)


def test_endless_headers_and_lines_are_refused_at_once() -> None:
    # Ten million columns, each of a name of its own.
    wide = ",".join(map(str, range(150_000))).encode()
    with refused("t.csv, line 1: 150,000 columns are more than 16,384; is this a table, a row per line?"):
        parse(wide + b"\n", ignore="*")
    with refused("t.csv, line 1: the line is longer than 1,048,576 characters"):
        parse(b"a," * 10_000_000 + b"\n", ignore="*")
    with refused("t.csv, line 3: the line is longer than 1,048,576 characters"):
        parse(HEADER + b"2020-05-01,Ohio,1\n2020-05-02,Ohio," + b"1" * 20_000_000 + b"\n2020-05-03,Ohio,1\n")


def test_a_header_of_names_that_are_long_or_many_is_compared_in_no_time() -> None:
    for names in ([f"{number:0100}" for number in range(5_000)], [f"da{number}" for number in range(16_000)]):
        with refused("t.csv, line 1: the column where is missing; the file has"):
            parse(",".join(names).encode() + b"\n")
    with refused("the column x15000 stands there twice"):
        parse(",".join(["day", "where", "n", *(f"x{n}" for n in range(15_001)), "x15000"]).encode(), ignore="*")


def test_a_quotation_that_never_ends_costs_no_more_than_reading_to_the_end() -> None:
    with refused("t.csv, line 2: a quotation mark neither opens nor closes a cell"):
        parse(HEADER + b'2020-05-01,Ohio,"' + b"1\n" * 2_000_000)


def test_rows_are_counted_piece_by_piece_as_they_are_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a,b\n" + '"x\ny",1\nz,"2\n\n3"\n' * 50
    whole = counting.counted_lines(text.rstrip(), 2, "t.csv", ",")
    bad = f"{text}z\n"
    for piece in (1, 3, 7, 50):
        monkeypatch.setattr(counting, "_PIECE", piece)
        assert counting.counted_lines(text.rstrip(), 2, "t.csv", ",").equals(whole)
        with refused("t.csv, line 252: 1 cells where the header has 2"):
            counting.counted_lines(bad.rstrip(), 2, "t.csv", ",")
    monkeypatch.setattr(counting, "_MOST_CELLS", 5)
    with refused("t.csv: 2 rows of 3 cells are more than 5 cells; split it"):
        parse(HEADER + b"2020-05-01,Ohio,1\n2020-05-02,Ohio,1\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_refused_with_a_byte_order_mark_or_without(encoding: str) -> None:
    text = HEADER.decode() + "2020-05-01,Ohio,1\n"
    with refused(f"t.csv: the file is {encoding[:6].upper()}; save it as UTF-8"):
        parse(f"\ufeff{text}".encode(encoding))
    with refused("t.csv, line 1: a NUL character stands in the text"):
        parse(text.encode(encoding))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (b"2020-05-01,\xed\xa0\x80,1\n", "line 2: the text is not UTF-8"),  # half a character
        (b"2020-05-01,Ohio,1\n2020-05-02,\0,1\n", "line 3: a NUL character stands in the text"),
        (b"2020-05-01,Ohio,1\r2020-05-02,Ohio,1\n", "line 2: 5 cells where the header has 3"),
        (b"2020-05-01,Ohio,1\r\r\n2020-05-02,Ohio,1\n", r"line 2, column n: '1\r' is no whole number"),
        ("2020-05-01,Ohio,١\n".encode(), "line 2, column n: '١' is no whole number"),
        ("٢٠٢٠-05-01,Ohio,1\n".encode(), "column day: '٢٠٢٠-05-01' is no date"),
        (b"2020-05-01,Ohio,1e999\n", "column n: '1e999' is no whole number"),
        (b"2020-05-01,Ohio,Infinity\n", "column n: 'Infinity' is no whole number"),
        (b"2020-05-01,Ohio,9223372036854775808\n", "column n: '9223372036854775808' is no whole number"),
        (b"2020-05-01,Ohio,10000000001\n", "column n: '10000000001' is more than there are people"),
        (b"2020-05-01,Ohio," + b"9" * 9_000 + b"\n", "…' is no whole number"),
        (b"2020-05-01,=HYPERLINK(),1\n", "column where: unknown state '=HYPERLINK()'"),
        ("2020-05-01,\u202eoihO,1\n".encode(), r"column where: unknown state '\u202eoihO'"),
        ("2020-05-01,Оhio,1\n".encode(), "column where: unknown state 'Оhio'; did you mean 'Ohio'?"),  # a Cyrillic О
    ],
)
def test_hostile_cells_are_refused_with_their_address(rows: bytes, says: str) -> None:
    with refused(f"t.csv, {says}" if says.startswith("line") else says):
        parse(HEADER + rows)


def test_line_ends_may_be_mixed_and_a_byte_order_mark_be_there() -> None:
    rows = b"\xef\xbb\xbfday,where,n\r\n2020-05-01,Ohio,1\n2020-05-02,Ohio,2\r\n"
    assert parse(rows) == [("USA-39", 1.0), ("USA-39", 2.0)]


def test_decimals_and_years_are_of_plain_digits() -> None:
    with refused("line 2, column n: '١.٢' is no number"):
        parse(HEADER + "2020-05-01,Ohio,١.٢\n".encode(), metrics={"reported_cases_per_100k": "n"})
    header = "country,placename,frequency,start_date,end_date,year,month,week,deaths\n"
    row = "Austria,,weekly,2020-01-06,2020-01-12,٢٠٢٠,1,2,1702\n"
    with refused("line 2, column year: '٢٠٢٠' is no year"):
        parse_deaths(f"{header}{row}".encode(), file="d.csv", today=dt.date(2021, 1, 1))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (rows_json("NaN"), "row 1, column n: 'NaN' is no whole number"),
        (rows_json("-Infinity"), "row 1, column n: '-Infinity' is no whole number"),
        (rows_json("1e999"), "row 1, column n: '1e999' is no whole number"),
        (rows_json("9" * 5_000), "…' is no whole number"),
        (rows_json(r'"\ud800"'), "row 1, column n: half of a character stands in a cell"),
        (rows_json("1", data2="[]").replace(b'"data2"', b'"data"'), "the key 'data' stands there twice"),
        (rows_json("[" * 200_000), "this is JSON within JSON without end"),
        (b'{"a":' * 200_000, "this is JSON within JSON without end"),
        (re.sub(rb"\[\[.*\]\]", b'["abc"]', rows_json("1")), "row 1: a row has not the 3 cells"),
    ],
)
def test_hostile_json_is_refused(data: bytes, says: str) -> None:
    with refused(says):
        parse(data)


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("&a [x]\npublisher: [*a, *a]", "2  anchors and tags are not taken: a"),
        ("!!python/object/apply:os.system [id]", "2  anchors and tags are not taken: tag:yaml.org,2002:python/object"),
        ("a\ntitle: b", "3  the key 'title' stands there twice"),
        (r'"\uD800"', r"2  the character '\ud800' does not show; take it out"),
        (r'"\0"', r"2  the character '\x00' does not show; take it out"),
        (r'"\u202e"', r"2  the character '\u202e' does not show; take it out"),
        (r'"\U00110000"', "1  this cannot be read as YAML: chr() arg not in range(0x110000)"),
        (r'"\UFFFFFFFF"', "1  this cannot be read as YAML"),
        ("[" * 30_000, "2  more than 32 levels"),
        ("x" * 70_000, "1  the front matter is longer than 65,536 characters"),
    ],
)
def test_hostile_front_matter_is_refused(title: str, says: str) -> None:
    began = time.monotonic()
    problems = [f"{problem.line} {problem.key} {problem.says}" for problem in check_card(FRONT % (title, ""))]
    assert any(says in problem for problem in problems), problems
    assert time.monotonic() - began < MOST_SECONDS


def test_laughs_are_refused_before_the_first() -> None:
    lines = [
        "a: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)),
    ]
    (problem,) = check_card("---\n" + "\n".join(lines) + "\n---\n")
    assert problem.says == "anchors and tags are not taken: a0"


@pytest.mark.parametrize(
    "notes",
    [
        "[" * 9_000,
        "> " * 20_000 + "a",
        "*a " * 9_000,
        "- " * 3_000 + "a",
        "`" * 9_000 + "a",
        "<!-" * 20_000,
        "]( " * 20_000,
    ],
    ids=lambda text: text[:3],
)
def test_notes_that_nest_without_end_are_read_in_time(notes: str) -> None:
    began = time.monotonic()
    check_card(FRONT % ("Counts", notes))
    assert time.monotonic() - began < MOST_SECONDS


def test_notes_link_to_no_script_and_their_html_stays_text() -> None:
    hostile = (
        "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](vbscript:x) <a href=javascript:x>"
    )
    shown = markdown(f"{hostile} ![e](javascript:x) <javascript:alert(1)> [f](&#106;avascript:x) <script>x</script>")
    assert re.findall(r"<(?!/?p>)[^>]*>", shown) == []
    assert markdown("[g](https://example.org)") == '<p><a href="https://example.org">g</a></p>\n'


def test_what_does_not_show_or_is_a_formula_gets_into_no_text_that_is_published() -> None:
    for text, says in {
        "\u202egnikrow": r"'\u202egnikrow' does not show",
        "\x1b[31mred": r"'\x1b[31mred' does not show",
        "=1+1": "'=1+1' begins as a formula does; begin it with a letter or a digit",
        "@SUM(A1)": "'@SUM(A1)' begins as a formula does",
        "-2+3": "'-2+3' begins as a formula does",
        "+1": "'+1' begins as a formula does",
    }.items():
        with refused(f"p.csv, line 2, column name: {'a character in ' if 'show' in says else ''}{says}"):
            own = f"geoid,population,level,name,parent\nUSA-50-001,9000,town,{text},USA-50\n"
            read_own_places(own.encode(), file="p.csv", places=gazetteer())
        with refused(says):
            row = f"2022-01-14,,,Texas,USA-48,cases,,,0,{text}"
            read_anomalies(f"{','.join(ANOMALY_COLUMNS)}\n{row}\n".encode())
        with refused(says):
            deaths = "country,placename,frequency,start_date,end_date,year,month,week,deaths\n"
            row = f"{text},,weekly,2020-01-06,2020-01-12,2020,1,2,1702\n"
            parse_deaths((deaths + row).encode(), file="d.csv", today=dt.date(2021, 1, 1))
    for notes, says in {
        "Fine.\n\n=2020-05-19: x": "the note begins with '=', as formulas of spreadsheets do",
        "On 2020-05-19 \u202e turned": r"the character '\u202e' does not show",
    }.items():
        assert any(says in problem.says and problem.wrong for problem in check_card(FRONT % ("Counts", notes)))


def test_numbers_of_thousands_of_digits_and_nesting_without_end_in_book_toml() -> None:
    for text, says in {
        f"title = {'1' * 5_000}": "b.toml: Exceeds the limit (4300 digits)",
        f"title = {'[' * 5_000}": "b.toml: maximum recursion depth exceeded",
        'title = "\\ud800"': "b.toml: Escaped character is not a Unicode scalar value",
        "title = 1\ntitle = 2": "b.toml: Cannot overwrite a value",
    }.items():
        with refused(says, error=BookError):
            read_config(text, file="b.toml")


def test_pipes_devices_and_what_is_too_large_are_no_files(book: Book, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "us.csv")
    huge = tmp_path / "2020-05-01_us.csv"
    with huge.open("wb") as sparse:
        sparse.truncate(3 * GIGABYTE)
    for feed, says in {
        str(tmp_path / "us.csv"): "us.csv: it is a pipe or a device; write it to a file first",
        str(tmp_path): "us.csv: it is a pipe or a device",
        str(huge): "3,221,225,472 bytes are more than 2,147,483,648",
    }.items():
        with refused(says, error=SourceError):
            book.record("nyt", feed)
    (tmp_path / "zero").symlink_to("/dev/zero")
    with refused("it is a pipe or a device", error=SourceError):
        read_text(tmp_path / "zero")
    with refused("more than 262,144", error=SourceError):
        read_text(huge)


def test_links_that_lead_out_of_a_folder_are_not_followed(book: Book, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(b"date,cases,deaths\n2020-05-01,1,0\n")
    feed = tmp_path / "feed"
    feed.mkdir()
    for name in ("us.csv", "2020-05-01T0000_us.csv"):
        (feed / name).symlink_to("../secret.csv")
    with refused("us.csv is a link that leads out of", error=SourceError):
        book.record("nyt", feed)
    (feed / "us.csv").unlink()
    with refused("2020-05-01T0000_us.csv is a link that leads out of", error=SourceError):
        FolderHistory(feed)
    (feed / "2020-05-01T0000_us.csv").unlink()
    (feed / "latest.csv").write_bytes((tmp_path / "secret.csv").read_bytes())
    (feed / "us.csv").symlink_to("latest.csv")
    assert book.record("nyt", feed)[0].added == 2


def test_subjects_and_moments_of_commits_may_say_anything() -> None:
    told = "a\0002020-03-29T17:22:09-04:00\0one\u2028two\x0cthree\x1dfour\nb\0002020-03-30T00:00:00Z\0\n"
    assert [subject for _, _, subject in commits(told.encode())] == ["one\u2028two\x0cthree\x1dfour", ""]
    for moment in ("", "9999-12-31T23:59:59-23:00", "2020-03-29T17:22:09+99:99", "2020-03-29T17:22:09"):
        with refused("commit 'a' has no moment", error=SourceError):
            commits(f"a\0{moment}\0x\n".encode())


def test_a_repository_runs_no_programs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    program.chmod(0o755)

    def git(*words: str) -> None:
        who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a"}
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True, env={**os.environ, **who})

    git("init", "--quiet")
    (tmp_path / "us.csv").write_bytes(b"date,cases,deaths\n2020-05-01,1,0\n")
    git("add", "us.csv")
    git("commit", "--quiet", "--message", "x")
    signed = subprocess.run(["git", "-C", str(tmp_path), "cat-file", "commit", "HEAD"], capture_output=True, check=True)
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n aaaa\n -----END PGP SIGNATURE-----\n\n"
    commit = signed.stdout.replace(b"\n\n", b"\n" + signature, 1)
    made = subprocess.run(
        ["git", "-C", str(tmp_path), "hash-object", "-w", "-t", "commit", "--stdin"],
        input=commit, capture_output=True, check=True,
    )  # fmt: skip
    git("reset", "--quiet", made.stdout.decode().strip())
    for key in ("gpg.program", "core.fsmonitor", "core.sshCommand", "diff.external", "core.pager"):
        git("config", key, str(program))
    git("config", "log.showSignature", "true")
    history = GitHistory(tmp_path, "us.csv")
    assert [vintage.read()[:4] for vintage in history] == [b"date"]
    history.close()
    assert not ran.exists()
    with refused("is no path git could be asked for", error=SourceError):
        GitHistory(tmp_path, "us.csv\nHEAD")


@pytest.mark.parametrize(
    "changes",
    [
        {"files": [{"path": "../../etc/passwd.parquet", "sha256": "00"}]},
        {"files": [{"path": "/etc/passwd.parquet", "sha256": "00"}]},
        {"files": [{"path": "us.parquet"}]},
        {"files": {"path": "us.parquet"}},
        {"files": "us.parquet"},
        {"as_of": "yesterday"},
        {"as_of": 1},
        {"title": None, "licence": None, "files": None},
    ],
)
def test_a_release_card_that_is_none_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    good = {"title": "x", "licence": "x", "attribution": "x", "as_of": "2020-05-01T00:00:00+00:00", "files": []}
    (tmp_path / "release.json").write_text(json.dumps(good))
    assert read(tmp_path).files == []
    (tmp_path / "release.json").write_text(json.dumps({**good, **changes}))
    with refused("holds no release", error=SourceError):
        read(tmp_path)
    (tmp_path / "release.json").write_text("[" * 100_000)
    with refused("holds no release", error=SourceError):
        read(tmp_path)


def test_a_refused_file_leaves_no_part_of_it(book: Book, tmp_path: Path) -> None:
    whole = b"date,state,fips,cases,deaths\n" + b"".join(
        b"2020-05-%02d,%s,1,0\n" % (day, state) for day in range(1, 29) for state in (b"Ohio,39", b"Texas,48")
    )
    (tmp_path / "us-states.csv").write_bytes(whole)
    book.record("nyt", tmp_path)
    before = (book.ledger.as_of(), book.ledger.records(), book.raw.entries(), book.raw.acts())
    (tmp_path / "us.csv").write_bytes(b"date,cases,deaths\n2020-05-29,9,9\n")
    for broken in (
        whole.replace(b"2020-05-28,Texas", b"2020-05-28,Texs"),
        whole + b"2020-05-29,Ohio,39,-1,0\n",
        bomb(96),
    ):
        (tmp_path / "us-states.csv").write_bytes(broken)
        with refused("us-states.csv"):
            book.record("nyt", tmp_path)
    after = (book.ledger.as_of(), book.ledger.records(), book.raw.entries(), book.raw.acts())
    assert before[0].equals(after[0])
    assert before[1].equals(after[1])
    assert before[2:] == after[2:]


READERS = {reader.name: reader for reader in readers()}


@st.composite
def broken(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """What a reader is meant to read, with some parts of it replaced, left out or doubled."""
    data = draw(st.sampled_from(seeds))
    parts = [b"", b"\0", b"\xff", b"\r", b"\n", b'"', b",", b"\xef\xbb\xbf", b"-1", b"9" * 20, b"NaN", b"{", b"[" * 50]
    for _ in range(draw(st.integers(0, 4))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
        new = draw(st.sampled_from([*parts, data[begin:end] * 2]) | st.binary(max_size=8))
        data = data[:begin] + new + data[end:]
    return data


@pytest.mark.parametrize("name", READERS)
def test_readers_take_bytes_or_refuse_them_in_one_line(name: str) -> None:
    reader: Reader = READERS[name]
    for seed in reader.seeds:
        reader.take(seed)

    # Every table of a release is a process.
    @settings(max_examples=60 if name != "parquet" else 5)
    @given(data=broken(list(reader.seeds)) | st.binary(max_size=200))
    def take(data: bytes) -> None:
        reader.take(data)

    take()


WITHIN = """
import resource, sys
from pathlib import Path
from tallybook.errors import TallybookError
from tallybook.model.decoding import decoded
from tallybook.model.tables import read_table
from tallybook.sources.socrata import read_rows_json

begins = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, [begins + int(sys.argv[1])] * 2)
for name in sys.argv[2:]:
    data = Path(name).read_bytes()
    try:
        if name.endswith("json"):
            read_rows_json(decoded(data, name), file=name, columns=["n"])
        else:
            read_table(data, file=name, columns=["day", "where", "n"])
    except TallybookError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="skipped: memory is limited by Linux")
def test_hostile_files_are_refused_in_little_memory(tmp_path: Path) -> None:
    """In a process of its own, which may have 400 MB more than it begins with."""
    files = {"bomb": bomb(256), "line": HEADER + b"1" * 50_000_000, "deep.json": b'{"data":' + b"[" * 50_000_000}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", WITHIN, str(400 * 2**20), *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"bomb: the gzip file unpacks to more than {250 * len(files['bomb']):,} bytes, 250 times its size; fetch it "
        "again, or split it",
        "line, line 2: the line is longer than 1,048,576 characters; is this a table, a row per line?",
        "deep.json: this is JSON within JSON without end",
    ]
