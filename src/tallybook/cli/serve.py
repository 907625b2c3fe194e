"""The command that serves books over HTTP."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from tallybook.cli.options import BookFolder, examples
from tallybook.cli.printing import err, out
from tallybook.errors import BookError, ContractError

EXAMPLES: Final = examples(
    "tallybook serve --book covid",
    "tallybook serve --books books --port 8080",
    "tallybook serve --book covid --host 0.0.0.0 --workers 4",
)

_DRAIN_SECONDS: Final = 30
_APP: Final = "tallybook.book.serving:app"


def serve(
    folder: BookFolder = Path(),
    books: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of books, each served below /b/ and its id.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 for all of this machine's.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0 for any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes answer.")] = 1,
) -> None:
    """Serve the release, its site, the API and Delphi's Epidata. Read only: nothing a client sends changes anything.

    A terminating signal lets what is being answered be finished, at most 30 seconds, and exits with 0.
    """
    import uvicorn

    from tallybook.book import Book
    from tallybook.book.serving import ONE, SEVERAL, served_book, served_books

    if books is not None and folder != Path():
        raise ContractError("--book and --books exclude one another", hint="give one of them")
    served = dict(served_books(books)) if books else {"": served_book(Book(folder))}
    os.environ.pop(SEVERAL, None)
    os.environ |= {SEVERAL: str(books.resolve())} if books else {ONE: str(folder.resolve())}
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    listening = _listen(host, port)
    with listening:
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/"
        out.print(f"serving {escape(', '.join(one.about['title'] for one in served.values()))} at {address}")
        for one in served.values():
            if not (one.folder / "release.json").is_file():
                err.print(f"[yellow]nothing is published yet[/] in {escape(str(one.folder))}; run `tallybook publish`")
        config = uvicorn.Config(
            _APP,
            factory=True,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        signal.signal(signal.SIGTERM, _done)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _run(uvicorn, config, listening)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        # Who reads the address may ask at once, and is answered when the server is there.
        listening.listen()
    except OSError as error:
        listening.close()
        raise BookError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}", hint="give another --port or --host"
        ) from error
    listening.set_inheritable(True)
    return listening


def _run(uvicorn: Any, config: Any, listening: socket.socket) -> None:
    if config.workers > 1:
        from uvicorn.supervisors import Multiprocess

        Multiprocess(config, sockets=[listening]).run()
        return
    uvicorn.Server(config).run(sockets=[listening])


def _done(_number: int, _frame: FrameType | None) -> None:
    """Exit well: the server sends itself the signal again when all is answered."""
    raise SystemExit(0)
