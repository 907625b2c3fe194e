"""Reading cards: Markdown files whose front matter says what a source is and how to read it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from tallybook.errors import DataRefusedError, UnknownPlaceError
from tallybook.model.cards import Card
from tallybook.model.files import read_text
from tallybook.model.metrics import Level
from tallybook.model.places import SUBSTATE, gazetteer
from tallybook.model.refusals import in_plain_words, mended
from tallybook.model.texts import FORMULA, UNSEEN
from tallybook.sources.notes import Note, dated_notes, odd_dates

_LONGEST_FRONT: Final = 65_536
_MOST_LEVELS: Final = 32

_UNSEEN: Final = re.compile(UNSEEN[:-1] + "\ud800-\udfff]")

_FENCE: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
"""What a source may be called: it is the name of files and a word of the command line, too."""


@dataclass(frozen=True)
class Problem:
    """What is wrong in a card, or odd.

    Attributes:
        line: where.
        key: the key in question, the parts joined by dots; empty for the card as a whole.
        says: what is wrong.
        wrong: whether the card cannot be used like this.
    """

    line: int
    key: str
    says: str
    wrong: bool


@dataclass(frozen=True)
class Source:
    """A source of a book.

    Attributes:
        name: what it is called on the command line; the name of its file.
        card: what its front matter says.
        notes: the dated notes of its text.
        text: the agency's notes, in Markdown.
    """

    name: str
    card: Card
    notes: tuple[Note, ...]
    text: str


def read_source(file: Path) -> Source:
    """Return the source a card describes.

    Raises:
        SourceError: the file cannot be read.
        DataRefusedError: the card is wrong; names the first line that is, and how many more there are.
    """
    card, problems, body, offset = _read(read_text(file))
    wrong = [problem for problem in problems if problem.wrong]
    if card is None or wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        key = wrong[0].key
        where = f"{key if key.isprintable() else repr(key)}: " if key else ""
        hint = f"`tallybook sources check {file}` says all" if more else None
        raise DataRefusedError(f"{where}{wrong[0].says}{more}", file=str(file), line=wrong[0].line, hint=hint)
    return Source(file.stem, card, _placed(dated_notes(body), offset), body)


def check_card(text: str) -> list[Problem]:
    r"""Return what is wrong or odd in the text of a card, by line.

    >>> for problem in check_card("---\ntitel: Cases\nlayout: published\nreporting: explicit\n---\n"):
    ...     print(problem.line, problem.key, problem.says)
    1 license it is not said; readers will ask
    1 publisher it is not said; readers will ask
    1 title the key is missing
    1 url there is no address: record needs to be told where to look
    2 titel unknown key, kept as it is; did you mean 'title'?
    """
    return sorted(_read(text)[1], key=lambda problem: (problem.line, problem.key))


def _read(text: str) -> tuple[Card | None, list[Problem], str, int]:
    """Return the card, what is wrong with it, the text below it and how many lines stand above that."""
    text = text.replace("\r\n", "\n")
    fences = list(_FENCE.finditer(text))
    if len(fences) < 2 or text[: fences[0].start()].strip():
        return (
            None,
            [Problem(1, "", "no front matter: a card begins with a line ---, keys, and another ---", True)],
            "",
            0,
        )
    front, body = text[fences[0].end() : fences[1].start()], text[fences[1].end() :]
    above, offset = text.count("\n", 0, fences[0].end()), text.count("\n", 0, fences[1].end())
    try:
        said, lines = _load(front, above)
        card = Card.model_validate(said)
    except _FrontMatterError as error:
        return None, [error.problem], body, offset
    except ValidationError as error:
        return None, [*_invalid(error, lines), *_odd(said, lines)], body, offset
    dates = [Problem(line + offset, "", says, wrong=False) for line, says in odd_dates(body)]
    return card, [*_stateless(card, lines), *_odd(said, lines), *_misread(body, offset), *dates], body, offset


def _misread(body: str, offset: int) -> Iterator[Problem]:
    """Yield what readers of the notes would see otherwise than it is."""
    for note in dated_notes(body):
        if re.match(FORMULA, note.text):
            says = f"the note begins with {note.text[0]!r}, as formulas of spreadsheets do; begin it with its date"
            yield Problem(note.line + offset, "", says, wrong=True)
    if found := _UNSEEN.search(body):
        line = offset + body.count("\n", 0, found.start()) + 1
        yield Problem(line, "", f"the character {found[0]!r} does not show; take it out", wrong=True)


class _FrontMatterError(Exception):
    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.problem = Problem(line, "", says, wrong=True)


Lines = dict[tuple[str, ...], int]


def _refuse_traps(front: str, above: int) -> None:
    """Refuse anchors, aliases and tags, which have no use here, and levels, for which time grows with their square."""
    depth = 0
    for event in yaml.parse(front, yaml.BaseLoader):
        line = above + 1 + (event.start_mark.line if event.start_mark else 0)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_LEVELS:
            raise _FrontMatterError(line, f"more than {_MOST_LEVELS} levels")
        if marked := getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _FrontMatterError(line, f"anchors and tags are not taken: {marked}")


def _load(front: str, above: int) -> tuple[dict[str, Any], Lines]:
    """Return what the front matter says, every scalar as text, and the line of each key."""
    if len(front) > _LONGEST_FRONT:
        raise _FrontMatterError(above + 1, f"the front matter is longer than {_LONGEST_FRONT:,} characters")
    try:
        _refuse_traps(front, above)
        node = yaml.compose(front, yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = above + 1 + (mark.line if mark else 0)
        raise _FrontMatterError(line, f"this cannot be read as YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        # The last two: \U00110000 is no character.
        raise _FrontMatterError(above + 1, f"this cannot be read as YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(node, yaml.MappingNode):
        raise _FrontMatterError(above + 1, "the front matter has no keys")
    lines: Lines = {(): above + 1}
    said = _plain(node, (), above, lines)
    return said, lines


def _plain(node: yaml.Node, path: tuple[str, ...], above: int, lines: Lines) -> Any:
    lines.setdefault(path, above + node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, above, lines))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(part, (*path, str(place)), above, lines) for place, part in enumerate(node.value)]
    if found := _UNSEEN.search(node.value):
        raise _FrontMatterError(lines[path], f"the character {found[0]!r} does not show; take it out")
    return node.value


def _pairs(node: yaml.MappingNode, path: tuple[str, ...], above: int, lines: Lines) -> Iterator[tuple[str, Any]]:
    for key, value in node.value:
        line = above + key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _FrontMatterError(line, "a key has to be a word")
        here = (*path, key.value)
        if here in lines:
            raise _FrontMatterError(line, f"the key {key.value!r} stands there twice")
        lines[here] = line
        if not (isinstance(value, yaml.ScalarNode) and value.style is None and value.value in ("", "~", "null")):
            yield key.value, _plain(value, here, above, lines)


def _invalid(error: ValidationError, lines: Lines) -> Iterator[Problem]:
    seen = set()
    for found in error.errors():
        path = tuple(str(part) for part in found["loc"])
        known = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in lines)
        missing = found["type"] == "missing"
        key = ".".join(path if missing else known)
        if key not in seen:
            seen.add(key)
            said = (in_plain_words(found), mended(found))
            yield Problem(lines[known], key, "; ".join(filter(None, said)), wrong=True)


def _stateless(card: Card, lines: Lines) -> Iterator[Problem]:
    """Yield what keeps the names of counties or towns from being found: they are names within a state."""
    ways = card.place.columns() if card.place else {}
    if card.level not in SUBSTATE or "state" in ways or not ("name" in ways or "code" in ways):
        return
    if card.state is None:
        says = f"the names of {card.level} places need a state: say `state`, or `place.state` for a column"
        yield Problem(lines[("place",)], "place", says, wrong=True)
        return
    try:
        gazetteer().find(card.state, among=[Level.STATE])
    except UnknownPlaceError as error:
        yield Problem(lines[("state",)], "state", str(error), wrong=True)


def _odd(said: Mapping[str, Any], lines: Lines) -> list[Problem]:
    known = list(Card.model_fields)
    odd = []
    for key in said:
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.75) if key not in known else []
        if close:
            says = f"unknown key, kept as it is; did you mean {close[0]!r}?"
            odd.append(Problem(lines[(key,)], key, says, wrong=False))
    if not any(said.get(key) for key in ("url", "csv_url", "json_url")):
        odd.append(Problem(lines[()], "url", "there is no address: record needs to be told where to look", wrong=False))
    for key in ("publisher", "license"):
        if not said.get(key):
            odd.append(Problem(lines[()], key, "it is not said; readers will ask", wrong=False))
    return odd


def _placed(notes: Sequence[Note], offset: int) -> tuple[Note, ...]:
    return tuple(Note(note.date, note.end_date, note.text, note.line + offset) for note in notes)
