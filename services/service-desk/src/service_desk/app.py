"""The service desk, put together."""

from service_desk.handlers import service
from service_desk.http import routes

service.routers.append(routes)

__all__ = ["service"]
