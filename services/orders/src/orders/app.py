"""The orders service: its handlers and its routes together."""

from orders.handlers import service
from orders.http import routes

service.routers.extend(routes)

__all__ = ["service"]
