"""Least squares with a penalty, of many series at once that have the same design.

Source: S. N. Wood (2017), Generalized Additive Models, 2nd ed., sections 4.2 and 6.2: the strength of the penalty
minimises the generalised cross-validation score n RSS / (n − edf)², as ``method = "GCV.Cp"`` does in mgcv; the
posterior of the coefficients has the covariance (X'X + λS)⁻¹ σ².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tallybook.measures.spline import FloatArray

_STRENGTHS: Final = np.linspace(-12.0, 14.0, 261)
"""Decimal logarithms of the strengths tried, the largest eigenvalue of the penalty being 1."""

_ZOOMS: Final = 6
_SINGULAR: Final = 1e-9


class SingularDesignError(Exception):
    """The columns of a design cannot be told apart."""


@dataclass(frozen=True)
class Fit:
    """Series fitted to a design, a column per series.

    Attributes:
        axes: takes coefficients in the rotated basis, where penalty and design are both diagonal, to the design's own.
        scores: the least-squares coefficients in the rotated basis.
        kept: the share of each that the penalty leaves.
        residuals: a row per row of the design.
        freedom: the residual degrees of freedom of each series.
    """

    axes: FloatArray
    scores: FloatArray
    kept: FloatArray
    residuals: FloatArray
    freedom: FloatArray

    @property
    def variance(self) -> FloatArray:
        """The residual variance of each series."""
        return np.asarray((self.residuals**2).sum(axis=0) / self.freedom)

    def predict(self, design: FloatArray) -> FloatArray:
        """Return the expected values at the rows of a design."""
        return np.asarray(design @ self.axes @ (self.scores * self.kept))

    def uncertainty(self, design: FloatArray) -> FloatArray:
        """Return the posterior variance of each row's expected value, as a multiple of the residual variance."""
        return np.asarray((design @ self.axes) ** 2 @ self.kept)


def fit(design: FloatArray, penalty: FloatArray | None, series: FloatArray) -> Fit:
    """Return the fit of each series, the penalty as strong as generalised cross-validation has it.

    Args:
        design: X, a row per observation.
        penalty: S, of the last columns of the design; None fits by least squares.
        series: a row per observation, a column per series.

    Raises:
        SingularDesignError: the columns of the design depend on one another.

    >>> line = np.array([[1.0, x] for x in range(4)])
    >>> fit(line, None, np.array([[1.0], [3.0], [5.0], [7.0]])).predict(np.array([[1.0, 10.0]])).round(6).tolist()
    [[21.0]]
    """
    orthogonal, triangle = np.linalg.qr(design)
    own = np.abs(np.diag(triangle)) / np.linalg.norm(design, axis=0).clip(min=np.finfo(float).tiny)
    if len(design) <= design.shape[1] or own.min() < _SINGULAR:
        raise SingularDesignError
    inverse = np.linalg.inv(triangle)
    whole = np.zeros((len(triangle), len(triangle)))
    if penalty is not None:
        whole[-len(penalty) :, -len(penalty) :] = penalty
    stiffness, vectors = np.linalg.eigh(inverse.T @ whole @ inverse)
    # What is not penalised has a stiffness of exactly nothing; the eigenvalues are sorted.
    stiffness[: len(whole) - (0 if penalty is None else len(penalty))] = 0
    basis = orthogonal @ vectors
    scores = basis.T @ series
    unexplained = ((series - basis @ scores) ** 2).sum(axis=0)
    kept = _best(np.maximum(stiffness, 0), scores**2, unexplained, len(design))
    residuals = series - basis @ (scores * kept)
    return Fit(inverse @ vectors, scores, kept, residuals, len(design) - kept.sum(axis=0))


def _best(stiffness: FloatArray, squares: FloatArray, unexplained: FloatArray, rows: int) -> FloatArray:
    """Return the share of each coefficient that is kept at the strength with the lowest score, per series."""
    if not stiffness.any():
        return np.ones_like(squares)
    stiffness = stiffness / stiffness.max()
    shares = 1 / (1 + 10.0 ** _STRENGTHS[:, None] * stiffness)
    freedom = rows - shares.sum(axis=1)
    scores = (unexplained + (1 - shares) ** 2 @ squares) / freedom[:, None] ** 2
    best, step = _STRENGTHS[scores.argmin(axis=0)], _STRENGTHS[1] - _STRENGTHS[0]
    for _ in range(_ZOOMS):
        near = best + step * np.linspace(-1, 1, 21)[:, None]
        shares = 1 / (1 + 10.0 ** near[:, None, :] * stiffness[:, None])
        lost = ((1 - shares) ** 2 * squares).sum(axis=1)
        scores = (unexplained + lost) / (rows - shares.sum(axis=1)) ** 2
        best, step = near[scores.argmin(axis=0), np.arange(near.shape[1])], step / 10
    return np.asarray(1 / (1 + 10.0**best * stiffness[:, None]))
