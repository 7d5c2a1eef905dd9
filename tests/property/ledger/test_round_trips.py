"""Round trips against a model in exact fractions, one fill at a time."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.domain.instruments import Instrument
from tradewright.domain.outcome import FILL_DTYPE, ORDER_DTYPE, Outcome
from tradewright.ledger import round_trips

COSTS = ("fee", "spread", "slippage", "impact")


def outcome_of(fills, marks=(50.0, 60.0), n_bars=40):
    table = np.zeros(len(fills), FILL_DTYPE)
    for row, fill in enumerate(fills):
        for name, value in fill.items():
            table[name][row] = value
    flat = np.zeros(n_bars, np.int64)
    return Outcome(
        (Instrument("A"), Instrument("B")), np.arange(1, n_bars + 1), flat, flat, flat, flat,
        table, np.zeros(0, ORDER_DTYPE), flat, 0, np.array(marks),
    )  # fmt: skip


def half_even(value):
    return round(value)  # Fraction rounds half to even


def model(fills, column, mark):
    """Trips of one instrument as dicts; floats only at the very end."""
    done, now, held = [], None, 0
    for at, fill in enumerate(fills):
        if fill["instrument"] != column:
            continue
        side, qty = fill["side"], fill["qty"]
        cost, notional = sum(fill[c] for c in COSTS), fill["notional"]
        pieces = [(qty, notional, cost)]
        if held * side < 0 and abs(held) < qty:
            part = abs(held)
            first = (part, half_even(Fraction(notional * part, qty)),
                     half_even(Fraction(cost * part, qty)))  # fmt: skip
            pieces = [first, (qty - part, notional - first[1], cost - first[2])]
        for part, money, fee in pieces:
            if held == 0:
                now = {"entry_bar": fill["bar"], "entry_fill": at, "pnl": 0, "cost": 0, "peak": 0,
                           "ins": [], "outs": [], "paid": 0}  # fmt: skip
            adds = held * side >= 0
            (now["ins"] if adds else now["outs"]).append((part, fill["px"]))
            now["paid"] += money if adds else 0
            held += side * part
            now["peak"] = max(now["peak"], held, key=abs)
            now["pnl"] -= side * money + fee
            now["cost"] += fee
            now.update(exit_bar=fill["bar"], exit_fill=at, reason=fill["reason"])
            if held == 0:
                done.append(dict(now, is_open=False))
    if held:
        now["outs"].append((abs(held), Fraction(mark) * 10**8))
        now["pnl"] += half_even(Fraction(held, 10**8) * Fraction(mark) * 100)
        done.append(dict(now, is_open=True))
    return done


def mean(pieces):
    return float(sum(Fraction(q) * Fraction(p) for q, p in pieces) / sum(q for q, _ in pieces)
                 / 10**8)  # fmt: skip


fill_rows = st.fixed_dictionaries(
    {
        "instrument": st.integers(0, 1),
        "side": st.sampled_from([-1, 1]),
        "reason": st.integers(0, 6),
        "qty": st.one_of(st.integers(1, 4).map(lambda n: n * 10**8), st.integers(1, 10**13)),
        "px": st.integers(10**8, 10**10),
        "notional": st.integers(0, 10**13),
        "fee": st.integers(-100, 10**6),
        "spread": st.integers(0, 10**4),
        "slippage": st.integers(0, 10**4),
        "impact": st.integers(0, 10**4),
    }
)


@settings(max_examples=300, deadline=None)
@given(st.lists(fill_rows, max_size=25), st.data())
def test_round_trips_equal_the_model(fills, data):
    bars = sorted(data.draw(st.lists(st.integers(0, 39), min_size=len(fills),
                                     max_size=len(fills))))  # fmt: skip
    fills = [dict(f, bar=b) for f, b in zip(fills, bars, strict=True)]
    trips = round_trips(outcome_of(fills))
    for column, mark in enumerate((50.0, 60.0)):
        got = trips[trips["instrument"] == column]
        wanted = model(fills, column, mark)
        assert len(got) == len(wanted)
        for row, want in zip(got, wanted, strict=True):
            for name in ("entry_bar", "entry_fill", "exit_fill", "cost", "is_open"):
                assert row[name] == want[name], name
            assert row["exit_bar"] == (39 if want["is_open"] else want["exit_bar"])
            assert row["exit_reason"] == want["reason"]
            assert row["side"] * row["qty"] == want["peak"]
            assert abs(int(row["pnl"]) - want["pnl"]) <= (1 if want["is_open"] else 0)
            np.testing.assert_allclose(row["entry_px"], mean(want["ins"]), rtol=1e-12)
            np.testing.assert_allclose(row["exit_px"], mean(want["outs"]), rtol=1e-12)
            if want["paid"]:
                np.testing.assert_allclose(row["return_"], row["pnl"] / want["paid"])
    closed = trips["is_open"]
    assert (np.diff(closed.astype(int)) >= 0).all()  # open ones come last


@given(st.lists(fill_rows, min_size=1, max_size=25))
def test_profit_of_all_trips_is_cash_and_marked_positions(fills):
    fills = [dict(f, bar=0) for f in fills]
    trips = round_trips(outcome_of(fills))
    cash = -sum(f["side"] * f["notional"] + sum(f[c] for c in COSTS) for f in fills)
    value = Fraction(0)
    for column, mark in enumerate((50, 60)):
        held = sum(f["side"] * f["qty"] for f in fills if f["instrument"] == column)
        value += Fraction(held, 10**8) * mark * 100
    assert abs(int(trips["pnl"].sum()) - (cash + value)) <= 3


def test_a_flip_is_two_trips_and_an_empty_table_is_none():
    base = {"reason": 0, "spread": 0, "slippage": 0, "impact": 0, "instrument": 0, "bar": 0}
    fills = [
        dict(base, side=1, qty=3 * 10**8, px=10 * 10**8, notional=3000, fee=3),
        dict(base, side=-1, qty=5 * 10**8, px=12 * 10**8, notional=6000, fee=5, bar=2),
        dict(base, side=1, qty=2 * 10**8, px=11 * 10**8, notional=2200, fee=2, bar=5),
    ]
    trips = round_trips(outcome_of(fills))
    # long 3 from 10 to 12: 3600 - 3000 - 3 - 3 (three fifths of the fee of 5)
    # short 2 from 12 to 11: 2400 - 2200 - 2 - 2
    assert trips[["side", "pnl", "entry_px", "exit_px", "entry_bar", "exit_bar"]].tolist() == [
        (1, 594, 10.0, 12.0, 0, 2),
        (-1, 196, 12.0, 11.0, 2, 5),
    ]
    assert len(round_trips(outcome_of([]))) == 0
