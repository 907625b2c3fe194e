"""The documentation is built strictly and offline, and the pages that the code writes leave nothing out."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tallybook
from conftest import HERE
from generators import MADE
from generators.attributes import said_of
from generators.columns import all_columns
from generators.commands import walk
from generators.names import GROUPS
from tallybook.model.cards import Card
from tallybook.model.config import BookConfig

FAULTS = """
# Faults

[no such page](nowhere.md), [no such section](#nowhere).

```{eval-rst}
:py:func:`tallybook.nothing`
```
"""


def built(source: Path, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--fresh-env", *options]
    return subprocess.run([*command, source, target], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation, built as ``make docs`` does."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = built(HERE / "docs", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def words(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))


def test_every_page_is_reached(pages: Path) -> None:
    texts = {file.relative_to(HERE / "docs").with_suffix(".html") for file in (HERE / "docs").rglob("*.md")}
    made = {page.relative_to(pages) for page in pages.rglob("*.html")} - {Path("genindex.html"), Path("search.html")}
    assert made == texts
    first = (pages / "index.html").read_text()
    linked = re.findall(r'<a class="reference internal" href="([^"#]+)"', first)
    assert {Path(page) for page in linked} >= texts - {Path("index.html")}


def test_no_page_loads_anything_from_elsewhere(pages: Path) -> None:
    loaded = r'<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]+)'
    assert [found for page in pages.rglob("*.html") for found in re.findall(loaded, page.read_text())] == []


def test_what_is_broken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(FAULTS)
    done = built(tmp_path, tmp_path / "site", "-c", str(HERE / "docs"))
    assert done.returncode == 1
    for fault in ("nowhere.md", "'nowhere'", "tallybook.nothing"):
        assert fault in done.stderr


def test_every_public_name_is_in_the_reference(pages: Path) -> None:
    listed = [name for members in GROUPS.values() for name in members]
    assert {name.rpartition(".")[2] for name in listed} >= set(tallybook.__all__)
    page = (pages / "reference/api.html").read_text()
    for name in listed:
        assert f'id="{name}"' in page, name


def test_every_command_and_option_is_in_the_reference(pages: Path) -> None:
    said = words(pages / "reference/cli.html")
    commands = dict(walk())
    assert {"tallybook record", "tallybook chart map", "tallybook sources check"} <= commands.keys()
    for path, command in commands.items():
        section = said.partition(f"\n{path}")[2].partition("\ntallybook ")[0]
        for parameter in command.params:
            if parameter.name != "help" and parameter.param_type_name == "option":
                assert all(name in said for name in parameter.opts), (path, parameter.name)
        assert section, path


def test_every_key_is_in_the_reference(pages: Path) -> None:
    for model, name in ((BookConfig, "configuration"), (Card, "card-keys")):
        said = words(pages / f"reference/{name}.html")
        for key, meaning in said_of(model).items():
            assert key in said
            assert meaning.replace("``", "")[:40] in said, key
        assert set(said_of(model)) == set(model.model_fields)


def test_every_column_has_a_meaning_in_the_reference(pages: Path) -> None:
    columns = all_columns()
    assert columns.height > 300
    assert columns.filter(meaning="")["column"].to_list() == []
    said = words(pages / "reference/data-dictionary.html")
    assert [file for file in columns["file"].unique() if file not in said] == []


def test_every_directive_is_on_a_page() -> None:
    texts = "".join(file.read_text() for file in (HERE / "docs/reference").glob("*.md"))
    assert sorted(re.findall(r"^```\{([\w-]+)\}$", texts, re.MULTILINE)) == sorted(MADE)


def test_the_first_page_lists_every_page_by_its_title() -> None:
    first = (HERE / "docs/index.md").read_text()
    for page in (HERE / "docs").glob("*/*.md"):
        title = page.read_text().partition("\n")[0].removeprefix("# ")
        assert f"- [{title}]({page.relative_to(HERE / 'docs')})" in first
