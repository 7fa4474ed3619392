"""Clients, and whose an identity is: cards, numbers, statuses, stars, tasks and access keys."""
