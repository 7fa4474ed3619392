"""The bench of the orders service."""

from chassis.testing import bench_of
from orders.app import service

bench = bench_of(service)
