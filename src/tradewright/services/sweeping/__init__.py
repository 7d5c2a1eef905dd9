"""Around a sweep: how large it is, and how a killed one goes on."""
