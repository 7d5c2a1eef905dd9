"""Real daily bars that come with the package: no account, key or network needed."""

from tradewright.marketdata.sample.embedded import sample_bars, sectors

__all__ = ["sample_bars", "sectors"]
