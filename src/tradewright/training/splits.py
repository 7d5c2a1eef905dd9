"""Splits in time: walk-forward windows and purged folds, by date, never shuffled."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest

SCHEMES: Final = ("rolling", "expanding", "fixed")
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """One walk-forward window; rows are half-open ranges.

    Parameters
    ----------
    index : int
        Position, from 0.
    train_first, train_last : int
        Training rows ``train_first <= t < train_last``.
    test_first, test_last : int
        Test rows ``test_first <= t < test_last``.
    """

    index: int
    train_first: int
    train_last: int
    test_first: int
    test_last: int


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How history is cut into training and test windows.

    Parameters
    ----------
    scheme : str
        ``rolling`` (fixed length), ``expanding`` (fixed start) or ``fixed`` (blocks that share no
        day).
    training : int
        Sessions T of the (first) training window, >= 1.
    testing : int
        Sessions V of a test window, >= 1.
    overlap : int
        Sessions o that neighbouring test windows share, 0 <= o < V.
    embargo : int
        Sessions left free between the end of a training label and the test window, >= 0.
    keep_tail : bool
        Whether a last, shorter test window is kept.

    Raises
    ------
    ConfigError
        For a value out of range.
    """

    scheme: str = "rolling"
    training: int = 252
    testing: int = 63
    overlap: int = 0
    embargo: int = 0
    keep_tail: bool = False

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise ConfigError(
                f"validation.scheme is {self.scheme!r}; {nearest(self.scheme, SCHEMES)}"
            )
        for name in ("training", "testing"):
            if getattr(self, name) < 1:
                raise ConfigError(f"validation.{name} is {getattr(self, name)}, wanted at least 1")
        if not 0 <= self.overlap < self.testing:
            raise ConfigError(
                f"validation.overlap is {self.overlap}, wanted 0 to {self.testing - 1}"
            )
        if not 0 <= self.embargo < self.training:
            raise ConfigError(
                f"validation.embargo is {self.embargo}, wanted 0 to {self.training - 1}"
            )

    @property
    def step(self) -> int:
        """Sessions from one window to the next."""
        if self.scheme == "fixed":
            return self.training + self.testing
        return self.testing - self.overlap

    def windows(self, n_sessions: int) -> tuple[Window, ...]:
        r"""Return the windows that fit into a history.

        Rolling and expanding: :math:`\lfloor (N - T - V) / (V - o) \rfloor + 1` windows; fixed:
        :math:`\lfloor N / (T + V) \rfloor`.

        Parameters
        ----------
        n_sessions : int
            Sessions N available.

        Returns
        -------
        tuple of Window
            In order of time.

        Raises
        ------
        ConfigError
            If not one window fits, naming N and the smallest settings that do.

        Examples
        --------
        >>> [len(WalkForward(overlap=o).windows(1008)) for o in (0, 21)]
        [12, 17]
        >>> len(WalkForward(scheme="fixed").windows(1008))
        3
        """
        length = self.training + self.testing
        if n_sessions < length:
            raise ConfigError(
                f"validation: {n_sessions} sessions are available, but training {self.training} + "
                f"testing {self.testing} = {length} are needed; the largest that fit are "
                f"training {max(1, n_sessions * self.training // length)} and "
                f"testing {max(1, n_sessions * self.testing // length)}, or use a longer history"
            )
        found = []
        for index, start in enumerate(range(0, n_sessions, self.step)):
            test_first = start + self.training
            whole = start + length <= n_sessions
            if not whole and not (self.keep_tail and test_first + self.overlap < n_sessions):
                break
            found.append(
                Window(
                    index=index,
                    train_first=0 if self.scheme == "expanding" else start,
                    train_last=test_first,
                    test_first=test_first,
                    test_last=min(start + length, n_sessions),
                )
            )
        return tuple(found)


def purge(window: Window, end_row: IntArray, *, embargo: int = 0, reach: int = 0) -> BoolArray:
    """Return which training decisions may be used: those whose label ends before the test.

    Parameters
    ----------
    window : Window
        The split.
    end_row : ndarray of shape (n_bars, n_instruments), int64
        Last row each label uses.
    embargo : int
        Sessions left free between the end of a label and the test window.
    reach : int
        Rows a label may use at most. Decisions that could still have been running are left out
        too: keeping those that ended early would select labels by their outcome.

    Returns
    -------
    ndarray of shape (train_last - train_first, n_instruments), bool
        True for a decision whose label interval ends before ``test_first - embargo``.

    Notes
    -----
    Timing: a model is fitted with what was known before the first test decision.
    """
    rows = np.arange(window.train_first, window.train_last)[:, None]
    ends = np.maximum(end_row[window.train_first : window.train_last], rows + reach)
    return np.asarray(ends < window.test_first - embargo)


def default_embargo(n_sessions: int) -> int:
    """Return the embargo where training rows follow a test span: 5 sessions or 1 % of them."""
    return max(5, -(-n_sessions // 100))


def purged_folds(
    end_row: IntArray, *, n_folds: int = 5, embargo: int | None = None
) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Cut a panel into contiguous folds of dates; training leaves out what meets the test.

    A training decision is dropped where its label interval ``[t, end_row]`` meets the test
    interval, which reaches from the first test row to the last row a test label uses, plus the
    embargo [1]_.

    Parameters
    ----------
    end_row : ndarray of shape (n_bars, n_instruments), int64
        Last row each label uses.
    n_folds : int
        Folds, >= 2.
    embargo : int, optional
        Sessions after the test interval without training rows; the larger of 5 and 1 % if None.

    Yields
    ------
    tuple of two ndarray of shape (n_bars, n_instruments), bool
        Training and test decisions of each fold; every decision is tested once.

    Raises
    ------
    ConfigError
        If there are fewer dates than folds.

    References
    ----------
    .. [1] M. López de Prado, "Advances in Financial Machine Learning", 2018, ch. 7.4.
    """
    n_bars = len(end_row)
    if not 2 <= n_folds <= n_bars:
        raise ConfigError(f"validation.folds is {n_folds}, wanted 2 to {n_bars} (the sessions)")
    gap = default_embargo(n_bars) if embargo is None else embargo
    rows = np.arange(n_bars)[:, None]
    edges = np.linspace(0, n_bars, n_folds + 1).astype(int)
    for first, last in itertools.pairwise(edges):
        test = np.broadcast_to((rows >= first) & (rows < last), end_row.shape)
        reach = int(end_row[first:last].max()) + gap
        train = (end_row < first) | (np.broadcast_to(rows, end_row.shape) > reach)
        yield train & ~test, test.copy()


def newest_window(windows: tuple[Window, ...], n_bars: int) -> IntArray:
    """Return, for each row, the newest window that tests it; -1 where none does.

    Examples
    --------
    >>> newest_window(WalkForward(training=2, testing=2, overlap=1).windows(6), 6).tolist()
    [-1, -1, 0, 1, 2, 2]
    """
    owner = np.full(n_bars, -1, dtype=np.int64)
    for window in windows:
        owner[window.test_first : window.test_last] = window.index
    return owner
