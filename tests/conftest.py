"""What all tests share: the published data, where it is, and a book to work on."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tallybook import Book

# No test is about seconds; where tests have to pass, they try the same examples every time.
settings.register_profile("tallybook", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tallybook")

pytest_plugins = ("server_fixtures", "sites")

HERE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published data; without it a test says so here, and fails where tests have to be complete."""
    folder = Path(os.environ.get("TALLYBOOK_SHARED_DATA", HERE.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"no shared data in {folder}")
        pytest.skip("skipped: no shared data")
    return folder


@pytest.fixture(autouse=True)
def without_site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that publish get the data only, for pages take a while; those of the site get all."""
    if request.path.parent.name == "site" or request.path.name == "test_how_to.py":
        return
    monkeypatch.setattr("tallybook.book.publishing.build_pages", lambda _folder, _old: None)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book.init(tmp_path / "book", template="nyt")


@pytest.fixture(scope="session")
def real_book(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The whole published record, recorded and published; nobody may change it."""
    made = Book.init(tmp_path_factory.mktemp("real") / "book", template="nyt")
    made.record("nyt", shared_data / "nyt")
    made.publish(site=False)
    return made
