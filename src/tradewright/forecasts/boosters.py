"""LightGBM and XGBoost under the contract, kept in their own text and JSON formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from tradewright.domain.errors import ConfigError, ModelError
from tradewright.forecasts import safe_files
from tradewright.forecasts.model import Common, TabularModel, Training
from tradewright.forecasts.rows import FloatArray

_LIGHTGBM_FILE: Final = "booster.txt"
_XGBOOST_FILE: Final = "booster.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoosterSettings(Common):
    """Settings that the two libraries share.

    Parameters
    ----------
    rounds : int
        Boosting rounds.
    rate : float
        Learning rate.
    leaves : int
        Most leaves of a tree.
    min_leaf : int
        Fewest rows of a leaf (XGBoost: smallest sum of weights).
    row_share, feature_share : float
        Share of rows and of features that each tree sees.
    l2 : float
        Ridge penalty on leaf values.
    """

    rounds: int = 200
    rate: float = 0.03
    leaves: int = 15
    min_leaf: int = 50
    row_share: float = 0.8
    feature_share: float = 0.8
    l2: float = 1.0

    def __post_init__(self) -> None:
        Common.__post_init__(self)
        if min(self.rounds, self.min_leaf) < 1 or self.leaves < 2:
            raise ConfigError("boosting: rounds and min_leaf must be >= 1, leaves >= 2")
        for name in ("rate", "row_share", "feature_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"boosting: {name} is {getattr(self, name)}, wanted in (0, 1]")
        if self.l2 < 0:
            raise ConfigError(f"boosting: l2 is {self.l2}, wanted >= 0")


class LightGBM(TabularModel):
    """Gradient boosting with leaf-wise trees.

    Notes
    -----
    Timing: learns from the rows it is given only; a fixed number of rounds, no early stopping.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NIPS 2017.
    """

    kind: ClassVar[str] = "lightgbm"
    Settings: ClassVar[type[Common]] = BoosterSettings
    booster_: Any

    def _learn(self, training: Training) -> None:
        import lightgbm

        s = self.settings
        parameters: dict[str, Any] = {
            "objective": _objective(training, "regression", "binary", "multiclass"),
            "learning_rate": s.rate,
            "num_leaves": s.leaves,
            "min_data_in_leaf": s.min_leaf,
            "bagging_fraction": s.row_share,
            "bagging_freq": 1,
            "feature_fraction": s.feature_share,
            "lambda_l2": s.l2,
            "seed": s.seed,
            "num_threads": s.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        if training.n_classes > 2:
            parameters["num_class"] = training.n_classes
        data = lightgbm.Dataset(
            training.values,
            training.target,
            weight=training.weight,
            feature_name=[f"x{i}" for i in range(len(training.names))],
            free_raw_data=True,
        )
        booster = lightgbm.train(parameters, data, num_boost_round=s.rounds)
        # One text form for the fitted and the loaded model, so that both predict the same.
        self._parse(booster.model_to_string(num_iteration=-1))

    def _forecast(self, values: FloatArray) -> FloatArray:
        out = self.booster_.predict(values, num_threads=self.settings.threads)
        return _columns(out, len(self.classes_))

    def _files(self) -> dict[str, bytes]:
        return {_LIGHTGBM_FILE: str(self.text_).encode()}

    def _restore(self, files: Mapping[str, bytes]) -> None:
        try:
            text = files.get(_LIGHTGBM_FILE, b"").decode("ascii")
        except UnicodeDecodeError as error:
            raise ModelError(f"{_LIGHTGBM_FILE}: is not text: {error}") from error
        check_lightgbm_text(text, n_features=len(self.names_), n_classes=len(self.classes_))
        self._parse(text)

    def _parse(self, text: str) -> None:
        import lightgbm

        self.text_ = text
        try:
            self.booster_ = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"{_LIGHTGBM_FILE}: LightGBM cannot read it: {error}") from error


class XGBoost(TabularModel):
    """Gradient boosting with regularised trees.

    Notes
    -----
    Timing: learns from the rows it is given only; a fixed number of rounds, no early stopping.
    Missing data: see `TabularModel`.

    References
    ----------
    .. [1] T. Chen, C. Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016.
    """

    kind: ClassVar[str] = "xgboost"
    Settings: ClassVar[type[Common]] = BoosterSettings
    booster_: Any

    def _learn(self, training: Training) -> None:
        import xgboost

        s = self.settings
        parameters: dict[str, Any] = {
            "objective": _objective(
                training, "reg:squarederror", "binary:logistic", "multi:softprob"
            ),
            "eta": s.rate,
            "max_leaves": s.leaves,
            "max_depth": 0,
            "grow_policy": "lossguide",
            "tree_method": "hist",
            "min_child_weight": s.min_leaf,
            "subsample": s.row_share,
            "colsample_bytree": s.feature_share,
            "lambda": s.l2,
            "seed": s.seed,
            "nthread": s.threads,
            "verbosity": 0,
        }
        if training.n_classes > 2:
            parameters["num_class"] = training.n_classes
        if not self.is_classifier:
            parameters["base_score"] = float(np.average(training.target, weights=training.weight))
        data = xgboost.DMatrix(
            training.values, training.target, weight=training.weight, nthread=s.threads
        )
        booster = xgboost.train(parameters, data, num_boost_round=s.rounds)
        self._parse(bytes(booster.save_raw("json")))

    def _forecast(self, values: FloatArray) -> FloatArray:
        import xgboost

        data = xgboost.DMatrix(values, nthread=self.settings.threads)
        return _columns(self.booster_.predict(data), len(self.classes_))

    def _files(self) -> dict[str, bytes]:
        return {_XGBOOST_FILE: self.raw_}

    def _restore(self, files: Mapping[str, bytes]) -> None:
        raw = files.get(_XGBOOST_FILE, b"")
        check_xgboost_json(raw, n_features=len(self.names_), n_classes=len(self.classes_))
        self._parse(raw)

    def _parse(self, raw: bytes) -> None:
        import xgboost

        self.raw_ = raw
        try:
            self.booster_ = xgboost.Booster({"nthread": self.settings.threads}, model_file=None)
            self.booster_.load_model(bytearray(raw))
        except xgboost.core.XGBoostError as error:
            raise ModelError(f"{_XGBOOST_FILE}: XGBoost cannot read it: {error}") from error


def check_lightgbm_text(text: str, *, n_features: int, n_classes: int) -> None:
    """Check that every walk through the trees of a LightGBM text ends inside them.

    The library's reader trusts its input; a child that leads back or outside would hang or crash
    the process.

    Raises
    ------
    ModelError
        Naming the first tree that is wrong.
    """
    if not text.startswith("tree\n") or "end of trees" not in text:
        raise ModelError(f"{_LIGHTGBM_FILE}: is not the text of a LightGBM model")
    head, *blocks = re.split(
        r"^Tree=", text.split("end of trees", maxsplit=1)[0], flags=re.MULTILINE
    )
    fields = _fields(head)
    outputs = n_classes if n_classes > 2 else 1
    if (
        fields.get("max_feature_idx") != str(n_features - 1)
        or fields.get("num_tree_per_iteration") != str(outputs)
        or fields.get("num_class") != str(outputs)
        or len(blocks) % outputs
        or not blocks
    ):
        raise ModelError(f"{_LIGHTGBM_FILE}: its features or classes do not match the model's")
    for number, block in enumerate(blocks):
        if not _is_lightgbm_tree(_fields(block), n_features):
            raise ModelError(f"{_LIGHTGBM_FILE}: tree {number} is malformed")


def check_xgboost_json(raw: bytes, *, n_features: int, n_classes: int) -> None:
    """Check that every walk through the trees of an XGBoost JSON ends inside them.

    Raises
    ------
    ModelError
        If the document is not an XGBoost tree model, or a tree is wrong.
    """
    document = safe_files.read_json(raw, _XGBOOST_FILE)
    try:
        model = document["learner"]["gradient_booster"]["model"]
        found = int(document["learner"]["learner_model_param"]["num_feature"])
        classes = int(document["learner"]["learner_model_param"]["num_class"])
        if document["learner"]["gradient_booster"]["name"] != "gbtree" or not model["trees"]:
            raise ModelError(f"{_XGBOOST_FILE}: is not a tree model")
        if found != n_features or classes != (n_classes if n_classes > 2 else 0):
            raise ModelError(f"{_XGBOOST_FILE}: its features or classes do not match the model's")
        for number, tree in enumerate(model["trees"]):
            if not _is_xgboost_tree(tree, n_features):
                raise ModelError(f"{_XGBOOST_FILE}: tree {number} is malformed")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{_XGBOOST_FILE}: is not an XGBoost model: {error!r}") from error


def _objective(training: Training, regression: str, binary: str, several: str) -> str:
    if training.n_classes == 0:
        return regression
    return binary if training.n_classes == 2 else several


def _columns(out: Any, n_classes: int) -> FloatArray:
    array = np.asarray(out, dtype=np.float64)
    if n_classes == 2:
        array = np.column_stack([1.0 - array, array])
    elif n_classes == 0:
        array = array[:, None]
    else:  # float32 shares of XGBoost do not sum to exactly 1
        array = array / array.sum(axis=1, keepdims=True)
    return array


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _is_lightgbm_tree(fields: Mapping[str, str], n_features: int) -> bool:
    try:
        leaves = int(fields["num_leaves"])
        values = [float(v) for v in fields["leaf_value"].split()]
        if leaves < 1 or len(values) != leaves or fields["num_cat"] != "0":
            return False
        if not np.isfinite(values).all() or fields.get("is_linear", "0") != "0":
            return False
        if leaves == 1:
            return True
        split, left, right = (
            np.array([int(v) for v in fields[name].split()])
            for name in ("split_feature", "left_child", "right_child")
        )
        lengths = {len(fields[name].split()) for name in ("threshold", "decision_type")}
    except (KeyError, ValueError, OverflowError):
        return False
    if {len(split), len(left), len(right)} | lengths != {leaves - 1}:
        return False
    node = np.arange(leaves - 1)
    ends = [
        ((child > node) & (child < leaves - 1)) | ((child < 0) & (~child < leaves))
        for child in (left, right)
    ]
    return bool(
        ends[0].all() and ends[1].all() and (split >= 0).all() and (split < n_features).all()
    )


def _is_xgboost_tree(tree: Mapping[str, Any], n_features: int) -> bool:
    left, right, split = (
        np.array(tree[name], dtype=np.int64)
        for name in ("left_children", "right_children", "split_indices")
    )
    size = len(left)
    conditions = np.array(tree["split_conditions"], dtype=np.float64)
    if size == 0 or not len(right) == len(split) == len(conditions) == size:
        return False
    if int(tree["tree_param"]["num_nodes"]) != size or tree.get("categories_nodes"):
        return False
    node = np.arange(size)
    leaf = (left == -1) & (right == -1)
    ends = (left > node) & (left < size) & (right > node) & (right < size)
    return bool(
        (leaf | ends).all()
        and (split >= 0).all()
        and (split < n_features).all()
        and np.isfinite(conditions).all()
    )
