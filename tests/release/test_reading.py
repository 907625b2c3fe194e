import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from server_fixtures import Serve
from tallybook import Book, TallybookError, read
from tallybook.errors import BookError, SourceError


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def static_host(small: Book) -> Iterator[str]:
    """Any host that has the files of a release."""
    handler = functools.partial(Quiet, directory=str(small.folder / "public"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_same_frames_come_from_a_folder_a_static_host_and_a_server(
    small: Book, static_host: str, serve: Serve
) -> None:
    folder = read(small.folder / "public")
    assert folder.averages("state").equals(pl.read_parquet(small.folder / "public/rolling-averages/us-states.parquet"))
    for where in (static_host, str(serve(small).base_url)):
        there = read(where)
        assert (there.title, there.as_of, there.files) == (folder.title, folder.as_of, folder.files)
        assert there.totals("state").equals(folder.totals("state"))
        assert there.averages("state").equals(folder.averages("state"))
        assert there.provenance.equals(folder.provenance)
        assert there.anomalies.equals(folder.anomalies)
        assert [level.value for level in there.levels] == ["state"]


def test_what_is_no_release_is_refused(small: Book, static_host: str, tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text("{}")
    refused: dict[Path | str, str] = {
        small.folder: "release.json: No such file",
        tmp_path: "holds no release",
        f"{static_host}/live": "404",
        "ftp://example.org/covid": "cannot read ftp://example.org/covid; give a folder, or an http or https address",
        "http://127.0.0.1:1/": "cannot read http://127.0.0.1:1/release.json",
    }
    for where, says in refused.items():
        with pytest.raises(SourceError, match=says):
            read(where)
    with pytest.raises(BookError, match=r"no table 'us.parquet'.*it has .*us-states.parquet"):
        read(small.folder / "public").totals("nation")
    with pytest.raises(TallybookError, match="no level 'planet'"):
        read(small.folder / "public").totals("planet")


def test_a_file_of_another_release_is_not_taken_for_one_of_this(small: Book) -> None:
    release = read(small.folder / "public")
    card = json.loads((small.folder / "public/release.json").read_text())
    assert release.card == card
    pl.DataFrame({"a": [1]}).write_parquet(small.folder / "public/us-states.parquet")
    with pytest.raises(SourceError, match="not what the release says; was another published"):
        release.totals("state")


def test_a_table_that_the_engine_does_not_survive_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"geoid": ["USA", "USA-53"], "cases": [2.0, 1.0]}).write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    # The head of a page of data, in Thrift's compact protocol: two values; then, minus one.
    ends = whole.replace(b"\x2c\x15\x04\x15", b"\x2c\x15\x01\x15", 1)
    assert ends != whole
    files = {"whole.parquet": whole, "ends.parquet": ends, "cut.parquet": whole[:-9]}
    described = []
    for path, data in files.items():
        (tmp_path / path).write_bytes(data)
        described.append({"path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    card = {"title": "t", "licence": "l", "attribution": "a", "as_of": "2020-05-02T00:00:00+00:00", "files": described}
    (tmp_path / "release.json").write_text(json.dumps(card))
    release = read(tmp_path)
    with pytest.raises(
        SourceError, match=r"^cannot read ends.parquet of .*: a process that reads it ends; it was made"
    ):
        release.table("ends.parquet")
    with pytest.raises(SourceError, match=r"^cannot read cut.parquet of .*: it is no Parquet file; was it damaged\?$"):
        release.table("cut.parquet")
    assert release.table("whole.parquet")["cases"].to_list() == [2.0, 1.0]
    assert capfd.readouterr() == ("", "")
