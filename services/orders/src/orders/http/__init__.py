"""The API of the orders service."""

from orders.http.channels import routes as channels
from orders.http.opportunities import routes as opportunities
from orders.http.orders import routes as orders
from orders.http.products import routes as products
from orders.http.webhooks import routes as webhooks

routes = (channels, webhooks, orders, products, opportunities)
