"""How numbers, dates and changes are written for people."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tallybook.model.weeks import week_label

if TYPE_CHECKING:
    from markupsafe import Markup

_HALF_UP: Final = Context(prec=400, rounding=ROUND_HALF_UP)
"""As browsers round: 8.25 is 8.3. Of the largest fraction no digit is lost."""

_SMALL: Final = 0.05
"""What is below would be written as 0.0."""

NONE: Final = "–"
"""What stands where there is no figure. It is never a zero."""


def rounded(value: float, digits: int = 0) -> Decimal:
    """Return a number rounded to so many decimals, as it is written: halves away from zero, as browsers round.

    >>> rounded(8.25, 1), rounded(-0.5), rounded(8.35, 1)  # in binary the last is a little less than it says
    (Decimal('8.3'), Decimal('-1'), Decimal('8.4'))
    """
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), context=_HALF_UP)


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with its thousands separated.

    >>> number(1234567), number(0.26, 1), number(-13), number(None)
    ('1,234,567', '0.3', '−13', '–')
    """
    return NONE if value is None else f"{rounded(value, digits):,f}".replace("-", "−")


def average(value: float | None) -> str:
    """Return an average: whole from 100 up, with a decimal below, and what is not zero never as one.

    >>> average(1234.5), average(99.96), average(4.25), average(0.036), average(None)
    ('1,235', '100.0', '4.3', '0.04', '–')
    """
    if value is not None and abs(value) < _SMALL:
        return rate(value)
    return number(value, 0 if value is not None and value >= 100 else 1)


def rate(value: float | None) -> str:
    """Return a rate with a decimal, one that would be taken for zero with its first digit that is none.

    >>> rate(412.34), rate(0.26), rate(0.0031), rate(0), rate(None)
    ('412.3', '0.3', '0.003', '0.0', '–')
    """
    if value is None or value == 0 or abs(value) >= _SMALL:
        return number(value, 1)
    return number(value, min(6, 1 + int(-math.log10(abs(value)))))


def in_words(value: float | None) -> str:
    """Return a number as prose has it: two significant digits of millions, whole numbers in full.

    >>> in_words(1234567), in_words(332_000_000), in_words(25_412), in_words(3_000_000_000), in_words(None)
    ('1.2 million', '332 million', '25,412', '3 billion', '–')
    """
    if value is None:
        return NONE
    for name, size in (("trillion", 10**12), ("billion", 10**9), ("million", 10**6)):
        if value >= size:
            digits = 1 if value < 10 * size else 0
            return number(value / size, digits).removesuffix(".0") + f" {name}"
    return number(value)


def day(value: dt.date | None) -> str:
    """Return a date in words.

    >>> day(dt.date(2020, 3, 3))
    'Mar 3, 2020'
    """
    return NONE if value is None else f"{value:%b} {value.day}, {value.year}"


def long_day(value: dt.date | None) -> str:
    """Return a date in words with its month in full, for sentences.

    >>> long_day(dt.date(2020, 3, 3))
    'March 3, 2020'
    """
    return NONE if value is None else f"{value:%B} {value.day}, {value.year}"


def moment(value: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment in words, as it is called where the book is.

    >>> moment(dt.datetime(2021, 3, 8, 2, 5, tzinfo=dt.UTC), ZoneInfo("America/New_York"))
    'Mar 7, 2021, 9:05 p.m. EST'
    >>> [moment(dt.datetime(2021, 3, 7, hour, 5), ZoneInfo("UTC")) for hour in (0, 12)]
    ['Mar 7, 2021, 12:05 a.m. UTC', 'Mar 7, 2021, 12:05 p.m. UTC']
    """
    local = value.astimezone(zone)
    half = "a.m." if local.hour < 12 else "p.m."
    return f"{day(local)}, {local.hour % 12 or 12}:{local:%M} {half} {local:%Z}"


def change(percent: float | None) -> str:
    """Return a change as an arrow with a number.

    >>> change(12.4), change(-3.0), change(0.2), change(None)
    ('↑ 12%', '↓ 3%', '→ 0%', '–')
    """
    if percent is None:
        return NONE
    whole = rounded(percent)
    return f"{'↑' if whole > 0 else '↓' if whole < 0 else '→'} {abs(whole):,}%"


def signed(value: float | None) -> str:
    """Return a difference with its sign.

    >>> signed(-26236), signed(7), signed(0), signed(None)
    ('−26,236', '+7', '0', '–')
    """
    if value is None or value == 0:
        return NONE if value is None else "0"
    return f"{'+' if value > 0 else '−'}{number(abs(value))}"


def percent(value: float | None) -> str:
    """Return a share in percent.

    >>> percent(0.26), percent(None)
    ('0.3%', '–')
    """
    return NONE if value is None else f"{number(value, 1)}%"


def markdown(text: str) -> Markup:
    r"""Return an agency's Markdown as HTML; HTML within it stays text, and its headings begin at the fourth level.

    >>> markdown("# On <b>tests</b>")
    Markup('<h4>On &lt;b&gt;tests&lt;/b&gt;</h4>\n')
    """
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    tokens = MarkdownIt("commonmark", {"html": False}).disable("image").parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 3, 6)}"
    made = MarkdownIt("commonmark", {"html": False})
    return Markup(made.renderer.render(tokens, made.options, {}))  # noqa: S704


def weekday(value: dt.date) -> str:
    """Return a date with its day of the week.

    >>> weekday(dt.date(2020, 3, 3))
    'Tue, Mar 3, 2020'
    """
    return f"{value:%a}, {day(value)}"


def raw(value: float | None) -> str:
    """Return a number as scripts sort by it: plain, and empty where there is none.

    >>> raw(1234.5678), raw(7), raw(None)
    ('1234.57', '7', '')
    """
    return "" if value is None else f"{value:.2f}".removesuffix(".00")


def averaged(figures: Mapping[str, float | None], name: str) -> str:
    """Return a metric's latest average, with its rate and how it was 14 days before, as the end of a sentence.

    >>> averaged({"cases_avg": 8.26, "cases_avg_per_100k": 1.5, "cases_change": 12.4}, "cases")
    'an average of 8.3 new cases a day, 1.5 per 100,000 people, 12% more than 14 days before'
    >>> averaged({"tests_avg": 150, "tests_avg_per_100k": None, "tests_change": -3.0}, "tests")
    'an average of 150 new tests a day, 3% fewer than 14 days before'
    >>> averaged({"cases_avg": 0, "cases_avg_per_100k": 0, "cases_change": -100}, "cases")
    'an average of no new cases a day, where there were some 14 days before'
    >>> averaged({"cases_avg": 2, "cases_avg_per_100k": None, "cases_change": 0.2}, "cases")
    'an average of 2.0 new cases a day, as many as 14 days before'
    """
    mean, of_people, change = figures[f"{name}_avg"], figures[f"{name}_avg_per_100k"], figures[f"{name}_change"]
    if mean == 0:
        before = "" if change is None else ", where there were some 14 days before"
        return f"an average of no new {metric(name)} a day{before}"
    per_person = "" if of_people is None else f", {rate(of_people)} per 100,000 people"
    return f"an average of {average(mean)} new {metric(name)} a day{per_person}{_trend(change)}"


def _trend(percent: float | None) -> str:
    if percent is None:
        return ""
    whole = rounded(percent)
    if whole == 0:
        return ", as many as 14 days before"
    return f", {abs(whole):,}% {'more' if whole > 0 else 'fewer'} than 14 days before"


def metric(name: str) -> str:
    """Return what a metric counts, in the plural.

    >>> metric("positive_tests")
    'positive tests'
    """
    return name.replace("_", " ")


def the(name: str) -> str:
    """Return the name of a place as sentences have it.

    >>> the("United States"), the("Washington"), the("District of Columbia")
    ('the United States', 'Washington', 'the District of Columbia')
    """
    with_article = ("United States", "District of ", "Northern Mariana Islands", "Virgin Islands")
    return f"the {name}" if name.startswith(with_article) else name


LEVELS: Final = {
    "nation": ("nation", "the nation"),
    "state": ("state or territory", "states and territories"),
    "county": ("county", "counties"),
    "town": ("town", "towns"),
}
"""What places of a level are called: one, and several."""


def size(count: int) -> str:
    """Return the size of a file.

    >>> size(999), size(435_000), size(24_000_000)
    ('999 bytes', '435 kB', '24 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1e3:,.0f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB".replace(".0 MB", " MB")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return how many there are of a thing.

    >>> plural(1, "county", "counties"), plural(3142, "county", "counties"), plural(2, "day")
    ('1 county', '3,142 counties', '2 days')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def linked(text: str, url: str | None) -> Markup:
    """Return words that lead somewhere; the words alone where there is nothing to lead to.

    >>> str(linked("CC & BY", "https://example.org/by")), str(linked("As is", None))
    ('<a href="https://example.org/by" rel="license noreferrer">CC &amp; BY</a>', 'As is')
    """
    from markupsafe import Markup, escape

    if not url:
        return escape(text)
    return Markup('<a href="{}" rel="license noreferrer">{}</a>').format(url, text)


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "number": number,
    "average": average,
    "in_words": in_words,
    "day": day,
    "moment": moment,
    "change": change,
    "size": size,
    "plural": plural,
    "signed": signed,
    "percent": percent,
    "markdown": markdown,
    "weekday": weekday,
    "week": week_label,
    "raw": raw,
    "rate": rate,
    "averaged": averaged,
    "metric": metric,
    "the": the,
    "linked": linked,
}
"""What templates call these."""
