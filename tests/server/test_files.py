import gzip
from pathlib import Path

import httpx
import pytest

from server_fixtures import Serve
from tallybook import Book


@pytest.fixture
def site(serve: Serve, small: Book) -> httpx.Client:
    public = small.folder / "public"
    (public / "index.html").write_text("<!doctype html><title>A site</title>")
    (public / "place/ohio").mkdir(parents=True)
    (public / "place/ohio/index.html").write_text("<!doctype html><title>Ohio</title>")
    return serve(small)


def test_every_file_of_the_release_is_served_as_what_it_is(site: httpx.Client, small: Book) -> None:
    kinds = {".csv": "text/csv", ".json": "application/json", ".parquet": "application/vnd.apache.parquet"}
    kinds |= {".md": "text/markdown", ".atom": "application/atom+xml", ".html": "text/html", ".cff": "application/yaml"}
    public = small.folder / "public"
    for file in filter(Path.is_file, public.rglob("*")):
        answer = site.get(f"/{file.relative_to(public).as_posix()}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"].split(";")[0] == kinds[file.suffix]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_release_without_a_site_lists_its_files(serve: Serve, small: Book) -> None:
    page = serve(small).get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert '<a href="us-states.csv">' in page.text


def test_pages_may_load_nothing_from_elsewhere(site: httpx.Client) -> None:
    page = site.get("/")
    assert "A site" in page.text
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )
    # Charts are embedded in pages of others.
    assert "x-frame-options" not in page.headers
    assert page.headers["referrer-policy"]
    moved = site.get("/place/ohio")
    assert (moved.status_code, moved.headers["location"]) == (308, "ohio/")
    assert "Ohio" in site.get("/place/ohio/").text


def test_what_somebody_has_already_is_not_sent_again(site: httpx.Client) -> None:
    for path in ("/us-states.csv", "/api/v1/series?place=Ohio", "/epidata/covidcast_meta/"):
        first = site.get(path)
        for _ in range(2):
            again = site.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        assert first.headers["cache-control"] == "public, max-age=60"
        assert site.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    since = site.get("/us-states.csv").headers["last-modified"]
    assert site.get("/us-states.csv", headers={"If-Modified-Since": since}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/us-states.csv", "/api/v1/series?place=Ohio", "/api/v1/series?place=Ohio&format=csv"]
)
def test_answers_are_compressed_for_who_takes_them(site: httpx.Client, path: str) -> None:
    plain = site.get(path, headers={"Accept-Encoding": "identity"})
    with site.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert packed.headers["etag"] != plain.headers["etag"]
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    zstd = site.get(path, headers={"Accept-Encoding": "zstd"})
    assert (zstd.headers["content-encoding"], zstd.content) == ("zstd", plain.content)
    assert "content-encoding" not in plain.headers


def test_a_download_that_broke_off_goes_on(site: httpx.Client, small: Book) -> None:
    whole = (small.folder / "public/us-states.csv").read_bytes()
    part = site.get("/us-states.csv", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert site.get("/us-states.csv").content == whole
    assert site.get("/us-states.csv", headers={"Range": "bytes=-5"}).content == whole[-5:]
    rest = {"Range": "bytes=20-", "If-Range": part.headers["etag"]}
    assert site.get("/us-states.csv", headers=rest).content == whole[20:]
    assert site.get("/us-states.csv", headers={"Range": "bytes=999999-"}).status_code == 416
    assert site.get("/us-states.csv", headers={**rest, "If-Range": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/us-states.csv", "/api/v1/series?place=Ohio", "/epidata/covidcast/meta"])
def test_head_says_the_same_without_the_content(site: httpx.Client, path: str) -> None:
    got, head = site.get(path), site.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert _said(head) == _said(got)


def _said(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ("date", "transfer-encoding")}
