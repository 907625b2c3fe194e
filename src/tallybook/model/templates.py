"""What a book starts as."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from tallybook.errors import BookError


def copy_template(name: str, folder: Path) -> None:
    """Copy the files of a template to a new or empty folder.

    Raises:
        BookError: there is no such template, or the folder is not empty.
    """
    templates = resources.files("tallybook").joinpath("templates")
    names = sorted(entry.name for entry in templates.iterdir())
    if name not in names:
        raise BookError(f"no template {name!r}", hint=f"there are {', '.join(names)}")
    if folder.exists() and not folder.is_dir():
        raise BookError(f"{folder} is a file", hint="give a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise BookError(f"{folder} is not empty", hint="give a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for entry in templates.joinpath(name).iterdir():
            (folder / entry.name).write_bytes(entry.read_bytes())
    except OSError as error:
        raise BookError(f"cannot make {folder}: {error.strerror}") from error
