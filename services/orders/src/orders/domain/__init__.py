"""Orders as they are understood here: pure, told everything, deciding what happened."""
