"""What a client is, who is whose, and what a person may do about it: pure decisions."""
