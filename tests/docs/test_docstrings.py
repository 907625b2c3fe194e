"""Every public name says what it returns, takes and refuses, in what shape, and where its formula is from."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from typing import Any

import pytest

import tallybook
from generators.names import GROUPS

NAMES = [name for members in GROUPS.values() for name in members]
FORMULAS = ("daily", "rolling_average", "per_100k", "day_of_outbreak", "excess_deaths")
FRAMES = (*FORMULAS, "read_anomalies", "suggest_anomalies")


def named(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, and every method of a public class."""
    for name in NAMES:
        found = named(name)
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found):
            for own, member in vars(found).items():
                made = member.__func__ if isinstance(member, classmethod | staticmethod) else member
                if not own.startswith("_") and inspect.isfunction(made):
                    yield f"{name}.{own}", made


def section(text: str, title: str) -> str:
    found = re.search(rf"^{title}:\n((?:    .*\n?|\n)*)", text, re.MULTILINE)
    return found[1] if found else ""


FUNCTIONS = dict(functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_comes_back_and_what_it_takes(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    first = text.partition("\n\n")[0]
    assert first.endswith((".", ":")), name
    taken = [own for own in inspect.signature(FUNCTIONS[name]).parameters if own not in ("self", "cls")]
    told = section(text, "Args")
    assert len(taken) <= 1 or told, f"{name} does not say what {taken} are"
    for parameter in taken if told else ():
        assert re.search(rf"^    {parameter}: ", told, re.MULTILINE), f"{name} does not say what {parameter} is"
    # One that takes one thing may say so in its first sentence.


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_refuses_says_what(name: str) -> None:
    """Those that raise themselves; what others raise for them is theirs to say, or is said in the docstring too."""
    source = inspect.getsource(FUNCTIONS[name])
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    for error in re.findall(r"raise (\w+Error)\(", source.replace(text, "")):
        assert f"{error}:" in section(text, "Raises"), f"{name} raises {error}"


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isclass(named(name))])
def test_a_class_says_what_its_parts_are(name: str) -> None:
    kind = named(name)
    text = inspect.getdoc(kind) or ""
    assert text.partition("\n")[0].endswith("."), name
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            assert re.search(rf"^    {field.name}: ", section(text, "Attributes"), re.MULTILINE), (name, field.name)
    for own, member in vars(kind).items():
        if isinstance(member, property) and not own.startswith("_"):
            assert (member.__doc__ or "").strip(), (name, own)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_its_shape_in_words(name: str) -> None:
    text = inspect.getdoc(getattr(tallybook, name, None) or named(f"tallybook.anomalies.{name}")) or ""
    assert re.search(r"one row per|key|same rows", text, re.IGNORECASE), "which rows?"
    assert re.search(r"null|blank", text, re.IGNORECASE), "what does null say?"
    assert "``" in text or "SCHEMA" in text, "which columns?"


@pytest.mark.parametrize("name", FORMULAS)
def test_a_measure_says_its_unit_where_its_formula_is_from_and_gives_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(tallybook, name)) or ""
    assert "Source:" in text
    assert ">>> " in text
    assert re.search(r"count|per day|per 100,000|day number|deaths", text)


def test_what_is_public_is_documented_with_an_example() -> None:
    without = [name for name in tallybook.__all__ if ">>> " not in (inspect.getdoc(getattr(tallybook, name)) or "")]
    plain = [name for name in without if not issubclass(getattr(tallybook, name), Enum)]
    assert plain == []
