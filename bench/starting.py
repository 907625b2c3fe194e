"""How long it takes to begin: importing the package and asking the command line for help, beside bare Python."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Final

from rich.table import Table

ROUNDS: Final = 10
WAYS: Final = {
    "python": ["-c", "pass"],
    "import tallybook": ["-c", "import tallybook"],
    "tallybook --help": ["-m", "tallybook", "--help"],
    "import polars": ["-c", "import polars"],
}


def starting_speed() -> Table:
    """Return the time of each, by the fastest of some fresh processes."""
    table = Table("one process", "time, s", "to bare Python", title="Beginning")
    bare = None
    for name, arguments in WAYS.items():
        seconds = min(_seconds([sys.executable, *arguments]) for _ in range(ROUNDS))
        bare = bare or seconds
        table.add_row(name, f"{seconds:.3f}", f"{seconds / bare:.1f} ×")
    return table


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began
