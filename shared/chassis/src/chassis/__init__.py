"""The machinery every service stands on: event log, lanes, relay, consumer, web and process. Knows no service by name."""
