"""Volume and money flow."""

# The first line of a docstring is the description in the catalogue.

from __future__ import annotations

import numpy as np

from tradewright.features import rolling
from tradewright.features.families.price import typical_price
from tradewright.features.own_bars import OwnBars
from tradewright.features.registry import About, feature
from tradewright.features.specs import Panel, Parameter, longest
from tradewright.features.talib_columns import talib_columns

ROWS = Parameter("n", 20, minimum=2, maximum=5000)
HLCV = ("high", "low", "close", "volume")


def _volume(
    name: str, formula: str, *, inputs: tuple[str, ...] = ("volume",), n: int = 20, more: int = 0
) -> About:
    """Describe a stationary feature over n bars that needs `more` rows than its window."""
    return About(
        name=name,
        family="volume",
        formula=formula,
        inputs=inputs,
        parameters=(Parameter("n", n, minimum=2, maximum=5000),),
        min_rows=lambda n: n + more,
    )


def _flow(bars: OwnBars) -> Panel:
    """Volume signed by the change of the close; NaN in the first row."""
    return rolling.signed(bars.volume, bars.close)


@feature(_volume("volume_ratio", "volume / mean(volume, n); 0 if there was none"))
def volume_ratio(bars: OwnBars, n: int) -> Panel:
    """Volume relative to its mean."""
    return rolling.ratio(bars.volume, rolling.mean(bars.volume, n), at_zero=0.0)


@feature(_volume("volume_zscore", "zscore(log(volume), n); NaN in windows with zero volume", n=60))
def volume_zscore(bars: OwnBars, n: int) -> Panel:
    """Volume against its own history, on the logarithmic scale."""
    positive = np.where(bars.volume > 0, bars.volume, np.nan)
    return rolling.zscore(np.log(positive), n)


@feature(
    _volume("volume_change", "log(mean volume of the newer half of n bars / of the older half)")
)
def volume_change(bars: OwnBars, n: int) -> Panel:
    """Logarithmic volume of the newer half of the window against the older half."""
    half = max(1, n // 2)
    recent = rolling.total(bars.volume, half)
    before = rolling.lag(rolling.total(bars.volume, n - half), half) * (half / (n - half))
    return np.where((recent > 0) & (before > 0), np.log(recent / before), np.nan)


@feature(
    About(
        name="dollar_volume",
        family="volume",
        formula="close × volume",
        inputs=("close", "volume"),
        unit="currency",
        role="level",
    )
)
def dollar_volume(bars: OwnBars) -> Panel:
    """Value traded in the bar."""
    return bars.close * bars.volume


@feature(
    _volume(
        "dollar_volume_zscore",
        "zscore(log(close × volume), n); NaN in windows with zero volume",
        inputs=("close", "volume"),
        n=60,
    )
)
def dollar_volume_zscore(bars: OwnBars, n: int) -> Panel:
    """Value traded against its own history, on the logarithmic scale."""
    value = bars.close * bars.volume
    return rolling.zscore(np.log(np.where(value > 0, value, np.nan)), n)


@feature(
    About(
        name="obv",
        family="volume",
        formula="volume[0] + sum(sign(close change) × volume)",
        inputs=("close", "volume"),
        unit="units",
        role="level",
        settle_rows=None,
        nan_rule="a missing volume adds nothing",
    )
)
def obv(bars: OwnBars) -> Panel:
    """On-balance volume; its level depends on where the data begin."""
    flow = rolling.begun_with(_flow(bars), bars.volume)
    return rolling.running_sum(flow, np.zeros(flow.shape, dtype=np.bool_))


@feature(
    _volume(
        "obv_zscore",
        "zscore(sign(close change) × volume, n)",
        inputs=("close", "volume"),
        n=60,
        more=1,
    )
)
def obv_zscore(bars: OwnBars, n: int) -> Panel:
    """Change of the on-balance volume against its own history."""
    return rolling.zscore(_flow(bars), n)


@feature(
    _volume(
        "signed_volume_share",
        "sum(sign(close change) × volume, n) / sum(volume, n); 0 if there was none",
        inputs=("close", "volume"),
        more=1,
    )
)
def signed_volume_share(bars: OwnBars, n: int) -> Panel:
    """Share by which volume on rising bars exceeds that on falling ones, -1 to 1."""
    total = rolling.total(bars.volume, n)
    return rolling.ratio(rolling.total(_flow(bars), n), total, at_zero=0.0)


@feature(
    About(
        name="vwap",
        family="volume",
        formula="sum(typical price × volume, n) / sum(volume, n)",
        inputs=HLCV,
        parameters=(ROWS,),
        unit="price",
        role="level",
        min_rows=lambda n: n,
        nan_rule="NaN while no volume was traded",
    )
)
def vwap(bars: OwnBars, n: int) -> Panel:
    """Volume-weighted average price of the last n bars."""
    value = typical_price(bars)
    value *= bars.volume
    return rolling.ratio(rolling.total(value, n), rolling.total(bars.volume, n))


@feature(
    About(
        name="close_to_vwap",
        family="volume",
        formula="close / vwap(n) - 1",
        inputs=HLCV,
        parameters=(ROWS,),
        min_rows=lambda n: n,
        nan_rule="NaN while no volume was traded",
    )
)
def close_to_vwap(bars: OwnBars, n: int) -> Panel:
    """Distance of the close from the volume-weighted average price of the last n bars."""
    return rolling.ratio(bars.close, vwap(bars, n)) - 1.0


@feature(
    About(
        name="session_vwap",
        family="volume",
        formula="sum(typical price × volume) / sum(volume) since the UTC day began",
        inputs=(*HLCV, "ts"),
        unit="price",
        role="level",
        settle_rows=1440,
        nan_rule="NaN while no volume was traded; a missing volume adds nothing",
    )
)
def session_vwap(bars: OwnBars) -> Panel:
    """Volume-weighted average price of the day, for intraday bars of a minute or longer."""
    # A bar stamped midnight closes the day before.
    day = ((bars.ts - 1) // 86_400_000_000_000).astype(np.float64)
    opens = day != rolling.lag(day, 1)
    value = rolling.running_sum(typical_price(bars) * bars.volume, opens)
    return rolling.ratio(value, rolling.running_sum(bars.volume, opens))


@feature(
    About(
        name="close_to_session_vwap",
        family="volume",
        formula="close / session_vwap - 1",
        inputs=(*HLCV, "ts"),
        settle_rows=1440,
        nan_rule="NaN while no volume was traded; a missing volume adds nothing",
    )
)
def close_to_session_vwap(bars: OwnBars) -> Panel:
    """Distance of the close from the volume-weighted average price of the day."""
    return rolling.ratio(bars.close, session_vwap(bars)) - 1.0


@feature(
    _volume(
        "mfi",
        "100 × rising money / (rising + falling money), n bars; 50 if there was none",
        inputs=HLCV,
        n=14,
        more=1,
    )
)
def mfi(bars: OwnBars, n: int) -> Panel:
    """Money flow index, 0 to 100."""
    price = typical_price(bars)
    money = price * bars.volume
    change = price - rolling.lag(price, 1)
    rising = rolling.total(np.where(np.isnan(change), np.nan, money * (change > 0)), n)
    falling = rolling.total(np.where(np.isnan(change), np.nan, money * (change < 0)), n)
    return 100.0 * rolling.ratio(rising, rising + falling, at_zero=0.5)


@feature(
    _volume(
        "chaikin_money_flow",
        "sum(((close - low) - (high - close)) / (high - low) × volume, n) / sum(volume, n)",
        inputs=HLCV,
    )
)
def chaikin_money_flow(bars: OwnBars, n: int) -> Panel:
    """Volume weighted by where in its range each bar closed, -1 to 1."""
    total = rolling.total(bars.volume, n)
    return rolling.ratio(rolling.total(_accumulated(bars), n), total, at_zero=0.0)


@feature(
    _volume(
        "volume_weighted_return",
        "sum(return(1) × volume, n) / sum(volume, n); 0 if there was none",
        inputs=("close", "volume"),
        more=1,
    )
)
def volume_weighted_return(bars: OwnBars, n: int) -> Panel:
    """Mean return of the last n bars, weighted by volume."""
    returns = rolling.ratio(bars.close, rolling.lag(bars.close, 1)) - 1.0
    total = rolling.total(bars.volume, n)
    return rolling.ratio(rolling.total(returns * bars.volume, n), total, at_zero=0.0)


@feature(
    _volume(
        "price_volume_correlation",
        "correlation(return(1), volume, n); 0 where one is flat",
        inputs=("close", "volume"),
        more=1,
    )
)
def price_volume_correlation(bars: OwnBars, n: int) -> Panel:
    """Correlation of returns with volume."""
    returns = rolling.ratio(bars.close, rolling.lag(bars.close, 1)) - 1.0
    return rolling.correlation(returns, bars.volume, n)


@feature(
    About(
        name="ad",
        family="volume",
        formula="sum(((close - low) - (high - close)) / (high - low) × volume)",
        inputs=HLCV,
        unit="units",
        role="level",
        settle_rows=None,
        nan_rule="a missing volume adds nothing",
    )
)
def ad(bars: OwnBars) -> Panel:
    """Accumulation/distribution line; its level depends on where the data begin."""
    flow = _accumulated(bars)
    return rolling.running_sum(flow, np.zeros(flow.shape, dtype=np.bool_))


@feature(
    About(
        name="adosc",
        family="volume",
        formula="ema(ad, fast) - ema(ad, slow), both seeded with the first value",
        inputs=HLCV,
        parameters=(
            Parameter("fast", 3, minimum=2, maximum=1000),
            Parameter("slow", 10, minimum=2, maximum=1000),
        ),
        unit="units",
        role="level",
        min_rows=longest,
        settle_rows=lambda fast, slow: 14 * max(fast, slow) + 20,
        bar_by_bar=False,
    )
)
def adosc(bars: OwnBars, fast: int, slow: int) -> Panel:
    """Chaikin's oscillator of the accumulation/distribution line."""
    return talib_columns(
        "ADOSC",
        (bars.high, bars.low, bars.close, bars.volume),
        fastperiod=fast,
        slowperiod=slow,
    )[0]


def _accumulated(bars: OwnBars) -> Panel:
    inside = (bars.close - bars.low) - (bars.high - bars.close)
    return rolling.ratio(inside, bars.high - bars.low, at_zero=0.0) * bars.volume
