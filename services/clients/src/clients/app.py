"""The clients service, put together."""

from clients.handlers import service
from clients.http import routes

service.routers.extend(routes)

__all__ = ["service"]
