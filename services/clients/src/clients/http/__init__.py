"""The API of the clients service."""

from chassis.web.route import router
from clients.http import cards, identities, keys, settings, tasks

routes = router("clients")
for part in (cards, identities, tasks, settings, keys):
    routes.routes.extend(part.routes.routes)

__all__ = ["routes"]
