"""Makes the project's environment on a machine that has only Python. Standard library only, and never installed."""
