"""What a market trades on: terms of contracts, funding of perpetuals, rates of exchange."""
