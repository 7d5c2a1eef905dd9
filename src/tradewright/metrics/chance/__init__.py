"""What chance alone makes of a result: other orders, other paths, other entries."""
