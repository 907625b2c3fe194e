"""What a book starts as."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from tallybook.errors import BookError
from tallybook.model.names import meant


def templates() -> dict[str, Traversable]:
    """Return the folders of the templates, by name.

    >>> list(templates())
    ['connecticut', 'measles', 'nyt', 'plain', 'simulated']
    """
    folders = resources.files("tallybook").joinpath("templates").iterdir()
    return {folder.name: folder for folder in sorted(folders, key=lambda folder: folder.name)}


def copy_template(name: str, folder: Path) -> None:
    """Copy the files of a template to a new or empty folder.

    Raises:
        BookError: there is no such template, or the folder is not empty.
    """
    if name not in templates():
        raise BookError(f"no template {name!r}", hint=meant(name, templates()))
    if folder.exists() and not folder.is_dir():
        raise BookError(f"{folder} is a file", hint="give a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise BookError(f"{folder} is not empty", hint="give a new folder")
    try:
        _copy(templates()[name], folder)
    except OSError as error:
        raise BookError(f"cannot make {folder}: {error.strerror}") from error


def _copy(template: Traversable, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for entry in template.iterdir():
        if entry.is_dir():
            _copy(entry, folder / entry.name)
        else:
            (folder / entry.name).write_bytes(entry.read_bytes())
