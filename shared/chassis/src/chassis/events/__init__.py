"""The event log: units of work that write it, lanes that number it, the relay that publishes it, the feed that serves it."""
