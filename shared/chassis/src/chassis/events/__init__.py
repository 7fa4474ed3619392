"""The event log: units of work write it, lanes number it, the relay publishes it, the feed serves it."""
