"""A run beside chance, and where its profit came from."""
