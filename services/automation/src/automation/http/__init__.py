"""The API of automation: rules, their runs, what is known of clients, and the words rules are made of."""

from automation.http.clients import routes as clients
from automation.http.rules import routes as rules
from automation.http.runs import routes as runs
from automation.http.vocabulary import routes as vocabulary

routes = (rules, runs, clients, vocabulary)
