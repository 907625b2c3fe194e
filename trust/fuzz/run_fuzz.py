"""Fuzz every reader, one after the other: ``python trust/fuzz/run_fuzz.py [READER …]``.

``FUZZ_SECONDS`` says for how long each (600). Inputs that reached something new stay in ``build/fuzz/READER``, and what
was found beside them, as ``crash-…``, ``timeout-…`` or ``oom-…``. Exits with 1 where anything was found.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from readers import Reader, readers

HERE: Final = Path(__file__).resolve().parents[2]
OUT: Final = HERE / "build/fuzz"
SECONDS: Final = int(os.environ.get("FUZZ_SECONDS", "600"))
LONGEST_INPUT: Final = 65_536
LONGEST_SECONDS: Final = 20
MOST_MEGABYTES: Final = 2_048


def main() -> None:
    """Fuzz the readers that are named, or all, and print a row of a table for each."""
    named = sys.argv[1:]
    print("| reader | what | inputs | a second | seconds | coverage | memory, MB | found |\n" + "|---" * 8 + "|")
    found = [fuzz(reader) for reader in readers() if reader.name in named or not named]
    sys.exit(any(found))


def fuzz(reader: Reader) -> bool:
    """Fuzz a reader, print how it went, and return whether anything was found."""
    folder = OUT / reader.name
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(reader.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    words = {word for seed in reader.seeds for word in re.findall(rb"[\w*<-]+|[^\w\s]+", seed) if len(word) < 40}
    told = "\n".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in sorted(words))
    (OUT / f"{reader.name}.dict").write_text(f"{told}\n")
    options = {
        "max_total_time": SECONDS,
        "timeout": LONGEST_SECONDS,
        "rss_limit_mb": MOST_MEGABYTES,
        "max_len": LONGEST_INPUT,
        "dict": OUT / f"{reader.name}.dict",
        "artifact_prefix": f"{folder}/",
        "print_final_stats": 1,
    }
    said = [f"-{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(Path(__file__).with_name("one.py")), reader.name, *said, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = done.stderr + done.stdout
    (folder / "log").write_text(log)
    wrong = done.returncode != 0
    executed = int(_last(r"stat::number_of_executed_units: (\d+)", log) or 0)
    each = _last(r"stat::average_exec_per_sec: +(\d+)", log) or "0"
    peak = _last(r"stat::peak_rss_mb: +(\d+)", log)
    what = (
        _last(r"(?m)^((?:=== Uncaught|ERROR:|==\d+== ERROR|SUMMARY|\w+Error|[\w.]+Exception).*)$", log)
        if wrong
        else "nothing"
    )
    cells = (reader.name, reader.ways, f"{executed:,}", each, str(SECONDS), _last(r" cov: (\d+)", log), peak, what)
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)
    return wrong


def _last(pattern: str, text: str) -> str | None:
    found = re.findall(pattern, text)
    return found[-1] if found else None


if __name__ == "__main__":
    main()
