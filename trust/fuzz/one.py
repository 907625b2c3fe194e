"""Fuzz one reader, guided by coverage: ``python trust/fuzz/one.py READER [options of libFuzzer] FOLDER``.

Of an environment of its own, with Atheris. The process may have so much memory, and each
input so much time.
"""

import os
import resource
import sys

# One thread: the second core is somebody else's.
os.environ["POLARS_MAX_THREADS"] = "1"

import atheris

MOST_MEMORY = 4 * 2**30

with atheris.instrument_imports(include=["tallybook", "yaml", "markdown_it", "tomllib", "csv", "json"]):
    from readers import readers


def main() -> None:
    """Fuzz until the time is over or something is found; libFuzzer exits the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    name, *options = sys.argv[1:]
    (reader,) = (reader for reader in readers() if reader.name == name)
    atheris.Setup([sys.argv[0], *options], lambda data: reader.take(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
