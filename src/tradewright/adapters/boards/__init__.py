"""Boards that show the signals in force."""
