"""Measured against the peers, in one run; ``python -m benchmarks`` prints the table."""
