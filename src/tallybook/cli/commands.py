"""The commands, put together: each parses, calls and prints in a module of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from tallybook.cli import (
    charts,
    damage,
    excess,
    explaining,
    findings,
    history,
    making,
    publishing,
    recording,
    serve,
    sources,
)
from tallybook.cli.options import examples
from tallybook.cli.printing import out

EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 refused, or damage found by verify; 2 wrong usage, or errors found by check --strict; "
    "130 interrupted; 141 nobody read on; 143 terminated."
)

app = typer.Typer(
    name="tallybook",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From agency counts of an outbreak to one public, citable dataset.",
    epilog=f"{examples('tallybook demo', 'tallybook init covid --template nyt')}\n\n{EXIT_CODES}",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # takes a while, and is seldom asked for

        out.print(f"tallybook {version('tallybook')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take what every command takes."""


app.add_typer(sources.app, name="sources")
app.add_typer(charts.app, name="chart")

_COMMANDS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "init": (making.init, examples("tallybook init covid --template nyt")),
    "record": (
        recording.record,
        examples(
            "tallybook record nyt ~/covid-19-data --book covid",
            "tallybook record nyt --book covid  # from the source's address",
            "tallybook record nyt us-states.csv --as-of 2021-03-05T02:15-05:00",
            "tallybook record nyt --vintages old/",
            "tallybook record nyt us-states.csv --git ~/covid-19-data",
        ),
    ),
    "publish": (
        publishing.publish,
        examples(
            "tallybook publish --book covid",
            "tallybook publish --book covid --out /srv/www/covid",
            "tallybook publish --as-of 2020-06-01 --out june --book covid",
            "tallybook publish --engine spark --master spark://host:7077 --out /data/covid --book covid",
        ),
    ),
    "close-day": (
        publishing.close_day,
        examples("tallybook close-day --book covid", "tallybook close-day 2021-03-07 --book covid"),
    ),
    "check": (
        findings.check,
        examples("tallybook check --book covid", "tallybook check --json > findings.json", "tallybook check --strict"),
    ),
    "suggest-anomalies": (
        findings.suggest_anomalies,
        examples("tallybook suggest-anomalies --book covid > drafts.csv"),
    ),
    "explain": (
        explaining.explain,
        examples(
            "tallybook explain USA-31 2020-02-25 cases --book covid",
            "tallybook explain Texas 2022-01-16 cases --as-of 2022-01-17 --book covid",
            "tallybook explain Texas 2022-01-16 cases --json",
        ),
    ),
    "demo": (making.demo, examples("tallybook demo /tmp/demo", "tallybook demo /tmp/measles --template measles")),
    "as-of": (history.as_of, history.EXAMPLES["as_of"]),
    "revisions": (history.revisions, history.EXAMPLES["revisions"]),
    "diff": (history.diff, history.EXAMPLES["diff"]),
    "excess": (excess.excess, excess.EXAMPLES),
    "serve": (serve.serve, serve.EXAMPLES),
    "verify": (damage.verify, damage.EXAMPLES["verify"]),
    "rebuild": (damage.rebuild, damage.EXAMPLES["rebuild"]),
}
"""The commands in the order of the help, each with its examples."""

for _name, (_command, _examples) in _COMMANDS.items():
    app.command(name=_name, epilog=_examples)(_command)
