"""Names that people mistype."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_SHOWN: Final = 8


def meant(name: str, known: Iterable[str], *, otherwise: str = "there are") -> str:
    """Return a hint to a name that is not known: what was probably meant, or else what there is.

    Args:
        name: what somebody wrote.
        known: the names there are.
        otherwise: how the list of them begins, where none is close.

    >>> meant("case", ["cases", "deaths"])
    "did you mean 'cases'?"
    >>> meant("xyz", ["cases", "deaths"], otherwise="use one of")
    'use one of cases, deaths'
    """
    import difflib  # what is right needs it not

    names = list(known)
    folded = {one.casefold(): one for one in reversed(names)}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{otherwise} {', '.join(names[:_SHOWN])}{more}" if names else "there is none"
