"""Where the service desk keeps its state: the states of the decisions, what the API reads, what ``verify`` proves."""

from service_desk.store.care import cares, count_service_orders, find_service_order, list_service_orders
from service_desk.store.checks import CHECKS, COPIES
from service_desk.store.device import count_devices, find_device, list_devices
from service_desk.store.lead import leads, planned_otherwise, read_lead
from service_desk.store.order_devices import orders

__all__ = [
    "CHECKS", "COPIES", "cares", "count_devices", "count_service_orders", "find_device", "find_service_order", "leads",
    "list_devices", "list_service_orders", "orders", "planned_otherwise", "read_lead",
]  # fmt: skip
