"""The API of automation: rules, their runs, what is known of clients, and the words rules are made of."""

from automation.http import clients, rules, runs, vocabulary
from chassis.web.route import router

routes = router("automation")
for part in (rules, runs, clients, vocabulary):
    routes.routes.extend(part.routes.routes)

__all__ = ["routes"]
