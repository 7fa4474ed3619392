"""The API of the clients service."""

from clients.http.cards import routes as cards
from clients.http.identities import routes as identities
from clients.http.keys import routes as keys
from clients.http.settings import routes as settings
from clients.http.tasks import routes as tasks

routes = (cards, identities, tasks, settings, keys)
