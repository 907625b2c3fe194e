"""The notebook runs from beginning to end, and is kept without what it shows."""

import json
import os
import sys
from typing import Any

import nbclient
import nbformat
import pytest

from conftest import HERE

NOTEBOOK = HERE / "examples/explore.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of the notebook after it ran, with this Python."""
    folder = tmp_path_factory.mktemp("notebook")
    kernel = folder / "kernels/here"
    kernel.mkdir(parents=True)
    started = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": started, "display_name": "here", "language": "python"}))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JUPYTER_PATH", str(folder))
        patched.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        patched.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        nbclient.NotebookClient(
            notebook, kernel_name="here", timeout=300, resources={"metadata": {"path": folder}}
        ).execute()
    return list(notebook.cells)


def shown(cells: list[Any], source: str) -> dict[str, Any]:
    """What the cell with a text in it shows last, by type."""
    (cell,) = (cell for cell in cells if source in cell.source and cell.cell_type == "code")
    return dict(cell.outputs[-1].data)


def test_it_runs_and_shows_what_it_says(ran: list[Any]) -> None:
    assert "<table" in shown(ran, "book = Book.simulated")["text/html"]
    assert "us-states.csv" in shown(ran, "release = read(")["text/html"]
    assert "omitted</td>" in shown(ran, "book.explain(")["text/html"]
    for chart in ("place(averages", "compare(book", "bubbles(book"):
        assert "vegaEmbed" in shown(ran, chart)["text/html"], chart
    assert "known now" in shown(ran, "then, now")["text/plain"]
    assert "-100" in shown(ran, "book.changes(")["text/html"]
    assert "excess_high" in shown(ran, "excess = excess_deaths")["text/html"]


def test_nothing_warns_or_prints_beside_what_is_shown(ran: list[Any]) -> None:
    assert [output for cell in ran for output in cell.get("outputs", ()) if output.output_type == "stream"] == []


def test_it_is_kept_without_what_it_shows() -> None:
    kept = json.loads(NOTEBOOK.read_text())
    assert kept["metadata"].keys() == {"kernelspec", "language_info"}
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in kept["cells"] if "outputs" in cell)
    assert NOTEBOOK.read_text() == json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
