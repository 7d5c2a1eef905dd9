"""Hierarchical risk parity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ModelError

FloatArray = NDArray[np.float64]


def hierarchical_weights(covariance: FloatArray, *, linkage: str = "ward") -> FloatArray:
    r"""Return the weights of hierarchical risk parity.

    Instruments are ordered by the clusters of their correlation distance
    :math:`\sqrt{(1-\rho)/2}` (leaves ordered optimally), and the order is cut in half again and
    again; each half gets a share inverse to the variance of its inverse-variance portfolio [1]_.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)
        Symmetric, positive variances.
    linkage : str
        Of `scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    ndarray of shape (n,)
        Positive, sum 1.

    Raises
    ------
    ModelError
        If a variance is not positive.

    References
    ----------
    .. [1] M. López de Prado, "Building diversified portfolios that outperform out of sample",
       Journal of Portfolio Management 42, 2016.

    Examples
    --------
    >>> hierarchical_weights(np.diag([0.01, 0.04])).round(6)
    array([0.8, 0.2])
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    n = len(covariance)
    if n == 1:
        return np.ones(1)
    sd = np.sqrt(np.diagonal(covariance))
    if not (sd > 0).all():
        raise ModelError(
            f"hierarchical risk parity needs positive variances; column {int(np.argmin(sd))} has 0"
        )
    correlation = np.clip(covariance / np.outer(sd, sd), -1.0, 1.0)
    distance = np.sqrt(np.maximum((1.0 - correlation) / 2.0, 0.0))
    np.fill_diagonal(distance, 0.0)
    tree = hierarchy.linkage(squareform(distance, checks=False), linkage, optimal_ordering=True)
    weights = np.ones(n)
    parts = [hierarchy.leaves_list(tree)]
    while parts:
        part = parts.pop()
        if len(part) == 1:
            continue
        left, right = part[: len(part) // 2], part[len(part) // 2 :]
        first, second = _cluster_variance(covariance, left), _cluster_variance(covariance, right)
        share = 1.0 - first / (first + second)
        weights[left] *= share
        weights[right] *= 1.0 - share
        parts += [left, right]
    return weights


def _cluster_variance(covariance: FloatArray, members: NDArray[np.intp]) -> float:
    block = covariance[np.ix_(members, members)]
    inverse = 1.0 / np.diagonal(block)
    inverse = inverse / inverse.sum()
    return float(inverse @ block @ inverse)
