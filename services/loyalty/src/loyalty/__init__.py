"""Loyalty: the points that orders bear, the ledger that proves them, and the tiers they reach."""
