"""Runs beside runs: compared over shared sessions, repeated, and what they were made from."""
