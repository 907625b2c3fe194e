"""The pages as they are read without being built: links lead somewhere, the picture is up to date."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from conftest import HERE
from generators.picture import FILE, picture

PAGES = [*HERE.glob("*.md"), *sorted((HERE / "docs").rglob("*.md"))]
FENCED = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)")
MADE = "reference/cli.md"
"""A page whose sections are made from the code; what builds it knows them."""


def sections(page: Path) -> set[str]:
    """The anchors of a page, as GitHub and MyST make them from its headings."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, section in LINK.findall(FENCED.sub("", page.read_text())):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        if section and not str(file).endswith(MADE):
            assert section in sections(file), (target, section)


def test_the_picture_is_the_one_that_is_drawn_today() -> None:
    kept, drawn = FILE.read_text(), picture()
    assert words(kept) == words(drawn), "draw it anew: make picture"
    assert shapes(kept) == pytest.approx(shapes(drawn), abs=0.5), "draw it anew: make picture"


def words(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)", svg)


def shapes(svg: str) -> list[float]:
    """The numbers of all shapes; what draws them may differ in the last digit from machine to machine."""
    drawn = re.findall(r' (?:d|transform|x2|y2)="([^"]*)"', svg)
    return [float(number) for shape in drawn for number in re.findall(r"-?\d+(?:\.\d+)?", shape)]


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((HERE / "CITATION.cff").read_text())
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert f"Version {project['version']}." in (HERE / "README.md").read_text()
