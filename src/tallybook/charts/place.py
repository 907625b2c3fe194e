"""One place: the new counts of each day as bars, their average as a line, and every anomaly marked."""

from __future__ import annotations

from typing import Any, Final, Unpack

import altair as alt
import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.measures import Unit
from tallybook.errors import ContractError
from tallybook.measures.frames import require, take
from tallybook.model.places import Gazetteer, gazetteer

DATE: Final = "utcFormat(datum.value, span(domain('x')) < 62 * 864e5 ? '%b %-d' : '%b %Y')"
"""How axes write dates: an outbreak of a few weeks needs its days."""
_MS = 86_400_000


def place(
    averages: Any,
    geoid: str,
    *,
    metric: str = "cases",
    register: Any = None,
    unit: Unit = "day",
    known: Gazetteer | None = None,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return a place's daily counts with their average and anomalies; days left out of the average are hollow.

    Args:
        averages: as ``Book.averages`` returns them.
        geoid: the place.
        metric: the metric.
        register: as ``Book.register`` returns it; says what each anomaly is.
        unit: what is counted by.
        known: the gazetteer the place is of; the built-in one by default.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: a column is missing, or the place has no rows.
    """
    rows = take(averages)[0]
    require(rows, ["geoid", "date", metric, f"{metric}_avg", f"{metric}_omitted", f"{metric}_anomaly"])
    own = rows.filter(geoid=geoid).sort("date")
    name = (known or gazetteer()).title(geoid)
    if own.is_empty():
        raise ContractError(f"there is nothing of {name}", hint="give a place that the averages have")
    series = own.select(_ms(pl.col("date")).alias("date"), new=metric, avg=f"{metric}_avg", omitted=f"{metric}_omitted")
    counts = metric.replace("_", " ")
    span = f"{look.day(own['date'][0])} to {look.day(own['date'][-1])}"
    words.setdefault("headline", f"New {counts} per {unit} in {name}")
    told = f"Bars: {counts} announced that {unit}; line: rolling average; diamonds: anomalies. {span}"
    words.setdefault("subtitle", told)
    return drawn(series, _marks(own, metric, register), metric=metric)(**words)


def drawn(series: Any, marks: Any, *, metric: str) -> look.Drawn:
    """Return the picture of a place still to be given its words; a page names the data, a notebook brings frames.

    Args:
        series: ``date`` (milliseconds since 1970, UTC), ``new``, ``avg``, ``omitted``; one row per day.
        marks: ``date``, ``text``, ``id``; one row per anomaly.
        metric: what is counted; deaths have a colour of their own.
    """
    ink = look.by_theme("deaths" if metric == "deaths" else "cases")
    hov = alt.param("hov", value=None)
    scale = alt.Scale(type="utc", nice=False)
    x = alt.X("date:T", scale=scale, axis=look.axis(labelExpr=DATE, tickCount=6, labelFlush=True))
    y = alt.Y("new:Q", scale=alt.Scale(nice=True, zero=True), axis=look.levels())
    days = alt.Chart(look.rows(series))
    bars = days.mark_rule(
        strokeWidth=alt.expr("clamp(0.75 * width / max(1, span(domain('x')) / 864e5), 1, 14)"),
        stroke=ink, opacity=alt.expr("datum.omitted ? 0.14 : 0.38"), aria=False,
    ).encode(x, y, y2=alt.datum(0))  # fmt: skip
    line = days.mark_line(strokeWidth=2, stroke=ink, aria=False).encode(x, alt.Y("avg:Q"))
    at_day = days.transform_filter("datum.date === hov").encode(x)
    rule = at_day.mark_rule(stroke=look.by_theme("quiet"), aria=False)
    dot = at_day.mark_circle(size=45, fill=ink, opacity=1, aria=False).encode(alt.Y("avg:Q"))
    anomalies = (
        alt.Chart(look.rows(marks))
        .mark_point(shape="diamond", size=70, filled=False, strokeWidth=1.5, stroke=look.by_theme("text"), y=6,
                    fill=look.by_theme("ground"), aria=False)
        .encode(x, tooltip=alt.Tooltip("text:N"))
    )  # fmt: skip
    stems = alt.Chart(look.rows(marks)).mark_rule(
        y=6, y2=alt.expr("height"), stroke=look.by_theme("quiet"), strokeDash=[1, 3], strokeWidth=0.75, aria=False
    )  # fmt: skip

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(bars, stems.encode(x), rule, line, dot, anomalies, parameters=(hov,), **words)

    return finished


def _marks(own: pl.DataFrame, metric: str, register: Any) -> pl.DataFrame:
    marked = own.select("date", id=f"{metric}_anomaly").drop_nulls().with_columns(_ms(pl.col("date")).alias("date"))
    # A day can have several entries, one of several days many days: its diamond stands on the first.
    each = marked.explode("id").with_columns(pl.col("id").cast(pl.String))
    first = each.group_by("id", maintain_order=True).first().select("date", "id")
    if register is None:
        return first.with_columns(text="id")
    entries = take(register)[0].select(pl.col("id").cast(pl.String), text="description")
    return first.join(entries, on="id", how="left", maintain_order="left")


def _ms(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Int64) * _MS
