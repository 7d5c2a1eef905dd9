"""Stress runs: chains that scenarios happen to, what they measured, results kept with runs."""
