"""Turning what happened elsewhere into effects here, once: batches, progress, outcomes, timers, intake."""
