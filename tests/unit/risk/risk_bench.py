"""A gate over a small market, for the tests of the risk layer."""

from tradewright.domain.instruments import AssetClass, Instrument
from tradewright.domain.money import PRICE_UNIT, QTY_UNIT
from tradewright.domain.orders import Fill, Order, OrderEvent, OrderStatus, OrderType, Side
from tradewright.domain.time import NS_PER_DAY
from tradewright.risk.control import Layer, LimitTable, RiskGate

DAY = NS_PER_DAY
NOW = 20_000 * DAY
PRICES = {"AAPL": 100.0, "MSFT": 50.0, "XOM": 80.0, "SAP": 120.0, "BTC": 40_000.0}
INSTRUMENTS = {
    "AAPL": Instrument("AAPL", sector="tech"),
    "MSFT": Instrument("MSFT", sector="tech"),
    "XOM": Instrument("XOM", sector="oil"),
    "SAP": Instrument("SAP", sector="tech", currency="EUR"),
    "BTC": Instrument("BTC", asset_class=AssetClass.CRYPTO),
}


def gate_of(settings=None, *, profile=None, equity=100_000.0, cash=None, **layer):
    """Return a gate with one account marked, on the prices above."""
    gate = RiskGate(Layer(LimitTable.of(settings, profile=profile), INSTRUMENTS, **layer))
    mark(gate, equity=equity, cash=cash)
    return gate


def mark(gate, ts=NOW, equity=100_000.0, cash=None, prices=None, strategy="trend"):
    return gate.mark(
        ts, PRICES if prices is None else prices, account="paper", equity=equity,
        cash=equity if cash is None else cash, strategy=strategy,
    )  # fmt: skip


_count = iter(range(10**9))


def order(symbol="AAPL", qty=10.0, side=Side.BUY, limit=None, **more):
    return Order(
        f"o{next(_count)}", symbol, side, round(qty * QTY_UNIT),
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_px=None if limit is None else round(limit * PRICE_UNIT), **more,
    )  # fmt: skip


def ask(gate, wanted, ts=NOW, strategy="trend", account="paper", **how):
    return gate.approve(wanted, strategy=strategy, account=account, ts=ts, **how)


def fill_of(wanted, px=None, qty=None, ts=NOW, fee=0):
    """Return the fill of an order at a price."""
    px = PRICES[wanted.symbol] if px is None else px
    qty = wanted.qty if qty is None else round(qty * QTY_UNIT)
    notional = round(qty / QTY_UNIT * px * 100)
    return Fill(
        f"x{next(_count)}", wanted.client_order_id, wanted.symbol, wanted.side, qty,
        round(px * PRICE_UNIT), notional, fee, 0, 0, 0, ts,
    )  # fmt: skip


def take(gate, wanted, ts=NOW, strategy="trend", account="paper", **how):
    """Approve an order and fill it."""
    decision = ask(gate, wanted, ts, strategy, account)
    assert decision.is_approved, decision.failures
    gate.sent(wanted.client_order_id, ts)
    gate.fill(fill_of(wanted, ts=ts, **how), strategy=strategy, account=account, ts=ts)


def ended(wanted, status=OrderStatus.CANCELLED, ts=NOW):
    return OrderEvent(wanted.client_order_id, wanted.symbol, status, ts)
