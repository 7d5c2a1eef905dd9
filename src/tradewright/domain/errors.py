"""The one tree of errors.

::

    TradewrightError            anything this project raises on purpose
    ├── ConfigError             a setting, argument or study page is wrong (exit code 2)
    │   └── MissingExtraError   a library of an optional extra is not installed
    ├── DataError               market data break a rule (exit code 1; 3 when a gate refuses)
    │   └── NoDataError         nothing is stored or offered for what was asked
    ├── ModelError              a model cannot be fitted, loaded or used
    ├── RiskError               a risk rule refuses (exit code 3)
    ├── RefusedError            a gate or guard refuses: data health, leak, acceptance (exit code 3)
    │   └── LeakError           a feature, label or universe looks into the future
    ├── StrategyError           the user's strategy raised while the engine called it
    ├── LedgerError             the books would not balance
    ├── CancelledError          the user stopped a job (exit code 1, stored as CANCELLED)
    └── EdgeError               something outside the process failed
        └── TransientEdgeError  the same, but a repeat may work (retried by adapters only)

A refusal the business expects (an order denied, rejected or expired) is an event, not an error.
Messages say what, where, the value found and the value wanted.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class TradewrightError(Exception):
    """Anything tradewright raises on purpose."""


class ConfigError(TradewrightError):
    """A setting, argument or study page is wrong; nothing was started."""


class MissingExtraError(ConfigError):
    """A library of an optional extra is not installed.

    Parameters
    ----------
    library : str
        The import name that failed.
    extra : str
        The extra that brings it, as in ``pip install 'tradewright[extra]'``.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is not installed; it comes with: pip install 'tradewright[{extra}]'"
        )
        self.library = library
        self.extra = extra


class DataError(TradewrightError):
    """Market data break a rule; the run stops, because no data is better than wrong data."""


class NoDataError(DataError):
    """Nothing is stored or offered for what was asked."""


class ModelError(TradewrightError):
    """A model cannot be fitted, loaded or used."""


class RiskError(TradewrightError):
    """A risk rule refuses."""


class RefusedError(TradewrightError):
    """A gate or guard refuses to show or start something."""


class LeakError(RefusedError):
    """A feature, label, scaler or universe looks into the future."""


class StrategyError(TradewrightError):
    """The user's strategy raised while the engine called it."""


class LedgerError(TradewrightError):
    """The books would not balance."""


class CancelledError(TradewrightError):
    """The user stopped a job; what was finished is kept."""


class EdgeError(TradewrightError):
    """Something outside the process failed."""


class TransientEdgeError(EdgeError):
    """Something outside the process failed, but a repeat may work."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known spelling, or all of them when few.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        For example ``"did you mean 'horizon'?"`` or ``"known: a, b"``; of a long list only how many
        there are and the first three.

    Examples
    --------
    >>> nearest("horizn", ["horizon", "seed"])
    "did you mean 'horizon'?"
    """
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "none is known"
    if len(names) > 24:
        return f"{len(names)} are known, such as {', '.join(sorted(names)[:3])}"
    return f"known: {', '.join(sorted(names))}"
