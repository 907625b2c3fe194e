"""The how-tos do what they say: their files are written, their commands run, their output compared."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import HERE

HOW_TOS = [*sorted((HERE / "docs/how-to").glob("*.md")), HERE / "docs/reference/command-line.md"]
BLOCK = re.compile(r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("how_to", HOW_TOS, ids=lambda path: path.stem)
def test_every_file_and_command_of_a_how_to_works(how_to: Path, tmp_path: Path) -> None:
    ran = 0
    for block in BLOCK.finditer(how_to.read_text()):
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["text"])
        elif block["kind"] == "console":
            for command, said in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block["text"], re.MULTILINE):
                shown = run(command, tmp_path)
                ran += 1
                if said:
                    assert shown == said
    assert ran
