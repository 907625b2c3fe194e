"""What is delivered: the wheel holds the package and nothing else, and importing it does nothing."""

import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import tallybook

HOUSE = Path(__file__).parents[1]
OTHERS = "altair, deltalake, fastapi, httpx, numpy, pandas, polars, pyarrow, pyspark, scipy.stats, typer, uvicorn"
"""What others do when they are imported is theirs."""
LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"]
IMPORTS = """
import pkgutil, sys, threading

seen = []

def watch(event, arguments):
    written = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    acts = event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.mkdir", "os.remove",
                             "os.rename", "shutil.", "_thread.start", "urllib.", "ctypes.dlopen"))
    if written or acts:
        seen.append(event)

import {packages}
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import tallybook
for module in pkgutil.walk_packages(tallybook.__path__, "tallybook."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
        if seen or threading.active_count() > 1:
            sys.exit(f"importing {{module.name}} does {{seen}}, and leaves {{threading.enumerate()}}")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--quiet", "--wheel-dir", folder, HOUSE], check=True)
    (made,) = folder.iterdir()
    return made


def test_the_wheel_holds_the_package_as_it_is_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        about = {name for name in files.namelist() if name.split("/")[0].endswith(".dist-info")}
        held = {name: files.read(name) for name in files.namelist() if name not in about}
        said = {name.partition("/")[2]: files.read(name).decode() for name in about}
    tracked = subprocess.run(LISTED, cwd=HOUSE, check=True, capture_output=True, text=True)
    ours = {name.removeprefix("src/"): (HOUSE / name).read_bytes() for name in tracked.stdout.splitlines()}
    assert held == ours
    assert {name for name in ours if not name.endswith(".py")} >= {"tallybook/py.typed"}
    assert set(said) == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert "License-Expression: MIT" in said["METADATA"]
    assert said["entry_points.txt"] == "[console_scripts]\ntallybook = tallybook.cli:main\n"


def test_importing_any_of_it_opens_and_starts_nothing() -> None:
    code = IMPORTS.format(packages=OTHERS)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("code", ["import tallybook", "from tallybook.cli.commands import app; app(['--help'])"])
def test_what_is_heavy_waits_until_it_is_used(code: str) -> None:
    heavy = {"altair", "deltalake", "fastapi", "httpx", "jinja2", "narwhals", "numpy", "polars", "pydantic", "scipy"}
    said = f"import atexit, sys; atexit.register(lambda: print({heavy} & set(sys.modules), file=sys.stderr))"
    done = subprocess.run([sys.executable, "-c", f"{said}; {code}"], check=True, capture_output=True, text=True)
    assert done.stderr == "set()\n"


def test_publishing_waits_for_nothing_that_draws_serves_or_simulates(tmp_path: Path) -> None:
    book = tallybook.Book.simulated(tmp_path / "book", days=20)
    book.record("simulated", book.folder / "feed")
    heavy = {"altair", "fastapi", "holidays", "scipy", "uvicorn", "vl_convert"}
    code = f"""
import sys, tallybook
made = tallybook.Book({str(book.folder)!r}).publish(site=True)
print((made.folder / "compare.html").is_file(), {heavy} & set(sys.modules))
"""
    for _ in range(2):  # what is compiled is kept by the first, or from before
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "True set()\n"


def test_every_public_name_is_there_and_has_a_home() -> None:
    assert set(tallybook.__all__) == set(tallybook._HOMES) <= set(dir(tallybook))
    assert all(getattr(tallybook, name).__name__ == name for name in tallybook.__all__)
    with pytest.raises(AttributeError, match="'tallybook' has no attribute 'nothing'"):
        tallybook.nothing  # noqa: B018


def test_the_sdist_has_what_a_packager_needs_and_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=HOUSE, check=True)
    (made,) = tmp_path.iterdir()
    with tarfile.open(made) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "tests/conftest.py"} <= names
    assert {name.split("/")[0] for name in names if name} <= {path.name for path in HOUSE.iterdir()} | {"PKG-INFO"}
    again = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run([*again, "--wheel-dir", tmp_path / "again", made], check=True)
    with zipfile.ZipFile(next((tmp_path / "again").iterdir())) as ours, zipfile.ZipFile(wheel) as theirs:
        held = [{name: files.read(name) for name in files.namelist()} for files in (ours, theirs)]
    assert held[0] == held[1]


def test_the_program_says_which_version_it_is() -> None:
    done = subprocess.run([sys.executable, "-m", "tallybook", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tallybook {metadata.version('tallybook')}\n"
