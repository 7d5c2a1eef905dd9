"""Bars of a study, and the gates they must pass before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, NoDataError, nearest
from tradewright.domain.time import to_ns
from tradewright.services.markets.contracts import lay_contracts
from tradewright.services.markets.files import with_rates
from tradewright.services.results.extras import Guard
from tradewright.services.study_page import UNIVERSE, StudyPage
from tradewright.services.workspace import Workspace

if TYPE_CHECKING:
    from tradewright.marketdata import HealthVerdict

FUNDS: Final = ("GLD", "QQQ", "SPY", "TLT")
MOST_FINDINGS: Final = 50


@dataclass(frozen=True, slots=True, eq=False)
class StudyData:
    """Bars of a study.

    Parameters
    ----------
    traded : Bars
        The universe: what features, labels and forecasts are made of; total return where the bars
        are as traded and carry corporate actions.
    everything : Bars
        The same rows with the reference instruments beside: what is simulated.
    """

    traded: Bars
    everything: Bars


def load_data(page: StudyPage, workspace: Workspace, *, as_of_ns: int | None = None) -> StudyData:
    """Read the bars of a study and check that they can carry it.

    Parameters
    ----------
    page : StudyPage
        The study.
    workspace : Workspace
        Where stored bars are.
    as_of_ns : int, optional
        Read stored bars as they were known then.

    Returns
    -------
    StudyData
        Of the universe and its reference.

    Raises
    ------
    ConfigError
        If the universe is too small for the decision, or a window does not fit.
    NoDataError
        If a symbol or the range of dates has no bar.
    DataError
        If the bars are adjusted otherwise than asked.
    """
    from tradewright.marketdata import adjust, read_actions

    universe, reference = _symbols(page)
    wanted = (*universe, *(s for s in reference if s not in universe))
    everything = lay_contracts(_read(page, workspace, wanted, as_of_ns), page.data.instruments)
    if page.data.actions is not None:
        everything = everything.with_actions(read_actions(Path(page.data.actions).expanduser()))
    if page.data.fx_rates is not None:
        everything = with_rates(everything, page.data.fx_rates)
    traded = everything
    if len(wanted) > len(universe):
        columns = everything.select(universe)
        # The same rows as the reference, so that one row means one time everywhere.
        if columns.n_bars != everything.n_bars:
            everything = _rows_at(everything, columns)
        traded = columns
    if everything.actions:  # traded as they were, learned from prices that compare
        traded = adjust(traded, mode="total_return")
    data = StudyData(traded, everything)
    _check(page, data)
    return data


def study_health(page: StudyPage, data: StudyData) -> HealthVerdict:
    """Return what the data-health gate finds in the universe."""
    from tradewright.marketdata import check_health

    return check_health(data.traded, min_coverage=page.data.min_coverage)


def health_guard(page: StudyPage, data: StudyData) -> Guard:
    """Return the verdict of the data-health gate on the universe, as a run keeps it."""
    verdict = study_health(page, data)
    findings = tuple(_row(finding) for finding in list(_rows(verdict.findings))[:MOST_FINDINGS])
    return Guard(ok=bool(verdict.ok), summary=str(verdict.summary), findings=findings)


def _symbols(page: StudyPage) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from tradewright.marketdata import sectors

    section = page.universe
    if section.symbols is not None:
        universe = section.symbols
    else:
        known = tuple(sorted(sectors()))
        funds = tuple(s for s in known if s in FUNDS)
        stocks = tuple(s for s in known if s not in FUNDS)
        universe = {"all": known, "funds": funds, "stocks": stocks}[str(section.sample)]
        for name in section.exclude:
            if name not in universe:
                raise ConfigError(f"universe.exclude: {name} is not in the sample's universe")
        universe = tuple(s for s in universe if s not in section.exclude)
    if page.benchmark not in (UNIVERSE, *universe, *section.reference):
        hint = nearest(page.benchmark, [UNIVERSE, *universe, *section.reference])
        raise ConfigError(
            f"benchmark: {page.benchmark!r} is not among the study's instruments; {hint}; "
            "add it to universe.reference"
        )
    return universe, section.reference


def _read(
    page: StudyPage, workspace: Workspace, symbols: tuple[str, ...], as_of_ns: int | None
) -> Bars:
    section = page.data
    start, end = _midnight(section.start), _midnight(section.end)
    if section.source == "sample":
        from tradewright.marketdata import sample_bars

        if section.interval != "1d":
            raise ConfigError(f"data.interval: the sample is daily, found {section.interval!r}")
        return sample_bars(list(symbols), start, end)
    if section.source == "file":
        from tradewright.marketdata import read_bars

        path = Path(str(section.path)).expanduser()
        if not path.is_file():
            raise NoDataError(f"data.path: no file {path}")
        bars = read_bars(path, interval=section.interval).select(symbols)
        if start is None and end is None:
            return bars
        return bars.between(
            None if start is None else to_ns(start), None if end is None else to_ns(end)
        )
    from tradewright.services.data import load_adjusted

    return load_adjusted(
        workspace,
        symbols,
        adjust=section.adjust if section.actions is None else "none",
        interval=section.interval,
        source=None if section.source == "store" else section.source,
        start_ns=None if start is None else to_ns(start),
        end_ns=None if end is None else to_ns(end),
        as_of_ns=as_of_ns,
    )


def _check(page: StudyPage, data: StudyData) -> None:
    bars, n_names = data.traded, data.traded.n_instruments
    found = data.everything.adjustment
    if page.data.adjust not in {"any", found}:
        raise DataError(
            f"data.adjust: the bars are adjusted {found!r}, wanted {page.data.adjust!r}"
        )
    if page.decision.rule == "top_k":
        if n_names == 1:
            raise ConfigError(
                f"universe: one instrument ({bars.symbols[0]}) cannot be ranked; "
                "add instruments, or use decision.rule: proportional"
            )
        if page.decision.top_k > n_names:
            raise ConfigError(
                f"decision.top_k: found {page.decision.top_k}, but the universe has {n_names}"
            )
    if page.labels.horizon + 1 >= bars.n_bars:
        raise ConfigError(
            f"labels.horizon: found {page.labels.horizon} bars, but the data have {bars.n_bars}"
        )
    # Warm-up shortens what is left; the real count is checked again when features are known.
    page.validation.windows().windows(bars.n_bars)


def _midnight(day: Any) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _rows_at(everything: Bars, columns: Bars) -> Bars:
    import numpy as np

    rows = np.flatnonzero(np.isin(everything.ts, columns.ts))
    fields = {
        name: getattr(everything, name)[rows] for name in ("open", "high", "low", "close", "volume")
    }
    return Bars(
        instruments=everything.instruments,
        ts=everything.ts[rows],
        **fields,
        interval=everything.interval,
        source=everything.source,
        adjustment=everything.adjustment,
        data_version=everything.data_version,
        notes=everything.notes,
        rates={name: line[rows] for name, line in everything.rates.items()},
        actions=everything.actions,
    )


def _rows(findings: Any) -> Any:
    return findings.to_dicts() if hasattr(findings, "to_dicts") else findings


def _row(finding: Any) -> dict[str, Any]:
    if isinstance(finding, dict):
        return {str(k): _plain(v) for k, v in finding.items()}
    names = getattr(type(finding), "__dataclass_fields__", None)
    if names:
        return {name: _plain(getattr(finding, name)) for name in names}
    return {"finding": str(finding)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
