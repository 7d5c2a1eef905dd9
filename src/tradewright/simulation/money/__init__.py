"""What a price is worth: contract multipliers, currencies of the prices, funding of perpetuals."""
