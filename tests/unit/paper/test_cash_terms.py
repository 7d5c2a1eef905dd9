"""What a paper account may spend: available, reserved and unsettled cash add up to its cash."""

import math
from decimal import Decimal

import numpy as np
from tests.unit.paper.test_paper_sessions import entries, store_study, workspace

from tradewright.domain.orders import Order, OrderEvent, OrderStatus, OrderType, Side
from tradewright.services.paper import PaperTrading
from tradewright.services.paper import events as e
from tradewright.services.paper.state import SessionState
from tradewright.services.results.manifest import digest_of

__all__ = ["workspace"]
CASH_ACCOUNT = {"settlement": "cash", "allow_short": False}


def test_terms_add_up_at_every_bar_of_a_cash_account(workspace):
    run = store_study(workspace, ["MSFT", "AAPL", "XOM"], rules=CASH_ACCOUNT)
    assert run.outcome.unsettled.max() > 0
    paper = PaperTrading(workspace)
    paper.start("latest", speed=None)
    assert paper.wait(60)
    assert digest_of(paper._session.outcome) == run.digest
    state, seen = SessionState("replayed"), []
    for entry in entries(workspace, paper.status()["session_id"]):
        state.apply(entry)
        if entry.kind != e.MARK:
            continue
        line = state.status()
        terms = [Decimal(line[name]) for name in ("available", "reserved", "unsettled")]
        assert sum(terms) == Decimal(line["cash"])
        assert min(terms) >= 0
        assert terms[2] == Decimal(int(run.outcome.unsettled[state.row])) / 100
        seen.append(terms[1])
        # The purchases that were decided at this close, at this close, with costs.
        bought = run.outcome.orders[
            (run.outcome.orders["bar"] == state.row) & (run.outcome.orders["side"] > 0)
        ]
        closes = run.bars.close[state.row, bought["instrument"]]
        worst = float(np.sum(bought["qty"] / 1e8 * closes)) * (1 + state.started["cost_rate"])
        settled = float(Decimal(line["cash"]) - terms[2])
        assert math.isclose(float(terms[1]), min(worst, settled), abs_tol=0.05)
    assert len(seen) == run.bars.n_bars
    assert max(seen) > 0


def test_an_order_the_venue_has_not_answered_is_reserved_until_it_ends():
    state = SessionState("made")
    state.started = {"cost_rate": 0.001}
    state.cash_minor, state.unsettled_minor = 100_000, 20_000
    order = Order("o-1", "AAPL", Side.BUY, 3 * 10**8, type=OrderType.LIMIT, limit_px=100 * 10**8)
    state._on_intent({"order": e.order_to_json(order)}, 1)

    def terms():
        line = state.status()
        return [line[name] for name in ("available", "reserved", "unsettled")]

    def told(status):
        state._on_order({"event": e.event_to_json(OrderEvent("o-1", "AAPL", status, 2))}, 2)
        return terms()

    assert terms() == ["499.70", "300.30", "200.00"]  # the venue has not said anything
    assert told(OrderStatus.WORKING) == ["499.70", "300.30", "200.00"]
    state.cash_minor = 45_000
    assert state.status()["reserved"] == "250.00"  # no more than is settled
    assert told(OrderStatus.CANCELLED) == ["250.00", "0.00", "200.00"]
