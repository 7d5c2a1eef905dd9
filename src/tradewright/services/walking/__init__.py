"""Walk-forward: choose on the past of each window, trade its future, join the futures."""
