"""What the service desk knows and decides, without a clock or a database."""

from service_desk.domain.care import (
    AlreadyCompleted,
    Care,
    CompletedInFuture,
    CompleteServiceOrder,
    DeviceOutOfCare,
    OpenServiceOrder,
    RegisterDevice,
    ServiceOrder,
    SoldInFuture,
)  # fmt: skip
from service_desk.domain.device import REMIND, Device, announce
from service_desk.domain.lead import REPLAN, ChangeLead, Lead
from service_desk.domain.months import months_later
from service_desk.domain.order_devices import OrderDevices

__all__ = [
    "REMIND", "REPLAN", "AlreadyCompleted", "Care", "ChangeLead", "CompleteServiceOrder",
    "CompletedInFuture", "Device", "DeviceOutOfCare", "Lead", "OpenServiceOrder", "OrderDevices", "RegisterDevice",
    "ServiceOrder", "SoldInFuture", "announce", "months_later",
]  # fmt: skip
