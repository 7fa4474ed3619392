"""The HTTP face of a service: doors, problems, pages, and the routes that all services share."""
