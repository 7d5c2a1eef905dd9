"""Nouns with invariants; standard library and numpy only."""
