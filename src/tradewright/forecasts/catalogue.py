"""Models by name: building them from a study page and loading them from their folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import ConfigError, ModelError, nearest
from tradewright.forecasts import safe_files
from tradewright.forecasts.baselines import Majority, Momentum, Zero
from tradewright.forecasts.boosters import LightGBM, XGBoost
from tradewright.forecasts.ensembles import Ensemble
from tradewright.forecasts.forests import GradientBoosting, RandomForest
from tradewright.forecasts.linear import Logistic, Ridge
from tradewright.forecasts.model import TabularModel, build_settings

MODELS: Final[dict[str, type[TabularModel]]] = {
    model.kind: model
    for model in (
        Ridge,
        Logistic,
        RandomForest,
        GradientBoosting,
        LightGBM,
        XGBoost,
        Ensemble,
        Zero,
        Majority,
        Momentum,
    )
}
ALIASES: Final = {"linear": "ridge"}


def create_model(type: str, /, **parameters: Any) -> TabularModel:
    """Build an unfitted model by the name a study page uses.

    Parameters
    ----------
    type : str
        ``ridge`` (or ``linear``), ``logistic``, ``random_forest``, ``gradient_boosting``,
        ``lightgbm``, ``xgboost``, ``ensemble``, ``zero``, ``majority`` or ``momentum``.
    **parameters
        Settings of the model, and ``task``, ``seed``, ``threads``.

    Returns
    -------
    TabularModel
        Ready for `fit`.

    Raises
    ------
    ConfigError
        For an unknown type or parameter, naming the nearest, or a value out of range.

    Examples
    --------
    >>> create_model("ridge", alpha=10.0).describe()["settings"]["alpha"]
    10.0
    """
    model = model_class(type)
    return model(build_settings(model.kind, model.Settings, parameters))


def model_class(type: str, /) -> type[TabularModel]:
    """Return the class of a model type.

    Raises
    ------
    ConfigError
        For an unknown type, naming the nearest.
    """
    name = ALIASES.get(type, type)
    if name not in MODELS:
        raise ConfigError(f"model type {type!r} is unknown; {nearest(type, [*MODELS, *ALIASES])}")
    return MODELS[name]


def load_model(folder: Path | str) -> TabularModel:
    """Load a fitted model of any type from its folder.

    Raises
    ------
    ModelError
        If a file is missing, changed, or not in a safe format.
    """
    document, files = safe_files.read_model(Path(folder))
    kind = document["type"]
    if kind not in MODELS:
        raise ModelError(f"{folder}: model type {kind!r} is unknown; {nearest(kind, MODELS)}")
    try:
        return MODELS[kind]().restore(document, files)
    except ConfigError as error:
        raise ModelError(f"{folder}: {error}") from error


def model_types() -> list[dict[str, Any]]:
    """Return every model type with its tasks, first line of help and default settings."""
    return [
        {
            "type": kind,
            "tasks": list(model.tasks),
            "what": (model.__doc__ or "").strip().splitlines()[0],
            "settings": {f.name: f.default for f in dataclasses.fields(model.Settings)},
        }
        for kind, model in MODELS.items()
    ]
