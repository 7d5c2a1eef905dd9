"""Four methods in skfolio, Riskfolio-Lib and PyPortfolioOpt: weights and seconds of each."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from timing import FOLDER, measure, tell

warnings.filterwarnings("ignore")
returns, cap = np.load(FOLDER / "returns.npy"), float(np.load(FOLDER / "cap.npy"))
names = [f"S{i:03d}" for i in range(returns.shape[1])]
frame = pd.DataFrame(returns, pd.date_range("2015-01-01", periods=len(returns)), names)


def skfolio(method: str):
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction, RiskBudgeting

    common = {"max_weights": cap, "solver": "CLARABEL"}
    models = {
        "minimum_variance": lambda: MeanRisk(risk_measure=RiskMeasure.VARIANCE, **common),
        "maximum_sharpe": lambda: MeanRisk(
            objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
            risk_measure=RiskMeasure.VARIANCE,
            **common,
        ),
        "minimum_cvar": lambda: MeanRisk(risk_measure=RiskMeasure.CVAR, **common),
        "risk_parity": lambda: RiskBudgeting(risk_measure=RiskMeasure.VARIANCE),
    }
    return lambda: models[method]().fit(frame).weights_


def riskfolio(method: str):
    import riskfolio as rp

    def solve():
        port = rp.Portfolio(returns=frame)
        port.assets_stats(method_mu="hist", method_cov="hist")
        port.solvers = ["CLARABEL"]
        if method == "risk_parity":
            found = port.rp_optimization(model="Classic", rm="MV", rf=0, b=None, hist=True)
        else:
            port.upperlng = cap
            rm = "CVaR" if method == "minimum_cvar" else "MV"
            obj = "Sharpe" if method == "maximum_sharpe" else "MinRisk"
            found = port.optimization(model="Classic", rm=rm, obj=obj, rf=0, l=0, hist=True)
        return found["weights"].to_numpy()

    return solve


def pypfopt(method: str):
    from pypfopt import EfficientCVaR, EfficientFrontier

    mean, covariance = frame.mean(), frame.cov()

    def solve():
        if method == "minimum_cvar":
            model = EfficientCVaR(mean, frame, weight_bounds=(0, cap), solver="CLARABEL")
            model.min_cvar()
        else:
            model = EfficientFrontier(mean, covariance, weight_bounds=(0, cap), solver="CLARABEL")
            if method == "maximum_sharpe":
                model.max_sharpe(risk_free_rate=0)
            else:
                model.min_volatility()
        return np.array(list(model.weights))

    return solve


told = {}
for method in ("minimum_variance", "maximum_sharpe", "minimum_cvar", "risk_parity"):
    for name, peer in (("skfolio", skfolio), ("riskfolio", riskfolio), ("pypfopt", pypfopt)):
        if name == "pypfopt" and method == "risk_parity":
            continue  # it has none by variance
        seconds, weights = measure(peer(method))
        np.save(FOLDER / f"{name}_{method}.npy", np.asarray(weights, dtype=np.float64))
        told[f"{name}_{method}"] = seconds
tell(seconds=told)
