"""One word and one sentence: believe it or not, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEAK: Final = "leak"
NO_EVIDENCE: Final = "no evidence"
WEAK: Final = "weak"
SUPPORTED: Final = "supported"
INCOMPLETE: Final = "incomplete"
MOST_OVERFIT: Final = 0.20
LEAST_ALPHA_T: Final = 1.645
"""One-sided 5 % point of the normal."""
LEAST_SESSIONS: Final = 60
"""Below a quarter of a year the tests, which lean on large samples, say nothing."""
MOST_GAP: Final = 0.05
"""Share of the profit that may hang on the order of prices inside a bar."""
REPLAYED: Final = "replayed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict is made from.

    Parameters
    ----------
    deflated_sharpe : float
        Probability in [0, 1]; NaN where undefined.
    n_trials : int
        Configurations counted.
    sharpe_low, sharpe_high : float
        Bounds of the 95 % bootstrap interval of the annual Sharpe ratio.
    excess_return : float
        Total return over that of the benchmark.
    benchmark : str
        Name of the benchmark.
    leak_ok : bool or None
        Outcome of the leak guard; None if it did not run.
    leak_summary : str
        Its sentence.
    health_ok : bool or None
        Outcome of the data-health gate; None if it did not run.
    costs_charged : bool
        Whether any cost was charged.
    double_cost_return : float
        Total return at twice the costs; NaN where unknown.
    accepted : bool
        Whether every acceptance threshold is met.
    control_p : float
        p-value against shuffled labels; NaN where there is no such control.
    path_dependent_share : float
        Fills that depend on the order of touches inside a bar, as a share of all fills.
    path_gap : float
        Distance of final equity with the better price first inside each bar from that with the
        worse first, as a share of the profit; NaN where unknown.
    completed : bool
        Whether the run reached its end.
    stop_reason : str
        Why it did not.
    backtest_overfit : float
        Probability of backtest overfitting; NaN where not applicable.
    alpha_t : float
        Newey-West t-statistic of the return that holding the benchmark does not explain; NaN
        where the benchmark does not vary.
    sessions : int or None
        Sessions measured; None where unknown.
    data_notes : tuple of str
        What the data are known to suffer from, for example survivorship.
    """

    deflated_sharpe: float
    n_trials: int
    sharpe_low: float
    sharpe_high: float
    excess_return: float
    benchmark: str
    leak_ok: bool | None = None
    leak_summary: str = ""
    health_ok: bool | None = None
    costs_charged: bool = True
    double_cost_return: float = math.nan
    accepted: bool = True
    control_p: float = math.nan
    path_dependent_share: float = 0.0
    path_gap: float = math.nan
    completed: bool = True
    stop_reason: str = ""
    backtest_overfit: float = math.nan
    alpha_t: float = math.nan
    sessions: int | None = None
    data_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a result.

    Parameters
    ----------
    word : str
        ``leak``, ``no evidence``, ``weak``, ``supported``; ``incomplete`` for a run that stopped,
        ``replayed`` for a paper session on history, which is no evidence either way.
    sentence : str
        Whether to believe it and why, in plain words, with the benchmark.
    cautions : tuple of str
        Everything else a reader must know before acting on it.
    """

    word: str
    sentence: str
    cautions: tuple[str, ...] = ()

    @property
    def may_show_performance(self) -> bool:
        """Whether performance figures may be shown as results."""
        return self.word not in (LEAK, INCOMPLETE)


def replayed(data_notes: tuple[str, ...] = ()) -> Verdict:
    """Return the word on a paper session over stored bars: it is not judged."""
    return Verdict(
        REPLAYED,
        "Not judged: a paper session replays history that its strategy was chosen on; "
        "whether to believe the strategy is for its study's run to say.",
        data_notes,
    )


def judge(evidence: Evidence) -> Verdict:
    """Judge a result; a leak or an unfinished run ends the matter.

    Parameters
    ----------
    evidence : Evidence
        Everything known about it.

    Returns
    -------
    Verdict
        ``no evidence`` if the deflated Sharpe ratio is below 0.90 or undefined, or the 95 %
        interval of the Sharpe ratio reaches 0, or shuffled labels do as well (p > 0.10), or
        there are fewer than 60 sessions to judge by;
        ``supported`` from 0.95, if also the overfitting probability is at most 0.2 and what
        holding the benchmark does not explain is above 0 (one-sided 5 % test of alpha), each
        where it is defined; ``weak`` between. Without the last condition a strategy that holds
        rising instruments at random would be believed: see the calibration in the documentation.

    References
    ----------
    .. [1] D. H. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
       Management, 2014.

    Examples
    --------
    >>> judge(Evidence(0.97, 12, 0.3, 1.9, -0.2, "SPY")).sentence
    'The profit is hardly luck (deflated Sharpe 0.97 after 12 trials), but it is no reason to \
trade: buy-and-hold of SPY earned 20.0 percentage points more.'
    """
    if evidence.leak_ok is False:
        return Verdict(
            LEAK,
            "Do not believe it: the strategy sees the future "
            f"({evidence.leak_summary or 'the leak guard failed'}), so no result is shown.",
        )
    if not evidence.completed:
        why = evidence.stop_reason or "it was stopped"
        return Verdict(INCOMPLETE, f"No verdict: the run did not reach its end ({why}).")
    word = _word(evidence)
    return Verdict(word, _sentence(word, evidence), tuple(_cautions(evidence)))


def _word(evidence: Evidence) -> str:
    unproven = not evidence.deflated_sharpe >= 0.90 or not evidence.sharpe_low > 0
    if unproven or evidence.control_p > 0.10 or _short(evidence):
        return NO_EVIDENCE
    proven = evidence.deflated_sharpe >= 0.95
    return SUPPORTED if proven and not _overfitted(evidence) and not _passive(evidence) else WEAK


def _short(evidence: Evidence) -> bool:
    return evidence.sessions is not None and evidence.sessions < LEAST_SESSIONS


def _overfitted(evidence: Evidence) -> bool:
    return evidence.backtest_overfit > MOST_OVERFIT


def _passive(evidence: Evidence) -> bool:
    return evidence.alpha_t < LEAST_ALPHA_T


def _sentence(word: str, evidence: Evidence) -> str:
    beaten = not evidence.excess_return <= 0  # also where there is no benchmark
    trials = f"{evidence.n_trials} trial{'s' if evidence.n_trials != 1 else ''}"
    dsr = f"deflated Sharpe {evidence.deflated_sharpe:.2f}"
    if word == SUPPORTED:
        if beaten:
            return f"Believe it: the edge survives {trials} ({dsr}), and {_versus(evidence)}."
        return (
            f"The profit is hardly luck ({dsr} after {trials}), but it is no reason to trade: "
            f"{_versus(evidence)}."
        )
    join = "but" if beaten and math.isfinite(evidence.excess_return) else "and"
    if word == WEAK:
        reserve = _reserve(evidence, trials, dsr)
        return f"Believe it only in part: {reserve}, {join} {_versus(evidence)}."
    return f"Do not believe it: {_doubt(evidence, trials, dsr)}, {join} {_versus(evidence)}."


def _reserve(evidence: Evidence, trials: str, dsr: str) -> str:
    if _overfitted(evidence):
        return (
            f"the choice among {trials} looks overfitted (probability of overfitting "
            f"{evidence.backtest_overfit:.2f}, wanted {MOST_OVERFIT:.2f} or less)"
        )
    if evidence.deflated_sharpe >= 0.95:
        return (
            f"the profit is hardly luck ({dsr} after {trials}), but holding {evidence.benchmark} "
            f"may explain it (t of alpha {evidence.alpha_t:.2f}, wanted {LEAST_ALPHA_T})"
        )
    return f"the edge may be luck after {trials} ({dsr})"


def _versus(evidence: Evidence) -> str:
    if not math.isfinite(evidence.excess_return):
        return "there is no benchmark to compare it with"
    points = f"{abs(evidence.excess_return) * 100:.1f} percentage points more"
    if evidence.excess_return > 0:
        return f"it earned {points} than buy-and-hold of {evidence.benchmark}"
    return f"buy-and-hold of {evidence.benchmark} earned {points}"


def _doubt(evidence: Evidence, trials: str, dsr: str) -> str:
    if math.isnan(evidence.deflated_sharpe):
        return "there is nothing to test, because its returns do not vary"
    if _short(evidence):
        return f"{evidence.sessions} sessions are too few to judge by (wanted {LEAST_SESSIONS})"
    if evidence.control_p > 0.10:
        return f"models trained on shuffled labels do as well (p = {evidence.control_p:.2f})"
    if evidence.deflated_sharpe < 0.90:
        return f"after {trials} luck may explain it ({dsr}, wanted 0.90)"
    return (
        "its Sharpe ratio may be zero "
        f"(95 % interval {evidence.sharpe_low:.2f} to {evidence.sharpe_high:.2f})"
    )


def _cautions(evidence: Evidence) -> list[str]:
    found = []
    if evidence.leak_ok is None:
        taken = "The leak guard did not run on the decisions; they were taken as given."
        found.append(evidence.leak_summary or taken)
    if evidence.health_ok is None:
        found.append("The data-health gate did not run.")
    elif not evidence.health_ok:
        found.append("The data fail the health gate; the result was asked for all the same.")
    if not evidence.costs_charged:
        found.append("No costs were charged: the result is gross.")
    if evidence.double_cost_return < 0:
        found.append("At twice the costs it loses money.")
    if not evidence.accepted:
        found.append("It misses at least one acceptance threshold.")
    if evidence.path_gap > MOST_GAP:
        found.append(
            "Which price came first inside a bar is assumed, and is worth "
            f"{evidence.path_gap:.0%} of the profit."
            if math.isfinite(evidence.path_gap)
            else "Which price came first inside a bar is assumed, and decides the profit."
        )
    elif math.isnan(evidence.path_gap) and evidence.path_dependent_share > 0.05:
        found.append(
            f"{evidence.path_dependent_share:.0%} of the fills depend on the order of prices "
            "inside a bar, which is assumed."
        )
    return [*found, *evidence.data_notes]
