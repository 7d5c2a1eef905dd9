"""Stress on the command line: of a strategy, of a stored run, of a study."""
