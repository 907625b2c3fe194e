"""The commands that draw: pictures as PNG, SVG or PDF, without a browser."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from rich.markup import escape

from tallybook.cli import completion
from tallybook.cli.excess import place_of
from tallybook.cli.moments import day_of, moment_of
from tallybook.cli.options import BookFolder, examples
from tallybook.cli.printing import out
from tallybook.errors import ContractError
from tallybook.model.metrics import Level

if TYPE_CHECKING:
    from tallybook.book import Book
    from tallybook.charts.measures import Unit
    from tallybook.charts.picture import Words

app = typer.Typer(
    no_args_is_help=True,
    help="Draw a chart of a book as PNG, SVG or PDF, with its source in the picture.",
    epilog=examples("tallybook chart compare --places NY,WA --measure cases_per_1000 -o compare.png --book covid"),
)

_SCALE: Final = 2
_KINDS: Final = (".png", ".svg", ".pdf")


def _picture(file: Path) -> Path:
    """Refuse a file that is no picture, before anything is drawn."""
    if file.suffix.lower() not in _KINDS:
        raise typer.BadParameter(f"{file} does not end in {', '.join(_KINDS)}")
    return file


Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", callback=_picture, help=".png, .svg or .pdf."),
]
Theme = Annotated[Literal["light", "dark"], typer.Option(help="Light or dark.")]
Headline = Annotated[str | None, typer.Option(help="In place of the one made from what is shown.")]
Pixels = Annotated[str | None, typer.Option(metavar="WxH", help="The plot's width and height, such as 760x420.")]
Metric = Annotated[str, typer.Option(help="One of the book's metrics.", autocompletion=completion.metrics)]
PlaceName = Annotated[
    str,
    typer.Option("--place", help="An id, FIPS code, name or abbreviation.", autocompletion=completion.places),
]
Day = Annotated[str | None, typer.Option("--date", metavar="DATE", help="The day shown; the last by default.")]


@app.command(
    epilog=examples(
        "tallybook chart compare --places NY,WA --measure cases_per_1000 -o compare.png --book covid",
        "tallybook chart compare --measure cases_avg_per_100k --by date -o averages.pdf --book covid",
    )
)
def compare(
    output: Output,
    places: Annotated[str | None, typer.Option(help="Names, separated by commas; the usual ten by default.")] = None,
    measure: Annotated[str, typer.Option(help="Such as cases, new_cases, cases_avg_per_100k.")] = "cases_per_1000",
    by: Annotated[Literal["day", "date"], typer.Option(help="Day of outbreak, or date.")] = "day",
    scale: Annotated[Literal["usual", "linear", "log"], typer.Option(help="Usual: log for totals.")] = "usual",
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
) -> None:
    """Draw places line by line, from the day their outbreak began or by date."""
    from tallybook.book import Book
    from tallybook.charts import compare as charts
    from tallybook.charts.measures import measure_of
    from tallybook.charts.style import PLACES

    book = Book(folder)
    level, geoids = _places(book, places)
    words = _words(book, theme, headline, pixels)
    _save(
        charts.compare(
            book.totals(level),
            averages=book.averages(level) if measure_of(measure).kind == "average" else None,
            places=geoids or PLACES,
            measure=measure,
            by=by,
            unit=_unit(book, level),
            since=book.config.community_spread_from,
            log=None if scale == "usual" else scale == "log",
            known=book.places,
            **words,
        ),
        output,
    )


@app.command(
    epilog=examples("tallybook chart bubbles --x cases --y deaths --x-log --y-log --select NY,FL -o b.png --book covid")
)
def bubbles(  # noqa: PLR0913, PLR0917 (the options of the command are its parameters)
    output: Output,
    x: Annotated[str, typer.Option(help="A total: cases, deaths, or one of them per 1,000.")] = "cases_per_1000",
    y: Annotated[str, typer.Option(help="The same, upwards.")] = "deaths_per_1000",
    size: Annotated[Literal["population", "density", "gdp", "none"], typer.Option(help="The area.")] = "population",
    colour: Annotated[Literal["region", "division"], typer.Option(help="What colours say.")] = "region",
    day: Day = None,
    select: Annotated[str | None, typer.Option(help="Places to name and follow, separated by commas.")] = None,
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
    *,
    x_log: Annotated[bool, typer.Option("--x-log", help="A logarithmic scale across.")] = False,
    y_log: Annotated[bool, typer.Option("--y-log", help="A logarithmic scale upwards.")] = False,
) -> None:
    """Draw places as bubbles: two totals against each other on a day."""
    from tallybook.book import Book
    from tallybook.charts import bubbles as charts

    book = Book(folder)
    level, geoids = _places(book, select)
    chart = charts.bubbles(
        book.totals(level),
        x=x,
        y=y,
        size=size,
        colour=colour,
        day=None if day is None else day_of(day),
        log=(x_log, y_log),
        selected=geoids,
        known=book.places,
        **_words(book, theme, headline, pixels),
    )
    _save(chart, output)


@app.command(epilog=examples("tallybook chart place --place TX --metric cases -o texas.png --book covid"))
def place(
    output: Output,
    name: PlaceName,
    metric: Metric = "cases",
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
) -> None:
    """Draw a place day by day: new counts, their average, every anomaly."""
    from tallybook.book import Book
    from tallybook.charts import place as charts

    book = Book(folder)
    found = book.places.find(name, among=book.config.levels)
    words = _words(book, theme, headline, pixels)
    averages, unit = book.averages(found.level), _unit(book, found.level)
    chart = charts.place(
        averages, found.geoid, metric=metric, register=book.register, unit=unit, known=book.places, **words
    )
    _save(chart, output)


@app.command(epilog=examples("tallybook chart excess --place Austria -o austria.png --book covid"))
def excess(
    output: Output,
    name: Annotated[str, typer.Option("--place", help="A country, or a place and its country.")],
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
) -> None:
    """Draw a place's deaths from all causes beside those expected, with the interval, the excess shaded."""
    from tallybook.book import Book
    from tallybook.charts.excess import excess as charts

    book = Book(folder)
    made, terms = book.excess(), book.terms
    source = f"Source: {terms['attribution'].rstrip('.')}. Licence: {terms['licence'].rstrip('.')}."
    words = _set(" ".join([book.config.notice, source]).strip(), theme, headline, pixels)
    _save(charts(made, place_of(name, made), **words), output)


@app.command(epilog=examples("tallybook chart revisions --place NJ --as-of 2020-07-06 -o then.png --book covid"))
def revisions(
    output: Output,
    name: PlaceName,
    as_of: Annotated[str, typer.Option("--as-of", metavar="MOMENT", help="A moment, or a date: its beginning.")],
    metric: Metric = "cases",
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
) -> None:
    """Draw what was known of a place's days at a past moment, and what is known now."""
    from tallybook.book import Book
    from tallybook.charts import revisions as charts

    book = Book(folder)
    found = book.places.find(name, among=book.config.levels)
    moment = moment_of(as_of, book)
    then, now = book.totals(found.level, as_of=moment), book.totals(found.level)
    local = moment.astimezone(book.config.zone).date()
    words = _words(book, theme, headline, pixels)
    unit = _unit(book, found.level)
    chart = charts.revisions(then, now, found.geoid, as_of=local, metric=metric, unit=unit, known=book.places, **words)
    _save(chart, output)


@app.command(
    "map", epilog=examples("tallybook chart map --level state --measure cases_avg_per_100k -o map.png --book covid")
)
def draw_map(
    output: Output,
    level: Annotated[Literal["state", "county"], typer.Option(help="Tiles, or counties in their shapes.")] = "state",
    measure: Annotated[str, typer.Option(help="Such as cases_per_1000.")] = "cases_avg_per_100k",
    day: Day = None,
    theme: Theme = "light",
    headline: Headline = None,
    pixels: Pixels = None,
    folder: BookFolder = Path(),
) -> None:
    """Draw a map of a measure on a day: the states as tiles, or the counties."""
    import polars as pl

    from tallybook.book import Book
    from tallybook.charts import map as charts
    from tallybook.charts.measures import measure_of, values_of
    from tallybook.charts.picture import day as in_words

    book = Book(folder)
    shown = measure_of(measure).counted_by(_unit(book, Level(level)))
    averages = book.averages(level) if shown.kind == "average" else None
    values = values_of(book.totals(level), shown, averages=averages, populations=book.places.frame)
    wanted = None if day is None else day_of(day)
    at_day = values.filter(pl.col("date") == (pl.col("date").max() if wanted is None else wanted))
    if at_day.is_empty():
        raise ContractError(f"there is nothing of {day}", hint="give a day that was reported")
    words = _words(book, theme, headline or shown.title, pixels)
    words["subtitle"] = in_words(at_day["date"][0])
    _save((charts.tiles if level == "state" else charts.counties)(at_day, **words), output)


def _places(book: Book, names: str | None) -> tuple[Level, list[str]]:
    """Return the level of the places that are named, and their geoids; states, or what the book has, where none is."""
    if not names:
        levels = [
            level for level in (Level.STATE, Level.TOWN, Level.COUNTY, Level.NATION) if level in book.config.levels
        ]
        return levels[0], []
    found = [book.places.find(name.strip(), among=book.config.levels) for name in names.split(",")]
    if len({place.level for place in found}) > 1:
        raise ContractError("the places are of several levels", hint="give states, or counties, or towns")
    return found[0].level, [place.geoid for place in found]


def _unit(book: Book, level: Level) -> Unit:
    """Return what a level of a book is counted by."""
    return "week" if any(source.card.week for source in book.sources.of_level(level)) else "day"


def _words(book: Book, theme: Literal["light", "dark"], headline: str | None, pixels: str | None) -> Words:
    """Return what is written in and about a picture of a book."""
    from tallybook.charts.picture import source_line

    config, terms = book.config, book.terms
    known = book.ledger.as_of()["as_of"].max()
    if not isinstance(known, datetime):
        raise ContractError("there is nothing to draw", hint="record a feed first")
    zone = config.zone
    source = source_line(attribution=terms["attribution"], licence=terms["licence"], as_of=known, zone=zone)
    return _set(" ".join([config.notice, source]).strip(), theme, headline, pixels)


def _set(source: str, theme: Literal["light", "dark"], headline: str | None, pixels: str | None) -> Words:
    words: Words = {"source": source, "theme": theme}
    if headline:
        words["headline"] = headline
    if pixels:
        words["width"], words["height"] = _size(pixels)
    return words


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{3,4})x(\d{3,4})", text)
    if not found:
        raise ContractError(f"{text!r} is no size", hint="write width and height in pixels, such as 760x420")
    return int(found[1]), int(found[2])


def _save(chart: Any, output: Path) -> None:
    chart.save(str(output), scale_factor=_SCALE if output.suffix.lower() == ".png" else 1)
    out.print(f"drew {escape(str(output))}")
