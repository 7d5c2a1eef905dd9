"""Money of several currencies: what prices are worth, rates of exchange."""
