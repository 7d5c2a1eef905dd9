"""Decisions stored with a run: written, read back, found again, warned about."""

from types import SimpleNamespace

import pytest

from tradewright.domain.errors import ConfigError, DataError, NoDataError
from tradewright.domain.signals import Action, Blocked, Signal
from tradewright.portfolio import DecisionSettings
from tradewright.portfolio.decision import SignalSettings
from tradewright.portfolio.sizing import AccountLimits, PositionSizingParams
from tradewright.services.decisions import (
    account_notes,
    decision_bytes,
    decision_frame,
    explain_decision,
    find_run,
    load_decisions,
    signals_of,
)
from tradewright.services.studies import Study

DAY = 86_400_000_000_000


def signal(day, symbol="AAPL", **given):
    told = {"action": Action.BUY, "confidence": 0.7, "uncertainty": 0.2, "position_size": 0.1,
            "price": 100.0, "stop_loss": 95.0, "target_price": 110.0, "reasons": ("a", "b"),
            "factors": {"var": 0.8}, "sizing": {"limit_sector": float("inf"), "step_base": 0.1},
            "sources": ({"name": "m", "weight": 1.0},), "risk": {"sharpe": 1.0},
            "model_version": "m/1"}  # fmt: skip
    return Signal(symbol=symbol, ts_known=day * DAY, expires_at=day * DAY + 5, **{**told, **given})


HELD = signal(2, action=Action.HOLD, position_size=0.0, stop_loss=None, target_price=None,
              blocked=Blocked("edge", 0.001, 0.002))  # fmt: skip
SIGNALS = [signal(1), HELD, signal(3, "MSFT"), signal(9)]


class Runs:
    def __init__(self, data):
        self.data = data

    def list_runs(self, *, kind=None, limit=50):
        assert kind == "study"
        rows = [
            ("b2", "ridge", "FAILED"),
            ("a1", "ridge", "COMPLETED"),
            ("c3", "demo", "COMPLETED"),
        ]
        return [SimpleNamespace(run_id=i, name=n, status=s) for i, n, s in rows]

    def load(self, run_id, document):
        if run_id != "a1":
            raise NoDataError("no such file")
        return self.data


@pytest.fixture
def space():
    return SimpleNamespace(runs=Runs(decision_bytes(SIGNALS)))


def test_signals_are_read_back_as_they_were():
    assert signals_of(decision_bytes(SIGNALS)) == tuple(SIGNALS)
    frame = decision_frame(SIGNALS)
    assert frame["action"].to_list() == ["BUY", "HOLD", "BUY", "BUY"]
    assert frame["id"].to_list() == [s.id for s in SIGNALS]
    with pytest.raises(DataError, match="is not a table of decisions"):
        signals_of(b"nonsense")


def test_decision_in_force_on_a_day(space):
    def found(symbol, day=None):
        return explain_decision("ridge", symbol, day, workspace=space)

    assert found("aapl", "1970-01-02") == SIGNALS[0]
    assert found("AAPL", "1970-01-03") == HELD
    assert found("AAPL", "1970-01-09") == HELD
    assert found("AAPL") == found("AAPL", "2000-01-01") == SIGNALS[3]
    with pytest.raises(NoDataError, match="until 1970-01-01; first on 1970-01-02"):
        found("AAPL", "1970-01-01")
    with pytest.raises(NoDataError, match="decided about APPL; did you mean 'AAPL'"):
        found("APPL")
    with pytest.raises(DataError, match="YYYY-MM-DD"):
        found("AAPL", "1.6.2015")


def test_runs_are_named_by_id_study_or_latest(space):
    assert find_run(space, "latest") == "b2"
    assert find_run(space, "c3") == "c3"
    assert find_run(space, "ridge") == "a1"  # the newest that is complete
    assert find_run(space, "examples/ridge.yaml") == "a1"
    with pytest.raises(NoDataError, match="did you mean 'ridge'"):
        find_run(space, "ridg")
    with pytest.raises(NoDataError, match="run c3 has no stored decisions"):
        load_decisions("demo", space)


def test_study_above_the_account_is_told():
    account = AccountLimits()
    assert account_notes(DecisionSettings(max_weight=0.2), account) == ()
    (note,) = account_notes(DecisionSettings(max_weight=0.25), account)
    assert note.startswith("decision.max_weight 0.25 is above the account limit 0.2")
    signals = SignalSettings(sizing=PositionSizingParams(max_position_size=0.25))
    (note,) = account_notes(DecisionSettings(rule="signal", signals=signals), account)
    assert note.endswith("paper and live use the tighter one")


# -- the study page --------------------------------------------------------------------------------


def page(**decision):
    return Study.load("ridge").with_settings({"decision": decision}).page


def test_page_turns_into_the_engines_settings():
    given = page(
        rule="signal", long_only=False, rebalance="daily",
        signals={"sizer": "kelly", "confidence_threshold": 0.7, "stop": "atr", "atr_multiple": 3,
                 "kelly_fraction": 0.25, "max_position_size": 0.1},
        rebalancing={"threshold_method": "absolute", "rebalance_threshold": 0.02, "partial": True},
    ).decision.settings()  # fmt: skip
    signals, rebalancing = given.signals, given.rebalancing
    assert (signals.sizer, signals.stop_mode, signals.atr_multiple) == ("kelly", "atr", 3)
    assert (signals.allow_short, signals.enable_stop_loss) == (True, True)
    assert signals.sizing.confidence_threshold == 0.7
    assert (signals.sizing.kelly_fraction, signals.sizing.max_position_size) == (0.25, 0.1)
    assert (rebalancing.threshold_method, rebalancing.rebalance_threshold) == ("absolute", 0.02)
    assert (rebalancing.partial, rebalancing.consider_tax_implications) == (True, False)
    off = page(rule="signal", signals={"stop": "off"}).decision.settings().signals
    assert off.enable_stop_loss is False
    plain = page(rule="signal").decision.settings()
    assert plain.signals == SignalSettings()
    assert page(top_k=3).decision.settings().signals is None


@pytest.mark.parametrize(
    ("decision", "says"),
    [
        ({"rule": "signal", "signals": {"sizr": "kelly"}}, r"decision.signals.sizr: unknown key; "
         "did you mean 'sizer'"),
        ({"rule": "signal", "signals": {"kelly_fraction": 2}}, r"decision.signals.kelly_fraction: "
         r"found 2 \(int\)"),
        ({"rule": "signal", "signals": {"sizer": "kely"}}, "did you mean 'kelly'"),
        ({"rule": "signal", "signals": {"sizer": "kelly", "sizer_params": {"x": 1}}},
         "parameter 'x' is not known"),
        ({"signals": {}}, "decision.rule is top_k: wanted signal"),
        ({"rule": "signal", "method": "risk_parity"}, "rule signal sizes alone"),
        ({"rebalancing": {"min_rebalance_interval": 31}}, "min_rebalance_interval 31 is above"),
        ({"rebalancing": {"threshold_method": "percent"}}, "did you mean 'percentage'"),
    ],
)  # fmt: skip
def test_page_that_makes_no_sense_is_refused_with_its_key(decision, says):
    with pytest.raises(ConfigError, match=says):
        page(**decision)
