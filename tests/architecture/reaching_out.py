"""Ways to reach out of a service around the chassis, and what is none: paths and texts for the rule ``egress``."""

SERVICE = "services/orders/src/orders/commands.py"
CHASSIS = "shared/chassis/src/chassis/web/app.py"
SCHEMAS = "shared/schemas/src/schemas/orders.py"
FEED = "shared/chassis/src/chassis/consume/feed_client.py"
RELAY = "shared/chassis/src/chassis/events/relay.py"
MENDING = "shared/chassis/src/chassis/consume/mending.py"
WATCHDOG = "shared/chassis/src/chassis/run/watchdog.py"

FIRES = [
    *((SERVICE, f"import {name}") for name in (
        "httpx", "http.client", "requests", "socket", "ssl", "subprocess", "ctypes", "os", "sys", "asyncio",
        "importlib", "aiokafka", "uvicorn", "a_library", "asyncpg.pool", "fastapi.testclient", "http", "fastapi",
        "xmlrpc.client, json", "chassis.testing",
    )),
    *((CHASSIS, f"import {name}") for name in ("httpx", "socket", "anyio", "os", "aiokafka", "multiprocessing")),
    (SCHEMAS, "import asyncpg"),
    (SERVICE, "import asyncpg as db"),
    (SERVICE, "from urllib.request import urlopen"),
    (SERVICE, "from urllib import request"),
    (SERVICE, "from http import client as c"),
    (SERVICE, "from fastapi import testclient"),
    (SERVICE, "from importlib import import_module as im"),
    (SERVICE, "def f():\n    from anyio import connect_tcp"),
    (CHASSIS, "import anyio\n\n\nasync def f():\n    await anyio.connect_tcp(host, 80)"),
    (SERVICE, "from asyncpg import connect"),
    (SERVICE, "from asyncpg import Pool"),
    (SERVICE, "import asyncpg\nc = asyncpg.connect(said)"),
    (SERVICE, "import asyncpg\nc = asyncpg.connect"),
    (SERVICE, "import asyncpg\nc = asyncpg.Pool(said)"),
    (SERVICE, "import asyncpg\nc = asyncpg.connection.connect(said)"),
    (CHASSIS, "import asyncpg\nc = asyncpg.create_pool(said)"),
    (CHASSIS, "from aiokafka import AIOKafkaProducer\np = AIOKafkaProducer(bootstrap_servers=said)"),
    (SERVICE, "from chassis.egress import httpx"),
    (SERVICE, "from chassis.egress import httpx as h"),
    (CHASSIS, "from .egress import httpx"),
    (SERVICE, "from chassis import testing"),
    (SERVICE, "from chassis.testing import asyncpg"),
    (SERVICE, "from chassis.egress import *"),
    (SERVICE, "from chassis.events.relay import AIOKafkaProducer"),
    (SERVICE, "from chassis import egress\negress.httpx.get(said)"),
    (SERVICE, "from chassis.run import settings\nsettings.os.execv(said)"),
    (WATCHDOG, "import os\nos.execv(path, arguments)"),
    (WATCHDOG, "import os\nos.posix_spawn(path, arguments, os.environ)"),
    (WATCHDOG, "import os\nrun = os.system"),
    (WATCHDOG, "import os as o\no.execv(path, arguments)"),
    (WATCHDOG, "from os import execv"),
    (CHASSIS, "import asyncio\n\n\nasync def f():\n    await asyncio.open_connection(host, 80)"),
    (CHASSIS, "import asyncio\nreach = asyncio.open_connection"),
    (CHASSIS, "from asyncio import open_connection"),
    (CHASSIS, "import asyncio as a\na.open_connection(host, 80)"),
    (CHASSIS, "import asyncio\nasyncio.subprocess.create_subprocess_exec(said)"),
    (CHASSIS, "loop.create_connection(factory, host, 80)"),
    (CHASSIS, "loop.sock_connect(sock, address)"),
    (CHASSIS, "loop.getaddrinfo(host, 80)"),
    (SERVICE, "m = __import__('requests')"),
    (SERVICE, "m = eval('__import__')('requests')"),
    (SERVICE, "run = exec"),
]  # fmt: skip

PASSES = [
    (SERVICE, "from http import HTTPStatus\nfrom fastapi import Request\nfrom chassis.egress import public_client"),
    (SERVICE, "import asyncpg\n\n\ndef f(row: asyncpg.Record) -> asyncpg.Connection: ..."),
    (SERVICE, "import re\nWORD = re.compile('[a-z]')"),
    (
        CHASSIS,
        "import asyncio\n\n\nasync def f():\n    await asyncio.gather(asyncio.get_running_loop().create_task(g()))",
    ),
    (FEED, "import httpx\nclient = httpx.AsyncClient()"),
    (MENDING, "import httpx"),
    (RELAY, "from aiokafka import AIOKafkaProducer"),
    (WATCHDOG, "import os\nos._exit(70)"),
    ("services/orders/tests/test_http.py", "import httpx, subprocess"),
]
