"""Sizers by name: one contract for all of them, and the formula of each."""

import math
from importlib.metadata import EntryPoint

import pytest

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.portfolio.sizing import (
    PositionSizingParams,
    Sizer,
    SizingInputs,
    apply_sizer,
    create_sizer,
    position_size,
    sizer_names,
    sizers,
)

INPUTS = SizingInputs(
    confidence=0.8,
    uncertainty=0.2,
    mean_excess=0.004,
    horizon_volatility=0.1,
    stop_distance=0.1,
    volatility=0.4,
    var_95=0.02,
    regime="bullish/stable",
)
ROOMY = PositionSizingParams(max_position_size=3.0)


def sized(sizer, inputs=INPUTS, params=ROOMY, equity=100_000.0, limits=None):
    return apply_sizer(sizer, inputs, params, equity=equity, limits=limits)


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("fixed_fraction", {"fraction": 0.07}, 0.07),
        ("fixed_notional", {"notional": 2_500}, 0.025),
        ("volatility_target", {"target": 0.02}, 0.02 / 0.4),
        ("risk_per_trade", {}, 0.02 / 0.1),
        ("kelly", {}, 0.5 * 0.004 / 0.01),
        ("equal_risk", {"budget": 0.2, "positions": 10}, 0.02 / 0.4),
    ],
)
def test_formula_of_each_sizer(name, parameters, expected):
    assert sized(create_sizer(name, **parameters)).size == pytest.approx(expected)


def test_standard_sizer_is_the_standard_size():
    params = PositionSizingParams()
    found = sized(create_sizer("standard"), params=params)
    assert found == position_size(INPUTS, params)


class Halves:
    name = "halves"
    uses_factors = False

    def steps(self, inputs, params, equity):
        return {"half": 0.5}


@pytest.fixture
def with_own(monkeypatch):
    """Another package brings a sizer by entry point."""
    points = [EntryPoint("halves", f"{__name__}:Halves", sizers.GROUP)]
    monkeypatch.setattr(
        sizers, "entry_points", lambda group: points if group == sizers.GROUP else []
    )


ALL = ["standard", "fixed_fraction", "fixed_notional", "volatility_target", "risk_per_trade",
       "kelly", "equal_risk", "halves"]  # fmt: skip


@pytest.mark.usefixtures("with_own")
@pytest.mark.parametrize("name", ALL)
def test_contract_of_every_sizer(name):
    assert name in sizer_names()
    sizer = create_sizer(name)
    assert isinstance(sizer, Sizer)
    assert sizer.name == name
    found = sized(sizer)
    assert found.sizer == name
    assert found.size >= 0
    assert sized(sizer) == found  # pure
    capped = sized(sizer, limits={"account": 0.03})
    assert capped.size <= 0.03
    assert sized(sizer, params=PositionSizingParams(max_position_size=0.02)).size <= 0.02
    blind = SizingInputs(
        confidence=0.5, uncertainty=0.5, mean_excess=0.0, horizon_volatility=0.1,
        stop_distance=0.1, volatility=math.nan, var_95=math.nan,
    )  # fmt: skip
    assert sized(sizer, blind).size >= 0
    assert sized(sizer, equity=0.0).size >= 0


def test_unknown_sizer_or_parameter_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'fixed_fraction'"):
        create_sizer("fixed_fracton")
    with pytest.raises(ConfigError, match="parameter 'fractoin' is not known; did you mean"):
        create_sizer("fixed_fraction", fractoin=0.1)
    with pytest.raises(ConfigError, match="it has none"):
        create_sizer("kelly", fraction=0.1)
    with pytest.raises(ConfigError, match=r"sizer.fraction is 0"):
        create_sizer("fixed_fraction", fraction=0)


def test_sizer_that_gives_no_size_is_refused():
    class Broken(Halves):
        def steps(self, inputs, params, equity):
            return {"broken": math.nan}

    with pytest.raises(ModelError, match="sizer halves: sizes are"):
        sized(Broken())
