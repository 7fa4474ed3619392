"""Data of our own to try things with: an order history of invented customers, priced in CZK."""

from pathlib import Path

ORDERS = Path(__file__).with_name("orders.csv")
"""Columns as in every order history; it has a bit of all: refunds, buyers unknown, gifts, losses, an adjustment."""
