"""Walk-forward of a study: what each window's model earned where it learned, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tradewright.domain.time import from_ns
from tradewright.services.study import fitting
from tradewright.services.study.stages import Progress
from tradewright.services.study.trading import open_trading
from tradewright.services.study_page import StudyPage

if TYPE_CHECKING:
    from tradewright.domain.bars import Bars
    from tradewright.features import FeatureTable
    from tradewright.training import WalkForwardResult
    from tradewright.training.walk_forward import Fold


def window_figures(
    page: StudyPage,
    traded: Bars,
    everything: Bars,
    table: FeatureTable,
    result: WalkForwardResult,
    *,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], ...]:
    """Trade each window alone, over the rows its model learned from and over those it tests.

    Parameters
    ----------
    page : StudyPage
        The study.
    traded : Bars
        Of its universe.
    everything : Bars
        Universe and reference.
    table : FeatureTable
        As fitted.
    result : WalkForwardResult
        Of the study.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    tuple of dict
        One a window with the columns of `tradewright.services.walking.walk.COLUMNS`; every window
        starts flat and keeps all its days.
    """
    from tradewright.training.labelling import build_labels
    from tradewright.training.window_forecasts import window_forecasts

    labels = build_labels(traded, page.labels.settings())
    settings = fitting.fit_settings(page)
    ts = traded.ts
    found = []
    for number, fold in enumerate(result.folds):
        if progress is not None:
            progress(number / len(result.folds), f"window {number + 1} of {len(result.folds)}")

        def figures(first: int, last: int, fold: Fold = fold) -> dict[str, float]:
            panel = window_forecasts(
                table,
                labels,
                fold,
                settings=settings,
                embargo=page.validation.embargo_days,
                rows=(first, last),
            )
            market = open_trading(page, everything, (first, last))
            outcome = market.run(panel, costs=page.charged())
            return {**market.figures(outcome), "trades": float(len(outcome.fills))}

        window = fold.window
        inside = figures(window.train_first, fold.train_last_row + 1)
        test = figures(window.test_first, window.test_last)
        found.append(
            {
                "window": window.index + 1,
                "train_from": from_ns(int(ts[window.train_first])).date(),
                "train_to": from_ns(int(ts[fold.train_last_row])).date(),
                "test_from": from_ns(int(ts[window.test_first])).date(),
                "test_to": from_ns(int(ts[window.test_last - 1])).date(),
                "features": len(fold.features),
                "in_sample_return": inside["annual_return"],
                "in_sample_sharpe": inside["sharpe"],
                "annual_return": test["annual_return"],
                "sharpe": test["sharpe"],
                "max_drawdown": test["max_drawdown"],
                "trades": int(test["trades"]),
            }
        )
    return tuple(found)
