"""A thin plate regression spline of one variable.

Source: S. N. Wood (2003), Thin plate regression splines, Journal of the Royal Statistical Society B 65, 95–114. It is
what ``s(x)`` is by default in his R package mgcv: derivatives of second order, no knots to choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

RANK: Final = 10
"""The dimension of the spline, a constant and a straight line among it."""


@dataclass(frozen=True)
class Spline:
    """The wiggly part of a spline: what is left of it without a constant and a straight line.

    Attributes:
        knots: the distinct values of the variable, sorted.
        weights: per knot and basis function, the weight of the radial function around that knot.
        penalty: the matrix S of the wiggliness b'Sb of a curve with the coefficients b.
    """

    knots: FloatArray
    weights: FloatArray
    penalty: FloatArray

    def at(self, values: FloatArray) -> FloatArray:
        """Return the basis functions at some values: a row per value, a column per function."""
        return _radial(values, self.knots) @ self.weights


@lru_cache(maxsize=64)
def spline(knots: tuple[float, ...]) -> Spline:
    """Return the spline of rank 10 whose data lie at these distinct values; at least as many as the rank.

    Of all thin plate splines with a knot at every value, it has those that the ``RANK`` eigenvectors of the radial
    basis with the largest eigenvalues span (Wood 2003, section 3). No choice of fewer functions comes nearer to the
    full spline in the worst case.

    >>> spline(tuple(range(2, 53))).at(np.array([2.0, 26.0])).shape
    (2, 8)
    """
    at = np.array(knots, dtype=np.float64)
    values, vectors = np.linalg.eigh(_radial(at, at))
    largest = np.argsort(-np.abs(values), kind="stable")[:RANK]
    values, vectors = values[largest], vectors[:, largest]
    # A curve's radial weights have to be orthogonal to straight lines, or its wiggliness is not finite.
    lines = np.stack([np.ones_like(at), at - at.mean()], axis=1)
    orthogonal = np.linalg.qr(vectors.T @ lines, mode="complete")[0][:, 2:]
    return Spline(at, vectors @ orthogonal, orthogonal.T @ (values[:, None] * orthogonal))


def _radial(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the thin plate basis of order 2 in one dimension: |r|³ / 12 (Wood 2003, equation 2)."""
    return np.abs(values[:, None] - knots[None, :]) ** 3 / 12
