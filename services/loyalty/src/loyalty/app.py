"""The loyalty service, put together."""

from loyalty.handlers import service
from loyalty.http import routes

service.routers.append(routes)

__all__ = ["service"]
