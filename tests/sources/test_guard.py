"""Only the internet is fetched from, and what a book opted in."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest

from tallybook import Book, read
from tallybook.errors import BookError, DataRefusedError, SourceError
from tallybook.sources.archive import Archive, Fetched
from tallybook.sources.fetch import fetch_file
from tallybook.sources.guard import is_public

COUNTS = b"date,cases,deaths\n2020-05-01,1,0\n"


def fetch(address: str, *private_hosts: str) -> Fetched:
    archive = Archive(Path("/none"))
    return fetch_file(address, archive=archive, progress=lambda *_: None, private_hosts=private_hosts)


class Handler(BaseHTTPRequestHandler):
    """Sends counts, and redirects to what stands after ``/to/``."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.headers["Host"])
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(COUNTS)


@pytest.fixture
def asked() -> list[str]:
    """The hosts that the server was asked as."""
    return []


@pytest.fixture
def port(asked: list[str]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Handler,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Called with a name and the addresses it has one time after the other; returns which names were looked up."""
    looked_up: list[str] = []
    known = socket.getaddrinfo

    def name(name: str, *addresses: str) -> list[str]:
        def looked(host: str, port: int, *rest: Any, **more: Any) -> Any:
            if host == name:
                looked_up.append(host)
                return known(addresses[min(len(looked_up), len(addresses)) - 1], port, *rest, **more)
            return known(host, port, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", looked)
        return looked_up

    return name


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.1", "localhost", "LOCALHOST.", "0.0.0.0",
        "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255",
        "[::1]", "[::]", "[fc00::1]", "[fd12::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]", "127。0。0。1", "me:secret@127.0.0.1",
    ],
)  # fmt: skip
def test_no_address_that_is_not_on_the_internet_is_fetched_from(host: str, port: int, asked: list[str]) -> None:
    with pytest.raises(SourceError) as refused:
        fetch(f"http://{host}:{port}/us.csv")
    said = str(refused.value)
    assert "is no address of the internet; where that is meant, write private_hosts = [" in said
    assert (asked, "secret" in said, "\n" in said) == ([], False, False)


@pytest.mark.parametrize("opted_in", ["127.0.0.1", "127.0.0.0/8"])
def test_what_is_opted_in_is_fetched_from(port: int, opted_in: str) -> None:
    assert fetch(f"http://127.0.0.1:{port}/us.csv", opted_in).data == COUNTS


def test_a_name_is_opted_in_as_a_name(port: int, named: Callable[..., list[str]]) -> None:
    named("health.example", "127.0.0.1")
    assert fetch(f"http://health.example:{port}/us.csv", "Health.example.").data == COUNTS
    with pytest.raises(SourceError, match=r"health\.example is 127\.0\.0\.1, which is no address of the internet"):
        fetch(f"http://health.example:{port}/us.csv", "example", "10.0.0.0/8")


def test_every_hop_of_a_redirect_is_looked_at(port: int, asked: list[str]) -> None:
    here = f"http://127.0.0.1:{port}"
    assert fetch(f"{here}/to/{here}/us.csv", "127.0.0.1").data == COUNTS
    asked.clear()
    for there in (f"http://127.0.0.2:{port}/us.csv", "http://169.254.169.254/latest/meta-data", "http://[::1]/"):
        with pytest.raises(SourceError, match="is no address of the internet"):
            fetch(f"{here}/to/{there}", "127.0.0.1")
    with pytest.raises(SourceError, match="unsupported protocol 'file:"):
        fetch(f"{here}/to/file:///etc/passwd", "127.0.0.1")
    assert set(asked) == {f"127.0.0.1:{port}"}


def test_what_is_connected_to_is_what_was_looked_at(
    port: int, named: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = named("rebinding.example", "93.184.215.14", "127.0.0.1")
    sent: list[httpx.Request] = []

    def answer(_way: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(COUNTS))

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    fetch(f"https://rebinding.example:{port}/us.csv")
    assert looked_up == ["rebinding.example"]
    (request,) = sent
    assert (request.url.host, request.url.port) == ("93.184.215.14", port)
    assert request.headers["host"] == f"rebinding.example:{port}"
    assert request.extensions["sni_hostname"] == "rebinding.example"


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_rest, **_more: both)
    with pytest.raises(SourceError, match=r"two\.example is 10\.0\.0\.1, which is no address of the internet"):
        fetch("http://two.example/us.csv")


def test_an_address_of_the_internet_may_be_written_as_one_of_version_6() -> None:
    assert is_public(ip_address("::ffff:93.184.215.14"))
    assert not is_public(ip_address("::ffff:192.168.0.1"))


def test_the_next_address_is_tried_where_one_does_not_answer(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_rest, **_more: both)
    connect = httpx.HTTPTransport.handle_request

    def answer(way: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if request.url.host == "127.0.0.2":
            raise httpx.ConnectError("refused")
        monkeypatch.undo()
        return connect(way, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
    assert fetch(f"http://two.example:{port}/us.csv", "127.0.0.0/8").data == COUNTS


def test_a_proxy_of_the_environment_is_used_and_private_hosts_are_refused_before_it(
    port: int, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    assert fetch("http://unknown-here.invalid/us.csv").data == COUNTS
    assert asked == ["unknown-here.invalid"]
    with pytest.raises(SourceError, match="is no address of the internet"):
        fetch("http://169.254.169.254/us.csv")
    assert asked == ["unknown-here.invalid"]


def test_a_book_opts_hosts_in(book: Book, port: int) -> None:
    address = f"http://127.0.0.1:{port}/us.csv"
    with pytest.raises(SourceError, match=r"private_hosts = \['127.0.0.1'\] below \[fetch\] in book.toml"):
        book.record("nyt", address)
    assert (book.ledger.records().height, book.raw.entries()) == (0, [])
    file = book.folder / "book.toml"
    said = file.read_text()
    file.write_text(f'{said}\n[fetch]\nprivate_hosts = ["127.0.0.1"]\n')
    assert Book(book.folder).record("nyt", address)[0].added == 2
    file.write_text(f'{said}\n[fetch]\nprivate_hosts = ["http://127.0.0.1/"]\n')
    with pytest.raises(BookError, match=r"fetch.private_hosts: 'http://127.0.0.1/' is no host"):
        Book(book.folder)


def test_a_release_is_read_where_it_is_said_to_be_but_not_where_it_leads(port: int, asked: list[str]) -> None:
    with pytest.raises(SourceError, match="holds no release"):
        read(f"http://127.0.0.1:{port}")
    with pytest.raises(SourceError, match=r"cannot fetch from 127\.0\.0\.2"):
        read(f"http://127.0.0.1:{port}/to/http://127.0.0.2:{port}")
    assert set(asked) == {f"127.0.0.1:{port}"}


def test_other_addresses_than_http_are_refused_and_say_how_a_file_is_recorded(book: Book) -> None:
    for address in ("file:///etc/passwd", "ftp://agency.example/us.csv", "gopher://127.0.0.1:70/"):
        with pytest.raises(SourceError, match="only http and https addresses are fetched; give the path of a file"):
            book.record("nyt", address)
    card = book.folder / "sources/nyt.md"
    lines = ["url: file:///etc/passwd" if line.startswith("url:") else line for line in card.read_text().splitlines()]
    card.write_text("\n".join(lines))
    with pytest.raises(DataRefusedError, match="'file:///etc/passwd' is no http or https address"):
        Book(book.folder).record("nyt")
