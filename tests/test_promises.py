"""Every promise of the documentation has a test that is there."""

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).parents[1]


def defined_in(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_every_promise_is_held_by_tests_that_are_there() -> None:
    lines = (HOUSE / "docs" / "promises.md").read_text().splitlines()
    promises = [line for line in lines if line.startswith("| ") and not line.startswith("| promise")]
    assert len(promises) > 20
    for promise in promises:
        held = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", promise)
        assert held, promise
        for file, test in held:
            assert test in defined_in(HOUSE / file), f"{file} has no {test}"
