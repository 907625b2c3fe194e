"""What pages are given as scripts: a page that is opened from a disk may load nothing else."""

from __future__ import annotations

import json
from typing import Any


def scripted(name: str, content: Any, key: str | None = None) -> bytes:
    r"""Return a script that sets ``tallybook.{name}``, or its entry ``key``: JSON in a text, which is read quickest.

    >>> scripted("specs", [1], "map").decode().splitlines()[1]
    '(tallybook.specs = tallybook.specs || {})["map"] = JSON.parse("[1]");'
    """
    text = json.dumps(json.dumps(content, separators=(",", ":")))
    home = "window.tallybook = window.tallybook || {};\n"
    if key is None:
        return f"{home}tallybook.{name} = JSON.parse({text});\n".encode()
    return f"{home}(tallybook.{name} = tallybook.{name} || {{}})[{json.dumps(key)}] = JSON.parse({text});\n".encode()
