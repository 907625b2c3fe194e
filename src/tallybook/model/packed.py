"""Unpacking what others packed, within bounds: a few bytes may say that they are billions."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Final

GZIP: Final = b"\x1f\x8b"
"""What gzipped bytes begin with."""

_READ: Final = 1 << 16
_PIECE: Final = 1 << 20
_ALWAYS: Final = 64 << 20
"""As many bytes may come of any file."""

_TIMES: Final = 250
"""More than that may come of a larger one only if it is that many times smaller: no table packs so well."""

_MOST_PARTS: Final = 65_536


class PackedError(Exception):
    """Bytes cannot be unpacked; says why, in words that go on after what they are called."""


def unpacked(data: bytes, *, most: int) -> bytes:
    r"""Return what was gzipped, in one part or several.

    Args:
        data: the gzipped bytes.
        most: more bytes than that are not unpacked.

    Raises:
        PackedError: they are damaged, cut short, of more bytes than ``most``, of so many times more than they are that
            they were made to fill memories, or of too many parts.

    >>> import gzip
    >>> unpacked(gzip.compress(b"date,cases\n"), most=100)
    b'date,cases\n'
    >>> unpacked(gzip.compress(bytes(101)), most=100)
    Traceback (most recent call last):
    ...
    tallybook.model.packed.PackedError: unpacks to more than 100 bytes
    """
    bound = min(most, max(_ALWAYS, _TIMES * len(data)))
    left, pieces = bound, []
    try:
        for piece in _pieces(data):
            left -= len(piece)
            if left < 0:
                how = f"{most:,} bytes" if bound == most else f"{bound:,} bytes, {bound // len(data):,} times its size"
                raise PackedError(f"unpacks to more than {how}")
            pieces.append(piece)
    except zlib.error:
        raise PackedError("is damaged or cut short") from None
    return b"".join(pieces)


def _pieces(data: bytes) -> Iterator[bytes]:
    source = io.BytesIO(data)
    rest, parts = source.read(_READ), 0
    while rest:
        part, parts = zlib.decompressobj(zlib.MAX_WBITS | 16), parts + 1
        if parts > _MOST_PARTS:
            raise PackedError(f"has more than {_MOST_PARTS:,} parts")
        while not part.eof:
            if not rest:
                raise PackedError("is damaged or cut short")
            yield part.decompress(rest, _PIECE)
            rest = part.unconsumed_tail or (b"" if part.eof else source.read(_READ))
        rest = part.unused_data.lstrip(b"\0")
        # Some fill the end up with zeros.
        while not rest and (more := source.read(_READ)):
            rest = more.lstrip(b"\0")
