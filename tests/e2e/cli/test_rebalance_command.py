"""``tradewright portfolio rebalance``: plan, question, orders, refusal."""

import io
import json
import threading
import time

import pytest

from tradewright.app import bootstrap
from tradewright.app.cli import frame, main
from tradewright.marketdata import sample_bars
from tradewright.services.paper import PaperTrading


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A paper session that holds the sample, and the program on its data directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWRIGHT_PATHS__DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("DATA_DIR", raising=False)
        bootstrap.open_workspace.cache_clear()
        bootstrap.settings.cache_clear()
        paper = PaperTrading(bootstrap.open_workspace())

        def call(*words):
            patch.setattr(frame, "COMMON", frame.Common())
            return main.run(["portfolio", "rebalance", *words])

        assert call("--target", "AAPL=0.4", "--dry-run") == 1  # no session yet
        paper.start("buy_and_hold", speed=40.0, replay="2016-01-04:")
        held = wait(paper.positions, lambda rows: len(rows) == 32)
        yield call, paper, held
        paper.close()
    bootstrap.open_workspace.cache_clear()
    bootstrap.settings.cache_clear()


def wait(ask, is_done):
    end, pause = time.monotonic() + 20, threading.Event()
    while not is_done(answer := ask()):
        assert time.monotonic() < end, answer
        pause.wait(0.05)
    return answer


def text_of(held, share, **more):
    weights = {row["symbol"]: row["weight"] * share for row in held} | more
    return ",".join(f"{name}={weight:.6f}" for name, weight in weights.items())


def test_dry_run_plans_and_sends_nothing(account, capsys):
    call, paper, held = account
    before = len(paper.orders())
    capsys.readouterr()
    assert call("--target", text_of(held, 0.5), "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["status"], len(plan["trades"])) == ("planned", len(held))
    assert call("--target", text_of(held, 0.5), "--dry-run") == 0
    out = capsys.readouterr().out
    assert "SELL AAPL" in out
    assert "turnover" in out
    assert len(paper.orders()) == before


def test_method_finds_the_weights_from_the_past_of_the_session(account, capsys):
    call, paper, held = account
    capsys.readouterr()
    assert call("--method", "inverse_volatility", "--dry-run", "--json") in (0, 3)
    plan = json.loads(capsys.readouterr().out)
    weights = {name: w for name, w in plan["target"].items() if name != "CASH"}
    assert len(weights) == len(held)
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-6)
    # The calmest of the year before has most, and the wildest least.
    bars = sample_bars(sorted(weights), end=paper.status()["tape_at"][:10])
    closes = bars.close[-253:]
    calm = dict(zip(bars.symbols, (closes[1:] / closes[:-1] - 1).std(axis=0), strict=True))
    most, least = max(weights, key=weights.get), min(weights, key=weights.get)
    assert calm[most] < 1.15 * min(calm.values())
    assert calm[least] > 0.85 * max(calm.values())


def test_it_asks_before_it_sends(account, capsys, monkeypatch):
    call, paper, held = account
    before = len(paper.orders())
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert call("--target", text_of(held, 0.5)) == 1
    assert "not confirmed, nothing was done" in capsys.readouterr().err
    assert len(paper.orders()) == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--target", "AAPL=1.0", "--yes"), 3, ""),
        (("--target", ""), 2, "give either --target"),
        (("--target", "AAPL=0.4", "--method", "risk_parity"), 2, "give either --target"),
        (("--target", ","), 2, "--target is empty"),
        (("--method", "risk_parit"), 2, "did you mean 'risk_parity'"),
        (("--target", "AAPL=0.7,CASH=0.6"), 2, "weights sum to 1.300000"),
        (("--target", "APPL=0.7"), 2, "did you mean 'AAPL'"),
        (("--target", "AAPL=0.7", "--account", "live"), 2, "account 'live' is not known"),
    ],
)
def test_what_is_refused_says_why(account, capsys, words, code, says):
    capsys.readouterr()
    assert account[0](*words) == code
    assert says in capsys.readouterr().err


def test_confirmed_plan_is_traded(account, capsys):
    call, paper, held = account
    capsys.readouterr()
    assert call("--target", text_of(held, 0.5), "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] == "ordered"
    wait(paper.positions, lambda rows: sum(row["weight"] for row in rows) < 0.6)
