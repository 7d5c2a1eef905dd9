"""Where a result came from: instruments, sectors, sides, times, factors."""
