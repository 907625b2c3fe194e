"""Whether there is room to work, asked before anything is begun: engines that find out later cannot say it in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tallybook.errors import TallybookError

_LEAST: Final = 3 << 29
_UNITS: Final = 1 << 20


def check_memory() -> None:
    """Refuse to begin where a limit (``ulimit -v``) leaves less memory than the smallest book needs.

    Raises:
        TallybookError: it does.
    """
    if sys.platform == "win32":
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return
    left = max(0, limit - _taken(resource.getpagesize()))
    if left < _LEAST:
        raise TallybookError(
            f"there is not enough memory: the limit of {limit // _UNITS:,} MiB leaves {left // _UNITS:,}",
            hint=f"at least {_LEAST // _UNITS:,} are needed; see ulimit -v",
        )


def _taken(page: int) -> int:
    """Return how many bytes the process has already; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * page
    except (OSError, ValueError):
        return 0
