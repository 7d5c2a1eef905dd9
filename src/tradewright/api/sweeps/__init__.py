"""Sweeps over HTTP: what is asked, what is told."""
