"""Seed small defects into the measures and the ledger, one at a time, and count how many of them the tests notice.

Run it by ``make mutants``. mutmut makes the defects, thousands of them; as many as can be run in an evening are drawn
from them by a seed, each module in proportion, and all tests that reach the function of a defect are run with it, the
quick ones first. Every defect has a process of its own, with a limit on its seconds of work: one that makes tests run
for ever is noticed, too. Defects in the words of errors and warnings, and in what only type checkers read, are not
drawn.

What was found is kept in ``mutants/``: a run goes on where it was interrupted, and ``survivors-1.diff`` is to be read.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parents[1]
MADE: Final = HERE / "mutants"
_PYTEST: Final = (
    *("-q", "--rootdir=.", "--tb=short", "-p", "no:cacheprovider", "--hypothesis-seed=0"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_NEEDED: Final = (
    *("duckdb", "hypothesis", "moto.server", "pandas", "playwright.sync_api", "pytest", "scipy.special", "uvicorn"),
    *("tallybook.book.serving", "tallybook.cli.commands", "tallybook.server.app"),
)
_MESSAGES: Final = ("warning", "info", "debug")
_PATIENCE: Final = 10
"""How many times the seconds its tests take without a defect one may work, before it counts as noticed."""
_SECONDS: Final = 100
"""The seconds of tests that are run with one, at least the quickest of them."""
_FIXTURES: Final = 40
"""Seconds of work beside that, for what tests share and for starting them."""
_HANGS_AFTER: Final = 1200
"""The seconds after which one that does not work counts as noticed."""


@dataclass(frozen=True)
class Mutant:
    """A defect: a function of a module, written otherwise in one place.

    Attributes:
        name: mutmut's name for it.
        module: the module.
        function: the name under which mutmut's record has the function.
    """

    name: str
    module: str
    function: str

    @classmethod
    def of(cls, name: str) -> Mutant:
        """Return the mutant of this name."""
        function = name.rpartition("__mutmut_")[0]
        return cls(name, function.rpartition(".")[0], function)


def main() -> None:
    """Draw, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=1, help="which defects are drawn")
    parser.add_argument("--size", type=int, default=600, help="how many; 0: all")
    parser.add_argument("--only", default="", help="modules whose name has this in it")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    chosen = parser.parse_args()
    os.chdir(HERE)
    os.environ.setdefault("TALLYBOOK_SHARED_DATA", str(HERE.parent / "shared" / "data"))
    prepare()
    tests = reaching()
    every = [one for one in all_mutants() if chosen.only in one.module and not only_words(one)]
    drawn = sample(every, chosen.size or len(every), chosen.seed)
    found = results(drawn, tests, chosen.jobs, MADE / f"results-{fingerprint()}.jsonl")
    report = table(every, found)
    print(report)
    (MADE / f"report-{chosen.seed}.md").write_text(report, encoding="utf-8")
    survivors = "\n".join(difference(one) for one in drawn if found[one.name] != "killed")
    (MADE / f"survivors-{chosen.seed}.diff").write_text(survivors, encoding="utf-8")


def prepare() -> None:
    """Write the mutants, beside the tests."""
    # mutmut looks for its configuration where it is imported.
    from mutmut import __main__ as mutmut

    mutmut.set_mutant_under_test("mutant_generation")
    shutil.rmtree(MADE / "tests", ignore_errors=True)
    (MADE / "logs").mkdir(parents=True, exist_ok=True)
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    mutmut.create_mutants(os.cpu_count() or 1)


def reaching() -> dict[str, dict[str, float]]:
    """Return of each function the tests that reach it and their seconds; they are run once for it, without a defect."""
    from mutmut.configuration import config

    file = MADE / f"reach-{fingerprint()}.json"
    if not file.exists():
        ready()
        os.waitpid(_started("stats", config().pytest_add_cli_args_test_selection, 3600, _Reach(file)), 0)
    found: dict[str, dict[str, float]] = json.loads(file.read_text())
    return found


@cache
def fingerprint() -> str:
    """Return a name for the code and the tests as they are, which what was found of others does not hold for."""
    files = sorted(file for folder in ("src", "tests") for file in (HERE / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


class _Hasty:
    """Have hypothesis look for failures, and not for the simplest of them, which takes it ten times as long."""

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        settings.register_profile("mutants", settings(), phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutants")


class _Reach:
    """Keep which functions each test reaches, and the seconds it takes; a test that fails tells nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: dict[str, float] = {}
        self._reached: dict[str, set[str]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        from mutmut.state import state

        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        self._reached.setdefault(report.nodeid, set()).update(state()._stats)
        state()._stats.clear()
        if report.outcome != "passed":
            self._seconds[report.nodeid] = math.inf

    def pytest_sessionfinish(self) -> None:
        told: dict[str, dict[str, float]] = {}
        for test, functions in self._reached.items():
            for function in functions:
                if self._seconds[test] < math.inf:
                    told.setdefault(function, {})[test] = self._seconds[test]
        self._file.write_text(json.dumps(told))


def all_mutants() -> list[Mutant]:
    """Return the mutants, in the order of modules and lines."""
    files = sorted((MADE / "src").rglob("*.meta"))
    return [Mutant.of(name) for file in files for name in json.loads(file.read_text())["exit_code_by_key"]]


def sample(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return that many of the mutants, drawn from each module in proportion, at least one of each.

    They are in no order, so that those of an interrupted run are a sample, too.
    """
    by_module: dict[str, list[Mutant]] = {}
    for one in mutants:
        by_module.setdefault(one.module, []).append(one)
    dice = random.Random(seed)
    shares = {name: math.ceil(size * len(those) / len(mutants)) for name, those in by_module.items()}
    drawn = [one for name, those in by_module.items() for one in dice.sample(those, min(len(those), shares[name]))]
    dice.shuffle(drawn)
    return drawn


def only_words(mutant: Mutant) -> bool:
    """Return whether the defect is in the words of an error or a warning, or in what only type checkers read."""
    before, after = codes(mutant)
    return _meaning(before) == _meaning(after)


@lru_cache(maxsize=8)
def _meaning(code: str) -> str:
    return ast.dump(_Meaning().visit(ast.parse(code)))


class _Meaning(ast.NodeTransformer):
    """Leave of a function what it does."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name == "cast" and isinstance(node.func, ast.Name) and len(node.args) == 2:
            meant: ast.AST = self.visit(node.args[1])
            return meant
        if name.endswith("Error") or name in _MESSAGES:
            node.args, node.keywords = [], []
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name, node.returns = "", None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(node.arg)


def codes(mutant: Mutant) -> tuple[str, str]:
    """Return the function without the defect, and with it."""
    functions = _functions(mutant.module)
    own = mutant.function.rpartition(".")[2]
    return functions[f"{own}__mutmut_orig"], functions[mutant.name.rpartition(".")[2]]


@cache
def _functions(module: str) -> dict[str, str]:
    folder = MADE / "src" / Path(*module.split("."))
    file = folder.with_suffix(".py") if folder.with_suffix(".py").is_file() else folder / "__init__.py"
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            code = lines[node.lineno - 1 : node.end_lineno]
            found[node.name] = "\n".join(line[node.col_offset :] for line in code)
    return found


def difference(mutant: Mutant) -> str:
    """Return what the defect changes."""
    before, after = (code.replace("__mutmut_orig", "").splitlines() for code in codes(mutant))
    changed = difflib.unified_diff(before[1:], after[1:], mutant.name, mutant.name, n=2, lineterm="")
    return "\n".join(changed)


def results(drawn: list[Mutant], tests: dict[str, dict[str, float]], jobs: int, file: Path) -> dict[str, str]:
    """Return of each mutant whether it was ``killed``, or ``survived``, or that ``no tests`` reach it."""
    known = dict(json.loads(line) for line in file.read_text().splitlines()) if file.exists() else {}
    ready()
    control(tests)
    waiting, working = [one for one in drawn if one.name not in known], dict[int, Mutant]()
    with file.open("a", encoding="utf-8") as out:
        while waiting or working:
            while waiting and len(working) < jobs:
                one = waiting.pop(0)
                chosen, limit = within(tests.get(one.function, {}))
                if chosen:
                    working[_started(one.name, ["-x", *chosen], limit)] = one
                else:
                    known[one.name] = "no tests"
            if working:
                child, status = os.wait()
                one = working.pop(child)
                known[one.name] = "killed" if status else "survived"
                print(json.dumps([one.name, known[one.name]]), file=out, flush=True)
                print(f"{len(waiting)} to go; {known[one.name]}: {one.name}", file=sys.stderr, flush=True)
    return {one.name: known[one.name] for one in drawn}


def ready() -> None:
    """Import what every test needs; nothing is done with it, for the threads of polars do not survive a fork."""
    sys.dont_write_bytecode = False
    modules = sorted(file.relative_to(MADE / "src") for file in (MADE / "src").rglob("*.py.meta"))
    own = [".".join(file.parts).removesuffix(".py.meta").removesuffix(".__init__") for file in modules]
    for name in (*_NEEDED, *own):
        import_module(name)


def control(tests: dict[str, dict[str, float]]) -> None:
    """Stop where tests fail without a defect in such a process, for then they would with any."""
    most = max(tests.values(), key=len)
    child = _started("", ["-x", *within(most)[0][:40]], _HANGS_AFTER)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"tests fail without a defect: see {MADE / 'logs' / 'none'}")


def within(tests: dict[str, float]) -> tuple[list[str], int]:
    """Return the quick ones of these tests, as many as there are seconds for, and how long they may work."""
    chosen: list[str] = []
    taken = 0.0
    for test in sorted(tests, key=lambda test: tests[test]):
        if chosen and taken + tests[test] > _SECONDS:
            break
        chosen.append(test)
        taken += tests[test]
    return chosen, math.ceil(_FIXTURES + _PATIENCE * taken)


def _started(mutant: str, tests: list[str], limit: int, *plugins: object) -> int:
    """Run tests with a mutant in a process of its own, and return its number."""
    child = os.fork()
    if not child:
        _run(mutant, tests, limit, plugins)
    return child


def _run(mutant: str, tests: list[str], limit: int, plugins: Sequence[object]) -> None:
    """Run tests with a mutant in this process, which ends with it."""
    code = 70
    try:
        log = os.open(MADE / "logs" / (mutant or "none"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        signal.alarm(_HANGS_AFTER + 10 * limit)
        os.chdir(MADE)
        os.environ |= {"MUTANT_UNDER_TEST": mutant, "PYTHONPATH": str(MADE / "src")}
        pytest = import_module("pytest")
        code = int(pytest.main([*_PYTEST, *tests], plugins=[_Hasty(), *plugins]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def table(every: list[Mutant], found: dict[str, str]) -> str:
    """Return the report: a row per module and one of all."""
    modules = sorted({one.module for one in every})
    rows = [(module.removeprefix("tallybook."), [one for one in every if one.module == module]) for module in modules]
    lines = [
        "| module | mutants | tried | killed | survived | reached by no test | killed, % |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, those in [*rows, ("all", every)]:
        said = [found[one.name] for one in those if one.name in found]
        counts = [said.count(what) for what in ("killed", "survived", "no tests")]
        share = f"{100 * counts[0] / len(said):.1f}" if said else ""
        lines.append(f"| {name} | {len(those)} | {len(said)} | {' | '.join(map(str, counts))} | {share} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
