"""Why a study held what it held: its decisions, stored with the run and read again."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import DataError, NoDataError, nearest
from tradewright.domain.instruments import normalise_symbol
from tradewright.domain.signals import Action, Blocked, Signal
from tradewright.domain.time import NS_PER_DAY, from_ns, parse_date
from tradewright.portfolio.decision import (
    DecisionEngine,
    DecisionSettings,
    SignalHistory,
    SignalQuery,
    outcomes_of,
    performance_of,
)
from tradewright.portfolio.sizing import AccountLimits
from tradewright.services.workspace import Workspace, current_workspace

if TYPE_CHECKING:
    import polars as pl

DECISIONS: Final = "decisions.parquet"
MOST_DECISIONS: Final = 200_000
"""Newest decisions that are kept with a run."""
_PLAIN: Final = (
    "symbol",
    "confidence",
    "uncertainty",
    "position_size",
    "price",
    "ts_known",
    "expires_at",
    "target_price",
    "stop_loss",
    "model_version",
    "mode",
    "regime",
    "score",
    "agreement",
)
_NESTED: Final = ("reasons", "factors", "sizing", "sources", "risk")


def decision_bytes(signals: Sequence[Signal]) -> bytes:
    """Return signals as a Parquet table, the newest where they are too many."""
    buffer = io.BytesIO()
    decision_frame(signals[-MOST_DECISIONS:]).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def decision_frame(signals: Sequence[Signal]) -> pl.DataFrame:
    """Return signals as a table: one row each, mappings as JSON text.

    Parameters
    ----------
    signals : sequence of Signal
        In any order.

    Returns
    -------
    polars.DataFrame
        Columns ``id action`` and the fields of `Signal`.
    """
    import polars as pl

    columns: dict[str, list[Any]] = {
        "id": [s.id for s in signals],
        "action": [s.action.name for s in signals],
    }
    for name in _PLAIN:
        columns[name] = [getattr(s, name) for s in signals]
    for name in _NESTED:
        columns[name] = [json.dumps(_listed(getattr(s, name))) for s in signals]
    columns["blocked"] = [
        None
        if s.blocked is None
        else json.dumps([s.blocked.filter, s.blocked.value, s.blocked.limit])
        for s in signals
    ]
    kinds = {"target_price": pl.Float64, "stop_loss": pl.Float64, "blocked": pl.String}
    return pl.DataFrame(columns, schema_overrides=kinds, infer_schema_length=None)


def signals_of(data: bytes) -> tuple[Signal, ...]:
    """Read signals from a Parquet table of `decision_bytes`.

    Raises
    ------
    DataError
        If it is not such a table.
    """
    import polars as pl

    try:
        rows = pl.read_parquet(io.BytesIO(data)).to_dicts()
        return tuple(_signal(row) for row in rows)
    except (pl.exceptions.PolarsError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise DataError(f"{DECISIONS} is not a table of decisions: {error}") from error


def load_decisions(run: str = "latest", workspace: Workspace | None = None) -> SignalHistory:
    """Return the decisions stored with a run of a study.

    Parameters
    ----------
    run : str
        Id of a run, ``latest`` (the newest study), or the name or page of a study, whose newest
        run is meant.
    workspace : Workspace, optional
        The default one unless given.

    Returns
    -------
    SignalHistory
        To be asked with `portfolio.decision.SignalQuery`.

    Raises
    ------
    NoDataError
        If there is no such run, or it has no decisions.
    """
    space = workspace if workspace is not None else current_workspace()
    run_id = find_run(space, run)
    try:
        data = space.runs.load(run_id, DECISIONS)
    except NoDataError:
        raise NoDataError(
            f"run {run_id} has no stored decisions; run its study again to have them"
        ) from None
    return SignalHistory(signals_of(data))


def find_signals(run: str, workspace: Workspace | None = None, **wanted: Any) -> tuple[Signal, ...]:
    """Return decisions of a run, newest first.

    Parameters
    ----------
    run : str
        See `load_decisions`.
    workspace : Workspace, optional
        The default one unless given.
    **wanted
        Fields of `portfolio.decision.SignalQuery`; no limit unless given.

    Returns
    -------
    tuple of Signal
        Those that fit.

    Raises
    ------
    NoDataError
        If there is no such run, or it has no decisions.
    """
    if wanted.get("symbol"):
        wanted["symbol"] = normalise_symbol(wanted["symbol"])
    query = SignalQuery(**{"limit": MOST_DECISIONS, **wanted})
    return load_decisions(run, workspace).find(query)


def signal_performance(
    run: str, workspace: Workspace | None = None, *, by: str = "model", days: int = 30
) -> tuple[dict[str, Any], ...]:
    """Return what became of the newest decisions of a run.

    Parameters
    ----------
    run : str
        See `load_decisions`.
    workspace : Workspace, optional
        The default one unless given.
    by : str
        See `portfolio.decision.performance_of`.
    days : int
        Calendar days before the run's last bar.

    Returns
    -------
    tuple of dict
        Rows by group and sessions.

    Raises
    ------
    NoDataError
        If there is no such run, or it has no decisions.
    """
    from tradewright.services.runs import Run

    space = workspace if workspace is not None else current_workspace()
    run_id = find_run(space, run)
    bars = Run.load(run_id, space).bars
    first = int(bars.ts[-1]) - days * NS_PER_DAY
    signals = find_signals(run_id, space, since_ns=first)
    closes = {symbol: bars.close[:, at] for at, symbol in enumerate(bars.symbols)}
    return performance_of(outcomes_of(signals, bars.ts, closes), by=by)


def explain_decision(
    run: str, symbol: str, day: str | date | None = None, *, workspace: Workspace | None = None
) -> Signal:
    """Return the decision that was in force for an instrument on a day.

    Parameters
    ----------
    run : str
        See `load_decisions`.
    symbol : str
        Instrument.
    day : date or str, optional
        ``YYYY-MM-DD``; the newest decision at or before its end is meant, the last one of all
        unless given.
    workspace : Workspace, optional
        The default one unless given.

    Returns
    -------
    Signal
        ``print(portfolio.decision.explain(signal))`` tells it factor by factor.

    Raises
    ------
    NoDataError
        If nothing was decided about the instrument until then; names what there is.
    """
    name = normalise_symbol(symbol)
    every = load_decisions(run, workspace).signals
    symbols = sorted({signal.symbol for signal in every})
    own = [signal for signal in every if signal.symbol == name]
    if not own:
        raise NoDataError(f"nothing was decided about {name}; {nearest(name, symbols)}")
    if day is None:
        return own[-1]
    wanted = parse_date(day)
    end = (wanted + timedelta(days=1) - date(1970, 1, 1)).days * NS_PER_DAY
    before = [signal for signal in own if signal.ts_known < end]
    if not before:
        first = from_ns(own[0].ts_known).date()
        raise NoDataError(f"nothing was decided about {name} until {wanted}; first on {first}")
    return before[-1]


def find_run(workspace: Workspace, named: str) -> str:
    """Return the id of the run that a user means.

    Parameters
    ----------
    workspace : Workspace
        Its runs.
    named : str
        Id, ``latest``, or the name or page of a study.

    Returns
    -------
    str
        Id of a stored run of a study.

    Raises
    ------
    NoDataError
        If there is none, naming the nearest.
    """
    runs = list(workspace.runs.list_runs(kind="study", limit=1000))
    if named == "latest" and runs:
        return runs[0].run_id
    if any(run.run_id == named for run in runs):
        return named
    name = named
    if Path(named).suffix in (".yaml", ".yml"):
        from tradewright.services.studies import Study

        name = Study.load(named).name
    for run in runs:
        if run.name == name and run.status == "COMPLETED":
            return run.run_id
    known = [*(run.run_id for run in runs), *dict.fromkeys(run.name for run in runs)]
    hint = nearest(named, known) if known else "run it with 'tradewright study run'"
    raise NoDataError(f"no stored run of a study is called {named!r}; {hint}")


def open_engine(mode: str = "paper", workspace: Workspace | None = None) -> DecisionEngine:
    """Return the decision engine of the settings in force.

    Parameters
    ----------
    mode : str
        ``backtest``, ``paper`` or ``live``.
    workspace : Workspace, optional
        The default one unless given.

    Returns
    -------
    DecisionEngine
        With the account's limits.

    Raises
    ------
    ConfigError
        If the stop is switched off and the mode is ``live``.
    """
    space = workspace if workspace is not None else current_workspace()
    return DecisionEngine(space.signals, account=space.account, mode=mode)


def account_notes(decision: DecisionSettings, account: AccountLimits) -> tuple[str, ...]:
    """Return where a study may hold more than an account allows.

    Parameters
    ----------
    decision : DecisionSettings
        Of the study.
    account : AccountLimits
        Of the account.

    Returns
    -------
    tuple of str
        One sentence for each value above the account's; paper uses the tighter one for rule
        ``signal``.

    Examples
    --------
    >>> from tradewright.portfolio import DecisionSettings
    >>> from tradewright.portfolio.sizing import AccountLimits
    >>> account_notes(DecisionSettings(max_weight=0.25), AccountLimits())[0][:52]
    'decision.max_weight 0.25 is above the account limit '
    """
    if decision.signals is not None:
        key, value = "decision.signals.max_position_size", decision.signals.sizing.max_position_size
        then = "paper and live use the tighter one"
    else:
        key, value = "decision.max_weight", decision.max_weight
        then = "an account refuses what exceeds it"
    limit = account.max_position_size
    if value <= limit:
        return ()
    return (f"{key} {value:g} is above the account limit {limit:g} of one holding: {then}",)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _signal(row: Mapping[str, Any]) -> Signal:
    nested = {name: json.loads(row[name]) for name in _NESTED}
    blocked = None if row["blocked"] is None else Blocked(*json.loads(row["blocked"]))
    return Signal(
        action=Action.of(row["action"]),
        **{name: row[name] for name in _PLAIN},
        reasons=tuple(nested["reasons"]),
        factors=nested["factors"],
        sizing=nested["sizing"],
        sources=tuple(nested["sources"]),
        risk=nested["risk"],
        blocked=blocked,
    )
