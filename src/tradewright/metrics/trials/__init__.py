"""Many trials at once: is the best of them chosen for skill or for luck."""
