"""Use cases: what the user asks for."""
