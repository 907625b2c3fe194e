"""MMWR weeks: CDC's epidemiological weeks, Sunday to Saturday, each dated by the Saturday it ends on.

Week 1 of a year is the first with at least four days in January, so it is the one that has January 4 in it, and a week
belongs to the year of its Wednesday.

Source: CDC, National Notifiable Diseases Surveillance System, "MMWR Weeks".
"""

from __future__ import annotations

import datetime as dt

import polars as pl


def week_ends(year: pl.Expr, week: pl.Expr) -> pl.Expr:
    """Return the Saturday that MMWR weeks end on; null where the year has no such week.

    Args:
        year: MMWR years, whole numbers.
        week: MMWR weeks, whole numbers from 1.

    >>> weeks = pl.DataFrame({"year": [2025, 2020, 2021], "week": [12, 53, 53]})
    >>> weeks.select(week_ends(pl.col("year"), pl.col("week")).alias("end"))["end"].to_list()
    [datetime.date(2025, 3, 22), datetime.date(2021, 1, 2), None]
    """
    meant = year.is_between(1900, 9000) & week.is_between(1, 53)
    fourth = pl.date(pl.when(meant).then(year), 1, 4)
    end = _saturday(fourth) + pl.duration(days=(pl.when(meant).then(week) - 1) * 7)
    return pl.when(mmwr_year(end) == year).then(end)


def mmwr_year(date: pl.Expr) -> pl.Expr:
    """Return the MMWR year of dates.

    >>> pl.select(mmwr_year(pl.lit(dt.date(2021, 1, 2)))).item()
    2020
    """
    return _wednesday(date).dt.year()


def mmwr_week(date: pl.Expr) -> pl.Expr:
    """Return the MMWR week of dates, from 1 to 53.

    >>> pl.select(mmwr_week(pl.lit(dt.date(2021, 1, 2)))).item()
    53
    """
    return (_wednesday(date).dt.ordinal_day() - 1) // 7 + 1


def week_label(date: dt.date) -> str:
    """Return what people call the MMWR week of a date.

    >>> week_label(dt.date(2025, 3, 22))
    '2025 week 12, ending Mar 22, 2025'
    """
    end = date + dt.timedelta(days=(5 - date.weekday()) % 7)
    middle = end - dt.timedelta(days=3)
    week = (middle.timetuple().tm_yday - 1) // 7 + 1
    return f"{middle.year} week {week}, ending {end:%b} {end.day}, {end.year}"


def _saturday(date: pl.Expr) -> pl.Expr:
    return date + pl.duration(days=(13 - date.dt.weekday()) % 7)


def _wednesday(date: pl.Expr) -> pl.Expr:
    return _saturday(date) - pl.duration(days=3)
