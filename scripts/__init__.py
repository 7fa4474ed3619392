"""What developers run: generated files, compatibility of schemas, and the rules of the house."""
