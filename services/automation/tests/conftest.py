from automation.app import service
from chassis.testing import bench_of

bench = bench_of(service)
