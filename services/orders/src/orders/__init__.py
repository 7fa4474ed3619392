"""Orders from every channel: what was sold, to whom, for how much, and what may be sold next."""
