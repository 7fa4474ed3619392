import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the folder service-desk is no package: tests import factories by name

from chassis.testing import bench_of
from service_desk.app import service

bench = bench_of(service)
