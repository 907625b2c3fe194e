"""What was known of each date on a past day, against what is known now."""

from __future__ import annotations

import datetime as dt
from typing import Any, Unpack

import altair as alt
import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.measures import Unit
from tallybook.charts.place import DATE
from tallybook.errors import ContractError
from tallybook.measures.daily import daily
from tallybook.measures.frames import require, take
from tallybook.model.places import Gazetteer, gazetteer


def revisions(
    then: Any,
    now: Any,
    geoid: str,
    *,
    as_of: dt.date,
    metric: str = "cases",
    unit: Unit = "day",
    known: Gazetteer | None = None,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return a place's new counts as they were known on a past day, and as they are known now.

    Args:
        then: totals as they were known, as ``Book.totals(level, as_of=…)`` returns them.
        now: totals as they are known.
        geoid: the place.
        as_of: the past day.
        metric: the metric.
        unit: what is counted by.
        known: the gazetteer the place is of; the built-in one by default.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: a column is missing, or the place has no rows.
    """
    lines = [_line(frame, geoid, metric, name) for frame, name in ((then, "then"), (now, "now"))]
    name = (known or gazetteer()).title(geoid)
    if any(line.is_empty() for line in lines):
        raise ContractError(f"there is nothing of {name}", hint="give a place that was known then and is now")
    last = lines[0]["day"].max()
    rows = pl.concat([lines[0], lines[1].filter(pl.col("day") <= last)])
    counts = metric.replace("_", " ")
    words.setdefault("headline", f"New {counts} per {unit} in {name}: what was known on {look.day(as_of)}, and now")
    words.setdefault("subtitle", f"Dashed: as of {look.day(as_of)}; solid: the same dates as they are known now")
    return drawn(rows.drop("day"), metric=metric)(**words)


def drawn(vintages: Any, *, metric: str) -> look.Drawn:
    """Return the picture of two states still to be given its words.

    Args:
        vintages: ``date`` (milliseconds since 1970, UTC), ``value``, ``line`` ('then' or 'now').
        metric: what is counted; deaths have a colour of their own.
    """
    ink = look.by_theme("deaths" if metric == "deaths" else "cases").expr
    text = look.by_theme("text").expr
    stroke = alt.expr(f"datum.line === 'now' ? ({ink}) : ({text})")
    hov = alt.param("hov", value=None)
    x = alt.X(
        "date:T",
        scale=alt.Scale(type="utc", nice=False),
        axis=look.axis(labelExpr=DATE, tickCount=6, labelFlush=True),
    )
    y = alt.Y("value:Q", scale=alt.Scale(zero=True), axis=look.levels())
    both = alt.Chart(look.rows(vintages))
    lines = both.mark_line(
        stroke=stroke, strokeWidth=alt.expr("datum.line === 'now' ? 2 : 1.5"),
        strokeDash=alt.expr("datum.line === 'now' ? [] : [4, 3]"), aria=False,
    ).encode(x, y, detail="line:N")  # fmt: skip
    at_day = both.transform_filter("datum.date === hov").encode(x)
    rule = at_day.mark_rule(stroke=look.by_theme("quiet"), aria=False)
    dots = at_day.mark_circle(size=45, fill=stroke, opacity=1, aria=False).encode(y)

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(rule, lines, dots, parameters=(hov,), **words)

    return finished


def _line(totals: Any, geoid: str, metric: str, name: str) -> pl.DataFrame:
    rows = take(totals)[0]
    require(rows, ["geoid", "date", metric])
    new = daily(rows.filter(geoid=geoid).select("geoid", "date", metric), [metric])
    ms = pl.col("date").cast(pl.Int64) * 86_400_000
    return new.select(date=ms, value=pl.col(metric), line=pl.lit(name), day="date").drop_nulls("value")
