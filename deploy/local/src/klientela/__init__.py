"""The klientela command: starts, stops, checks, keeps and explains the whole suite on one machine."""

from importlib.metadata import version

__version__ = version("klientela")
