"""From settings to a running process."""
