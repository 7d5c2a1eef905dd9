"""Many parameter sets in one compiled pass, scored without building their tables."""
