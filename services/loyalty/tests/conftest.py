from chassis.testing import bench_of
from loyalty.app import service

bench = bench_of(service)
