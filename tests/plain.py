"""The seven rules, walked day by day and block by block as a person would: slow, and written apart from the package."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plain:
    average: float | None
    days: int


def plain_averages(
    counts: Sequence[int | None],
    *,
    days: int,
    omitted: Sequence[bool],
    adjustments: Sequence[int],
    explicit: bool = False,
) -> list[Plain]:
    """Return the average of every day of one place."""
    return [
        _average(counts[: day + 1], days, omitted[: day + 1], adjustments[: day + 1], explicit)
        for day in range(len(counts))
    ]


def _average(
    counts: Sequence[int | None], days: int, omitted: Sequence[bool], adjustments: Sequence[int], explicit: bool
) -> Plain:
    first = next((day for day, count in enumerate(counts) if count is not None), None)
    if first is None:
        return Plain(None, 0)
    # Rule 6: before the first row every day is a reported zero, a block of its own. More than enough of them.
    before = 2 * days
    blocks: list[list[int]] = [[0] for _ in range(before)]
    empty: list[int] = []
    zeros = 0
    for day in range(first, len(counts)):
        count = (counts[day] or 0) + adjustments[day]
        if omitted[day] or count < 0:
            continue
        has_data = count != 0 or (explicit and counts[day] is not None)
        if has_data:
            blocks.append([*empty, count])
            empty, zeros = [], 0
            continue
        empty.append(0)
        zeros = zeros + 1 if counts[day] is not None else 0
        if zeros == 2 * days:
            # Days before the run that nobody reported on belong to its first zero, like any day without data.
            unreported = empty[: len(empty) - zeros]
            blocks += [[*unreported, 0], *([0] for _ in range(zeros - 1))]
            empty, zeros = [], 0
    # Rule 7: whole blocks, from the last one back, until `days` days are covered.
    window: list[int] = []
    taken = 0
    while len(window) < days:
        taken += 1
        window = blocks[-taken] + window
    # Nobody knows what was before a first row that said nothing: its block, and what it covers, tell no average.
    if counts[0] is None and taken >= len(blocks) - before:
        return Plain(None, 0)
    return Plain(sum(window) / len(window), len(window))
