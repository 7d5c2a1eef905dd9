"""Study pages: every error at once, with line, path, value and what was wanted."""

from pathlib import Path

import pytest

from tradewright.domain.errors import ConfigError, NoDataError
from tradewright.services.studies import SHIPPED, Study, list_studies
from tradewright.services.study.safe_yaml import read_page, read_value
from tradewright.services.study_page import build_page, parse_page

GOOD = """
name: small
universe: {symbols: [aapl, MSFT, " jnj "], exclude: [MSFT]}
features: [rsi(14), "return(5)"]
costs: {fee_bps: 10}
"""


def test_defaults_are_filled_in_and_symbols_normalised():
    page = parse_page(GOOD)
    assert page.universe.symbols == ("AAPL", "JNJ")
    assert page.validation.training_days == 252
    assert page.risk.max_drawdown_limit == 0.15
    assert page.charged().fee_bps == 10
    assert page.decision.settings().rebalance_bars == 1


def test_resolved_page_builds_the_same_page_again():
    for name in ("demo", "ridge"):
        page = Study.load(name).page
        again = build_page(page.to_mapping())
        assert again == page
        assert again.config_hash == page.config_hash


def test_hash_depends_on_every_setting_but_the_name():
    study = Study.load("ridge")
    base = study.page.config_hash
    assert study.with_settings({"name": "other", "description": "x"}).page.config_hash == base
    changes = {
        "seed": 8,
        "cash": 5.0,
        "decision.top_k": 3,
        "features": ["rsi(14)"],
        "costs": "none",
        "validation.controls": 3,
        "model.params.alpha": 2.0,
        "universe.exclude": ["IBM"],
    }
    hashes = {study.with_settings({k: v}).page.config_hash for k, v in changes.items()}
    assert len(hashes | {base}) == len(changes) + 1


def test_every_error_is_told_at_once_with_its_line():
    text = """name: de mo
univers: 3
universe:
  symbols: [AAPL, MSFT]
  sample: stock
features: [rsi(14), rssi(5), 7]
labels: {horizon: "5", kind: three_clas}
model: {type: ridge, params: {alhpa: 3}}
decision: {topk: 7, rebalance: wekly}
cost: none
validation: {training_days: 10.5, embargo_days: -1}
seed: x
"""
    with pytest.raises(ConfigError) as caught:
        parse_page(text, "b.yaml")
    said = str(caught.value)
    for part in (
        "b.yaml: 15 errors",
        "'costs' is missing",
        "line 1: name: found 'de mo'",
        "line 2: unknown key 'univers'; did you mean 'universe'?",
        "line 5: universe.sample: found 'stock' (str); did you mean 'stocks'?",
        "line 6: features[1]: unknown feature 'rssi'; did you mean 'rsi'?",
        "line 6: features[2]: found 7; wanted text",
        "line 7: labels.horizon: found '5' (str); wanted a whole number",
        "line 7: labels.kind: found 'three_clas' (str); did you mean 'three_class'?",
        "line 8: model.params: model ridge: unknown parameter 'alhpa'; did you mean 'alpha'?",
        "line 9: decision.topk: unknown key; did you mean 'top_k'?",
        "line 9: decision.rebalance: found 'wekly' (str); did you mean 'weekly'?",
        "line 10: unknown key 'cost'; did you mean 'costs'?",
        "line 11: validation.training_days: found 10.5 (float); wanted a whole number",
        "line 11: validation.embargo_days: found -1 (int)",
        "line 12: seed: found 'x' (str); wanted a whole number",
    ):
        assert part in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"universe": {}}, "either symbols or sample"),
        ({"universe": {"symbols": ["A A"]}}, "symbol 'A A' is not valid"),
        ({"universe": {"symbols": ["AAPL"], "exclude": ["AAPL"]}}, "no instrument is left"),
        ({"universe": {"sample": "stocks"}, "data": {"source": "store"}}, "needs 'source: sample'"),
        ({"data": {"source": "file"}}, "data.path: give it together"),
        ({"data": {"path": "x.csv"}}, "data.path: give it together"),
        ({"data": {"start": "2015-01-01", "end": "2014-01-01"}}, "is not after data.start"),
        ({"data": {"start": "soon"}}, "data.start: found 'soon' (str)"),
        ({"model": {"type": "logistic"}}, "logistic does classification, but labels.kind"),
        ({"model": {"type": "ridg"}}, "did you mean 'ridge'"),
        ({"model": "ridge"}, "model: found 'ridge' (str); wanted a section"),
        ({"features": []}, "features: found []"),
        ({"features": "rsi(14)"}, "features: found 'rsi(14)'"),
        ({"costs": "nothing"}, "costs: found 'nothing'"),
        ({"costs": {"fee_bps": -1}}, "costs.fee_bps: found -1"),
        ({"cash": 0}, "cash: found 0; wanted an amount above 0"),
        ({"cash": True}, "cash: found True (bool)"),
        ({"benchmark": "SPX"}, "benchmark: 'SPX' is not in universe.symbols"),
        ({"validation": {"overlap_days": 63}}, "overlap is 63"),
        ({"decision": {"rebalance": 0}}, "rebalance_bars is 0"),
        ({"risk": {"max_drawdown_limit": 2}}, "risk.max_drawdown_limit: found 2"),
        ({"labels": {"horizon": 0}}, "labels.horizon: found 0"),
    ],
)
def test_wrong_values_are_named(change, message):
    values, _ = read_page(GOOD, "x")
    with pytest.raises(ConfigError) as caught:
        build_page({**values, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("- a\n- b\n", "holds no 'key: value' lines"),
        ("name: [a\n", "line 2: is not YAML"),
        ("name: a\nname: b\n", "line 2: name occurs twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", "a.b occurs twice"),
        ("a: &x [1]\nb: *x\n", "line 1: anchors and aliases"),
        ("a: !!python/object/apply:os.system [id]\n", "is not allowed"),
        ("a: !!binary aGk=\n", "is not allowed"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("? [1, 2]\n: 3\n", "a key must be plain text"),
        ("a: " + "[" * 20 + "]" * 20, "nested deeper"),
        ("a: 2015-13-45\n", "a value cannot be read"),
        ("a: '" + "x" * 300_000 + "'", "at most 262144"),
    ],
)
def test_hostile_or_broken_yaml_is_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        read_page(text, "page.yaml")
    assert message in str(caught.value)
    assert "page.yaml" in str(caught.value)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_page(b"\xff\xfe\x00", "page.yaml")


def test_set_values_are_read_as_yaml():
    assert read_value("5", "x") == 5
    assert read_value("null", "x") is None
    assert read_value("[a, b]", "x") == ["a", "b"]


def test_set_changes_one_value_and_checks_it():
    study = Study.load("ridge").with_settings({"decision.top_k": 2, "seed": 1}, seed=9)
    assert study.page.decision.top_k == 2
    assert study.page.decision.rebalance == "weekly"
    assert study.page.seed == 9
    with pytest.raises(ConfigError, match="did you mean 'top_k'"):
        study.with_settings({"decision.topk": 2})
    with pytest.raises(ConfigError, match="not a section"):
        study.with_settings({"seed.x": 2})


def test_missing_page_names_the_nearest():
    with pytest.raises(NoDataError, match="did you mean 'demo'"):
        Study.load("dem")
    with pytest.raises(NoDataError, match=r"no study page 'no/such\.yaml'"):
        Study.load("no/such.yaml")


def test_shipped_pages_are_those_of_the_examples():
    examples = Path(__file__).parents[3] / "examples"
    shipped = {p.name: p.read_text() for p in SHIPPED.iterdir() if p.name.endswith(".yaml")}
    assert set(shipped) == {"demo.yaml", "ridge.yaml"}
    for name, text in shipped.items():
        assert (examples / name).read_text() == text


def test_pages_are_listed():
    assert {row["name"] for row in list_studies()} >= {"demo", "ridge"}


def test_raw_price_levels_need_to_be_asked_for():
    levels = {"features": ["sma(20)"]}
    with pytest.raises(ConfigError, match="allow_levels"):
        Study.load("ridge").with_settings(levels)
    allowed = Study.load("ridge").with_settings({**levels, "model.allow_levels": True})
    assert allowed.page.features == ("sma(20)",)
