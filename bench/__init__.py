"""Benchmarks: every figure beside its floor, in turn, in one run."""
