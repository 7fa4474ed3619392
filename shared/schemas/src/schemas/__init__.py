"""The contracts: every event, request and value type a service may know of another. Knows nobody."""
