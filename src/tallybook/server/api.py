"""The API of our own: figures by place and day, and everything that stands behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from tallybook.release.changes import KINDS
from tallybook.server import asked
from tallybook.server.answers import OneAnswer, TableAnswer, described, example, one_answer, table_answer
from tallybook.server.asked import moment_of, wanted_of
from tallybook.server.figures import figures_answer, metrics_table, told
from tallybook.server.refusals import NoSuchError
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened
from tallybook.server.signals import MEASURES


def desk_of(request: Request) -> Desk:
    """Return the book a request is about: the one its address names, or the only one.

    Raises:
        NoSuchError: there is none of that name.
    """
    desks: Mapping[str, Desk] = request.app.state.desks
    name = request.path_params.get("book", next(iter(desks)))
    if name not in desks:
        raise NoSuchError(f"no book {name!r}", hint=f"there are: {', '.join(desks)}")
    return desks[name]


def named_book(book: Annotated[str, Path(max_length=40, description="The id of a book.", examples=["nyt"])]) -> str:
    """Return the name of the book in an address that has one."""
    return book


At = Annotated[Desk, Depends(desk_of)]

router = APIRouter(responses=described())
"""The routes."""

_DAY = "2022-01-16"
_FIGURES = example(geoid="USA-48", date=_DAY, cases_avg=64125.0)


@router.get("/series", response_model=TableAnswer, responses=_FIGURES, summary="Figures by place and day")
def series(  # noqa: PLR0913, PLR0917 - each is a parameter
    request: Request,
    desk: At,
    page: asked.Paged,
    place: asked.Places = None,
    level: asked.OfLevel = None,
    metric: asked.Metrics = None,
    measure: asked.Measures = None,
    first: asked.From = None,
    last: asked.To = None,
    as_of: asked.AsOf = None,
    status: asked.WithStatus = None,
) -> Response:
    """Return the figures of places, or of all places of a level, by place and day; of now or as they were known.

    A row without any of the figures that are asked for is left out, but for one that says why. Without place and level,
    the widest level.
    """

    def made(opened: Opened) -> Response:
        wanted = wanted_of(desk, opened, place, level, metric, measure, first, last)
        return figures_answer(desk, request, opened, page, told(desk, wanted, status), moment_of(as_of, desk.book))

    return desk.shelf.answer(made)


@router.get("/snapshot", response_model=TableAnswer, responses=_FIGURES, summary="All places on a day")
def snapshot(
    request: Request,
    desk: At,
    page: asked.Paged,
    day: asked.Day = None,
    level: asked.OfLevel = None,
    metric: asked.Metrics = None,
    measure: asked.Measures = None,
    as_of: asked.AsOf = None,
    status: asked.WithStatus = None,
) -> Response:
    """Return the figures of all places of a level on one day; of now or as they were known."""

    def made(opened: Opened) -> Response:
        wanted = wanted_of(desk, opened, None, level, metric, measure, day, day)
        if day is None:
            last = opened.table(next(iter(wanted.geoids))).column("date").max()
            wanted = wanted_of(desk, opened, None, level, metric, measure, last, last)  # type: ignore[arg-type]
        return figures_answer(desk, request, opened, page, told(desk, wanted, status), moment_of(as_of, desk.book))

    return desk.shelf.answer(made)


@router.get("/explain", response_model=OneAnswer, summary="What an average is made of")
def explain(request: Request, desk: At, place: asked.OnePlace, metric: asked.OneMetric, day: asked.ThatDay) -> Response:
    """Say what a published average is made of: its window, day by day, what was left out and why."""

    def made(opened: Opened) -> Response:
        wanted = wanted_of(desk, opened, [place], None, [metric], None, None, None)
        geoid = next(iter(wanted.geoids.values()))[0]  # type: ignore[index]
        table = opened.table(next(iter(wanted.geoids)))
        shown = table.frame(["date", f"{metric}_avg"], [geoid]).filter(date=day)
        if shown[f"{metric}_avg"].null_count() == shown.height:
            raise NoSuchError(f"the release has no average of {metric} of {desk.book.places.title(geoid)} on {day}")
        return one_answer(desk, request, opened, asdict(desk.book.explain(geoid, day, metric, opened.as_of)), past=True)

    return desk.shelf.answer(made)


_ANOMALY = example(id="USA-48-2022-01-14-cases", date="2022-01-14", geoid="USA-48", type="cases")
_REVISION = example(geoid="USA-53", metric="cases", date="2020-03-01", as_of="2020-03-03T14:00:00Z", old=18.0, new=17.0)
_RELEASE = example(as_of="2023-03-24T13:00:00Z", new=114, revised=2, withdrawn=0)


@router.get("/anomalies", response_model=TableAnswer, responses=_ANOMALY, summary="What the editors know to be odd")
def anomalies(
    request: Request,
    desk: At,
    page: asked.Paged,
    place: asked.Places = None,
    metric: asked.Metrics = None,
    first: asked.From = None,
    last: asked.To = None,
) -> Response:
    """List the entries of the register: days whose counts are omitted, adjusted or explained."""

    def made(opened: Opened) -> Response:
        ends = pl.coalesce("end_date", "date")
        kept = pl.lit(value=True) if first is None else ends >= first
        kept = kept if last is None else kept & (pl.col("date") <= last)
        if place or metric:
            wanted = wanted_of(desk, opened, place, None, metric, None, None, None)
            geoids = [geoid for some in wanted.geoids.values() for geoid in some or ()]
            kept = kept & pl.col("geoid").is_in(geoids) if place else kept
            kept = kept & pl.col("type").is_in([*metric, "both"]) if metric else kept
        return table_answer(desk, request, opened, page, lambda: iter([opened.anomalies.filter(kept)]))

    return desk.shelf.answer(made)


@router.get("/revisions", response_model=TableAnswer, responses=_REVISION, summary="What was corrected")
def revisions(
    request: Request,
    desk: At,
    page: asked.Paged,
    place: asked.Places = None,
    metric: asked.Metrics = None,
    since: asked.Since = None,
) -> Response:
    """List the counts that were corrected: the old and the new value, since when, by whom."""

    def made(opened: Opened) -> Response:
        keys = [pl.lit(value=True)]
        wanted = wanted_of(desk, opened, place, None, metric, None, None, None)
        if place:
            keys.append(pl.col("place").is_in([geoid for some in wanted.geoids.values() for geoid in some or ()]))
        if metric:
            keys.append(pl.col("metric").is_in(metric))
        moment = moment_of(since, desk.book)
        number = wanted.rows(opened) if place else sum(opened.height(level) for level in opened.levels)

        def rows() -> Iterator[pl.DataFrame]:
            told = desk.book.ledger.revisions(since=moment, where=pl.all_horizontal(keys))
            columns = ("metric", "date", "as_of", "old", "new", "old_status", "status", "source", "note")
            yield told.filter(pl.col("as_of") <= opened.as_of).select(pl.col("place").alias("geoid"), *columns)

        return table_answer(desk, request, opened, page, rows, number=number, past=True)

    return desk.shelf.answer(made)


@router.get("/releases", response_model=TableAnswer, responses=_RELEASE, summary="The releases so far")
def releases(request: Request, desk: At, page: asked.Paged) -> Response:
    """List the releases up to the one in place: as of when, and how many values each changed."""

    def made(opened: Opened) -> Response:
        told = [{"as_of": one.as_of, **one.changes} for one in desk.book.releases() if one.as_of <= opened.as_of]
        counts = dict.fromkeys(KINDS, pl.Int64())
        schema = pl.Schema({"as_of": pl.Datetime("us", "UTC"), **counts})
        return table_answer(desk, request, opened, page, lambda: iter([pl.DataFrame(told, schema=schema)]))

    return desk.shelf.answer(made)


_PLACE = example(geoid="USA-53", level="state", fips="53", name="Washington", abbreviation="WA", population=7614893)
_METRIC = example(signal="cases_avg", metric="cases", measure="avg", level="state", last_date="2023-03-23")


@router.get("/", response_model=OneAnswer, summary="What is served")
def book(request: Request, desk: At) -> Response:
    """Say what the dataset is: its levels, metrics, measures, days, time zone and files."""

    def made(opened: Opened) -> Response:
        return one_answer(desk, request, opened, _about(desk, opened))

    return desk.shelf.answer(made)


@router.get("/places", response_model=TableAnswer, responses=_PLACE, summary="The places")
def places(request: Request, desk: At, page: asked.Paged, level: asked.OfLevel = None) -> Response:
    """List the places there are figures of: id, names, FIPS code, what they lie in, population."""

    def made(opened: Opened) -> Response:
        among = [level] if level else list(opened.levels)
        here = pl.concat([pl.Series(opened.table(one).geoids.categories) for one in among])
        named = desk.book.places.named.filter(pl.col("geoid").is_in(here.implode()))
        found = named.join(desk.book.places.titles, on="geoid", how="left", maintain_order="left").sort("geoid")
        return table_answer(desk, request, opened, page, lambda: iter([found.drop("gdp_2019_musd", "members")]))

    return desk.shelf.answer(made)


@router.get("/metrics", response_model=TableAnswer, responses=_METRIC, summary="The metrics")
def metrics(request: Request, desk: At, page: asked.Paged) -> Response:
    """List what is counted, what is served of it, in which units, of which levels and days."""

    def made(opened: Opened) -> Response:
        return table_answer(desk, request, opened, page, lambda: iter([metrics_table(desk, opened)]))

    return desk.shelf.answer(made)


def _about(desk: Desk, opened: Opened) -> dict[str, Any]:
    def days(level: Any) -> dict[str, str]:
        column = opened.table(level).column("date")
        return {"first_date": str(column.min()), "last_date": str(column.max())}

    previous = opened.card.get("previous")
    return {
        "id": desk.book.id,
        "time_zone": str(desk.book.zone),
        "levels": {level.value: days(level) for level in opened.levels},
        "metrics": list(desk.book.metrics),
        "measures": list(MEASURES),
        "previous_release": previous and datetime.fromisoformat(previous).isoformat(),
        "files": [file["path"] for file in opened.card["files"]],
    }
