"""What every service stands on: event log, lanes, relay, consumer, web, process. It knows no service by name."""
