"""Order ids that are derived, never random."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(first + second for first in _LETTERS for second in _LETTERS)
_SHIFTS: Final = tuple(range(120, -1, -10))


def derive_order_id(run_id: str, ts_decided: int, symbol: str, sequence: int) -> str:
    """Return the client order id of a decision.

    ``tw-`` and the first 26 base32 characters (130 bits) of a SHA-256 over the arguments, so that
    the same decision repeated after a crash is the same order.

    Parameters
    ----------
    run_id : str
        Run or session that decides.
    ts_decided : int
        UTC nanoseconds of the decision.
    symbol : str
        Canonical symbol.
    sequence : int
        Number of the order in its run, which tells two orders of one decision apart.

    Returns
    -------
    str
        29 lower-case characters.

    Examples
    --------
    >>> derive_order_id("run", 0, "AAPL", 1)
    'tw-nottn4kwvh63zdtv5i4mjoniyl'
    """
    text = f"{run_id}\x1f{ts_decided}\x1f{symbol}\x1f{sequence}"
    bits = int.from_bytes(sha256(text.encode()).digest()[:17], "big") >> 6
    return "tw-" + "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])
