"""Tables as bytes, piece by piece: CSV that spreadsheets may open, JSON, Parquet, Arrow; and compressing them."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Final, Literal, Protocol, cast

import polars as pl

from tallybook.model.texts import for_spreadsheets

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Format = Literal["json", "csv", "parquet", "arrow"]

MEDIA: Final[dict[Format, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""The media type of each format."""

COMPRESSED: Final = (
    "application/vnd.apache.parquet",
    "image/png",
    "image/jpeg",
    "image/webp",
    "application/zip",
    "application/vnd.openxmlformats-officedocument.",
    "font/",
)
"""How media types begin that are compressed already."""

_PIECE: Final = 50_000
_BYTES: Final = 256 * 1024
_IN_MEMORY: Final = 32 * 2**20


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def csv_pieces(frames: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """Yield frames of the same columns as one CSV file."""
    header = True
    for frame in frames:
        safe = for_spreadsheets(frame)
        for piece in safe.iter_slices(_PIECE) if safe.height else [safe] if header else []:
            out = BytesIO()
            piece.write_csv(out, include_header=header, datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
            header = False
            yield out.getvalue()


def json_pieces(frames: Iterable[pl.DataFrame], *, before: bytes = b"[", after: bytes = b"]") -> Iterator[bytes]:
    """Yield the rows of frames as objects of one JSON array, with what stands before and after it."""
    yield before
    first = True
    for frame in frames:
        for piece in frame.iter_slices(_PIECE) if frame.height else []:
            rows = json_lines(piece)[:-1].replace(b"\n", b",\n")
            yield rows if first else b",\n" + rows
            first = False
    yield after


def json_lines(frame: pl.DataFrame) -> bytes:
    """Return the rows of a frame as JSON, one a line."""
    out = BytesIO()
    frame.write_ndjson(out)
    return out.getvalue()


def whole_file(frames: Iterable[pl.DataFrame], format_: Format, about: dict[str, str]) -> Iterator[bytes]:
    """Yield frames of the same columns as one Parquet file or Arrow stream; Parquet keeps what is said about it."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        out = cast("IO[bytes]", file)
        frame = pl.concat(frames, rechunk=False)
        if format_ == "parquet":
            frame.write_parquet(out, metadata=about)
        else:
            frame.write_ipc_stream(out)
        del frame
        file.seek(0)
        yield from iter(lambda: file.read(_BYTES), b"")


def pieces(frames: Iterable[pl.DataFrame], format_: Format, about: dict[str, str]) -> Iterator[bytes]:
    """Yield frames of the same columns in a format other than JSON, which is told what stands around them."""
    if format_ == "csv":
        return csv_pieces(frames)
    return whole_file(frames, format_, about)


def encoding_for(accepted: str, media: str) -> str | None:
    """Return how an answer is compressed for who accepts this: zstd before gzip, or None.

    >>> [encoding_for(said, "text/csv") for said in ("gzip, zstd", "gzip, deflate", "gzip;q=0", "br")]
    ['zstd', 'gzip', None, None]
    """
    if not accepted or media.startswith(COMPRESSED):
        return None
    asked = [part.strip().lower().replace(" ", "") for part in accepted.split(",")]
    takes = {name.split(";")[0] for name in asked if not name.endswith((";q=0", ";q=0.0", ";q=0.00", ";q=0.000"))}
    return next((name for name in ("zstd", "gzip") if name in takes and name in _MAKERS), None)


def compressed(chunks: Iterable[bytes], encoding: str | None, *, small: bool = False) -> Iterator[bytes]:
    """Yield bytes compressed; what is small and kept is worth more effort than what streams by."""
    if encoding is None:
        yield from chunks
        return
    compressor = _MAKERS[encoding](small)
    for chunk in chunks:
        made = compressor.compress(chunk)
        if made:
            yield made
    yield compressor.flush()


def _gzip(small: bool) -> _Compressor:
    return zlib.compressobj(6 if small else 1, zlib.DEFLATED, 31)


def _zstd(small: bool) -> _Compressor:
    return cast("_Compressor", zstd.ZstdCompressor(level=6 if small else 1))


_MAKERS: Final[dict[str, Callable[[bool], _Compressor]]] = {"zstd": _zstd, "gzip": _gzip}
