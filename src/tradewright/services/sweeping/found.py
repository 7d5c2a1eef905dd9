"""What a sweep found: figures of every set, and ways to look at them together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tradewright.domain.errors import ConfigError, nearest
from tradewright.metrics.returns import RISK_FREE
from tradewright.services.luck.trial_sessions import sessions_per_year
from tradewright.services.sweeping.units import FIGURES

if TYPE_CHECKING:
    import polars as pl

    from tradewright.metrics.trials.overfitting import Overfitting
    from tradewright.metrics.trials.superiority import Superiority
    from tradewright.services.runs import Run
    from tradewright.services.sweeping.tester import Tester

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What a sweep found.

    Parameters
    ----------
    table : polars.DataFrame
        One row per set in the order tried: its parameters, then ``total_return``, ``sharpe``
        (annual; null without variance), ``max_drawdown`` (fractions), ``trades`` and
        ``final_equity`` (currency of the account).
    parameters : tuple of str
        Names of the parameter columns.
    trials : int
        Number of sets that were evaluated; each is a trial of the family's deflated Sharpe.
    failures : tuple of dict
        Parameters and ``cause`` of each set that could not be evaluated: its worker died twice,
        or its strategy raised. They are not in `table` and no trials.
    """

    table: pl.DataFrame
    parameters: tuple[str, ...]
    trials: int
    failures: tuple[dict[str, Any], ...] = ()
    _tester: Tester | None = field(default=None, repr=False)

    @property
    def best(self) -> dict[str, Any]:
        """Parameters and figures of the highest Sharpe ratio; of many trials, the luckiest too."""
        return dict(self.table.sort("sharpe", descending=True, nulls_last=True).row(0, named=True))

    @property
    def returns(self) -> FloatArray:
        """Session returns of every set, (n_sessions, trials); arrays are traded again for them."""
        if self._tester is None:
            raise ConfigError("sweep: it was read from a table, the returns of its sets are gone")
        return self._tester.returns

    def overfitting(self, *, blocks: int = 16) -> Overfitting | None:
        """Return the probability that the best set was chosen for luck (PBO).

        Parameters
        ----------
        blocks : int
            Blocks the sessions are cut into; even.

        Returns
        -------
        Overfitting or None
            None with fewer than two sets, or fewer than two sessions a block: not applicable.
        """
        from tradewright.metrics.trials.overfitting import LEAST_ROWS, backtest_overfitting

        if self.trials < 2 or len(self.returns) < LEAST_ROWS * blocks:
            return None
        free = RISK_FREE / sessions_per_year(self._tester.bars) if self._tester else 0.0
        return backtest_overfitting(self.returns, blocks=blocks, risk_free_per_period=free)

    def superiority(self, *, size: float = 0.05, seed: int = 0) -> Superiority | None:
        """Test whether any set beats buy-and-hold, allowing for the search among all of them.

        Parameters
        ----------
        size : float
            Level of StepM.
        seed : int
            Of the bootstrap.

        Returns
        -------
        Superiority or None
            White's reality check, Hansen's SPA and StepM against the universe at equal weight;
            None with fewer than ten sessions.
        """
        from tradewright.metrics.trials.superiority import superiority

        if self._tester is None or len(self.returns) < 10:
            return None
        rng = np.random.default_rng(seed)
        return superiority(self.returns, self._tester.held_returns, rng, size=size)

    def run(self, **chosen: Any) -> Run:
        """Backtest one set and judge it with all trials of this sweep.

        Parameters
        ----------
        **chosen
            Parameters; those of `best` unless given.

        Returns
        -------
        Run
            Its verdict knows the ratio of every trial and the probability of overfitting.
        """
        from tradewright.services.backtest import backtest

        if self._tester is None:
            raise ConfigError("sweep: it was read from a table, its sets cannot be run")
        tester, work = self._tester, self._tester.work
        picked = chosen or {name: self.best[name] for name in self.parameters}
        what = work.make(**picked)
        run = backtest(
            what, work.bars, cash=work.cash, costs=work.costs, config=work.config_for(what)
        )
        year = math.sqrt(sessions_per_year(work.bars))
        every = [row[1] for row in tester.rows if row is not None]
        ratios = tuple(ratio / year for ratio in every if math.isfinite(ratio))
        found = self.overfitting()
        told = None if found is None else found.probability
        run.learn(replace(run.extras, trials=ratios, n_trials=self.trials, overfitting=told))
        return run

    def heatmap(
        self, x: str | None = None, y: str | None = None, *, figure: str = "sharpe"
    ) -> pl.DataFrame:
        """Return a figure over two parameters, the mean over the others.

        Parameters
        ----------
        x, y : str, optional
            Parameters of the columns and the rows; the first two unless given.
        figure : str
            One of the figures of `table`.

        Returns
        -------
        polars.DataFrame
            First column `y`, then one column per value of `x`.

        Raises
        ------
        ConfigError
            If there are fewer than two parameters, or a name is unknown.
        """
        if len(self.parameters) < 2:
            raise ConfigError("a heat map needs two parameters, this sweep has one")
        x, y = x or self.parameters[0], y or self.parameters[1]
        for name, known in ((x, self.parameters), (y, self.parameters), (figure, FIGURES)):
            _check_known("heatmap", name, known)
        wide = self.table.sort(x).pivot(x, index=y, values=figure, aggregate_function="mean")
        return wide.sort(y)

    def parallel(self, *, figure: str = "sharpe") -> pl.DataFrame:
        """Return every set as a line over parallel axes, one a parameter and one the figure.

        Parameters
        ----------
        figure : str
            One of the figures of `table`.

        Returns
        -------
        polars.DataFrame
            One row a set, the best last: for each parameter its place on its axis, 0 for the
            lowest of the values tried to 1 for the highest with equal steps between, and `figure`.

        Raises
        ------
        ConfigError
            If the figure is unknown.
        """
        import polars as pl

        _check_known("parallel", figure, FIGURES)
        places, sizes = self._places()
        columns: dict[str, Any] = {
            name: places[:, at] / max(sizes[at] - 1, 1) for at, name in enumerate(self.parameters)
        }
        columns[figure] = self.table[figure]
        return pl.DataFrame(columns).sort(figure, nulls_last=False)

    @property
    def stability(self) -> pl.DataFrame:
        """How much of each set's Sharpe ratio its neighbours keep; the highest plateau first.

        Columns: the parameters, ``sharpe``, ``neighbours`` (sets tried that differ by at most one
        step in every parameter), ``neighbour_sharpe`` (their mean), ``stability`` (the share of
        the ratio that this mean keeps, 0 to 1; null for a ratio that is not above zero or without
        neighbours) and ``plateau`` (the mean over the set and its neighbours, by which the rows
        are sorted).
        """
        import polars as pl

        from tradewright.metrics.trials.plateau import kept_share, neighbour_means

        places, sizes = self._places()
        values = self.table["sharpe"].cast(pl.Float64).fill_null(math.nan).to_numpy()
        means, counts = neighbour_means(places, values, sizes)
        own = np.nan_to_num(values)
        plateau = (own + counts * np.nan_to_num(means)) / (1 + counts)
        return (
            self.table.select(*self.parameters, "sharpe")
            .with_columns(
                pl.Series("neighbours", counts),
                pl.Series("neighbour_sharpe", means).fill_nan(None),
                pl.Series("stability", kept_share(values, means)).fill_nan(None),
                pl.Series("plateau", plateau),
            )
            .sort("plateau", descending=True, maintain_order=True)
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the sets and their figures, bit for bit, in the order tried."""
        rows = [
            [value.hex() if isinstance(value, float) else repr(value) for value in row]
            for row in self.table.iter_rows()
        ]
        return hashlib.sha256(json.dumps([self.table.columns, rows]).encode()).hexdigest()

    def to_html(self, path: Path | str, *, title: str = "Sweep") -> Path:
        """Write table, heat map, parallel coordinates and plateaus as one page without network.

        Parameters
        ----------
        path : Path or str
            The file.
        title : str
            Of the page.

        Returns
        -------
        Path
            The file.
        """
        from tradewright.services.sweeping.page import sweep_page

        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(sweep_page(self, title), encoding="utf-8")
        return target

    def _places(self) -> tuple[NDArray[np.int64], Sequence[int]]:
        for name in self.parameters:
            if self.table[name].dtype.is_nested():
                raise ConfigError(
                    f"sweep: values of {name} are lists, which lie on no axis; give them names"
                )
        axes = [axis_of(self.table[name].to_list()) for name in self.parameters]
        rows = [
            [axis[value] for axis, value in zip(axes, row, strict=True)]
            for row in self.table.select(self.parameters).iter_rows()
        ]
        return np.array(rows, dtype=np.int64), [len(axis) for axis in axes]


def axis_of(values: Sequence[Any]) -> dict[Any, int]:
    """Return the place of each value on its axis: numbers by size, words as they come.

    Examples
    --------
    >>> axis_of([20, 5, 10, 5])
    {5: 0, 10: 1, 20: 2}
    >>> axis_of(["weekly", "daily"])
    {'weekly': 0, 'daily': 1}
    """
    seen = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in seen):
        seen.sort()
    return {value: place for place, value in enumerate(seen)}


def _check_known(where: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ConfigError(f"{where}: {name!r} is unknown; {nearest(name, known)}")
