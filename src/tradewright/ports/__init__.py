"""Protocols at the edge; what stands behind them is chosen in ``app/bootstrap.py`` alone."""
