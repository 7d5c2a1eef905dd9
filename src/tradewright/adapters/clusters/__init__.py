"""Machines that work for us: clusters behind the crew port."""
