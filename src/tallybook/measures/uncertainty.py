"""How far deaths may be from what was expected, in a week and over many.

Three things make them differ, all with variances in closed form:

- the coefficients are estimates: their posterior covariance, shared by all weeks. Neighbouring weeks resemble each
  other (ρ, the autocorrelation of the residuals at one step), so that a smooth curve knows as much as from (1 − ρ) / (1
  + ρ) times as many independent weeks;
- weeks vary about the curve: the residual variance σ², over-dispersed as it is, correlated as ρ to the power of the
  distance;
- years differ, some having a severe influenza season: the variance τ² of the mean residuals of years, which all weeks
  of a year share, and which the level and the trend of a few years are uncertain by, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tallybook.measures.regression import Fit
from tallybook.measures.spline import FloatArray

IntArray = npt.NDArray[np.integer]

INTERVAL: Final = 0.95
"""The share of prediction intervals that should hold what happens."""

_MOST_ALIKE: Final = 0.9
FEWEST_YEARS: Final = 2
"""The years of history without which nobody can tell how years differ."""


@dataclass(frozen=True)
class History:
    """The years that were fitted to.

    Attributes:
        years: per row of the design its year; 0 of rows that are no part of a whole year.
        trend: whether a trend over the years was fitted.
        smooth: whether neighbouring periods are fitted together.
    """

    years: IntArray
    trend: bool
    smooth: bool

    @property
    def whole(self) -> IntArray:
        """The years, each once."""
        return np.unique(self.years[self.years > 0])


def half_widths(fit: Fit, design: FloatArray, years: IntArray, history: History) -> tuple[FloatArray, FloatArray]:
    """Return half the width of the prediction interval of each row, and of the sum of it and all rows before.

    Args:
        fit: the fit.
        design: a row per period to predict, in order.
        years: its year.
        history: what was fitted to.

    Returns:
        Twice a row per period and a column per series; NaN where the history is too short to tell.
    """
    # The statistics of scipy as a whole take half a second to import; its special functions do not.
    from scipy.special import stdtrit

    if len(history.whole) < FEWEST_YEARS:
        nothing = np.full((len(design), fit.residuals.shape[1]), np.nan)
        return nothing, nothing
    alike = _autocorrelation(fit.residuals)
    between = _between_years(fit.residuals, history)
    known_less = (1 + alike) / (1 - alike) if history.smooth else np.ones_like(alike)
    one, summed = _shares_of_years(years, history)
    every = fit.variance * (known_less * fit.uncertainty(design) + 1) + between * one[:, None]
    noise = known_less * fit.uncertainty(np.cumsum(design, axis=0)) + _sums_of_noise(len(design), alike)
    together = fit.variance * noise + between * summed[:, None]
    quantile = stdtrit(fit.freedom, (1 + INTERVAL) / 2)
    return quantile * np.sqrt(every), quantile * np.sqrt(together)


def _autocorrelation(residuals: FloatArray) -> FloatArray:
    """Return how alike neighbouring residuals are, between 0 and 0.9."""
    squares = (residuals**2).sum(axis=0)
    products = (residuals[1:] * residuals[:-1]).sum(axis=0)
    alike = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    return np.asarray(np.clip(alike, 0, _MOST_ALIKE))


def _between_years(residuals: FloatArray, history: History) -> FloatArray:
    """Return the variance of the mean residuals of whole years, about a level or a trend."""
    means = [residuals[history.years == year].mean(axis=0) for year in history.whole]
    return np.asarray((np.stack(means) ** 2).sum(axis=0) / (len(means) - (2 if history.trend else 1)))


def _sums_of_noise(rows: int, alike: FloatArray) -> FloatArray:
    """Return the variance of the sums of the first 1, 2, … terms of a first-order autoregression of variance 1."""
    with_last = np.cumsum(alike ** np.arange(1, rows + 1)[:, None], axis=0)
    before = np.concatenate([np.zeros((1, len(alike))), with_last[:-1]])
    return np.asarray(np.cumsum(1 + 2 * before, axis=0))


def _shares_of_years(years: IntArray, history: History) -> tuple[FloatArray, FloatArray]:
    """Return the variance of what a year shares, as a multiple of that between years: of each row, and of the sums.

    A year's own deviation is added to the uncertainty of a level, or of a trend extrapolated, that so many years tell.
    """
    whole = history.whole
    off = years - whole.mean()
    spread = ((whole - whole.mean()) ** 2).sum() if history.trend else np.inf
    one = 1 + 1 / len(whole) + off**2 / spread
    counted = np.cumsum(years[:, None] == np.unique(years), axis=0)
    level, trend = np.cumsum(np.ones(len(years))), np.cumsum(off)
    return one, (counted**2).sum(axis=1) + level**2 / len(whole) + trend**2 / spread
