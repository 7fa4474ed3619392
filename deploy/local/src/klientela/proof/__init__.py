"""The proof that a suite is whole: at rest, logs without gaps, copies as the truth, every service's invariants."""
