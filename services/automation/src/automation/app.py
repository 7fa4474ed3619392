"""The automation service, put together."""

from automation.handlers import service
from automation.http import routes

service.routers.extend(routes)

__all__ = ["service"]
