"""The told suite's services on real ports, in a thread of their own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tests.verify.suite_in_process import SuiteInProcess


@contextmanager
def served(suite: SuiteInProcess) -> Iterator[dict[str, str]]:
    """Serve the APIs; give the services' addresses by their names."""
    sockets = {name: _listening() for name in suite.services}
    servers = [
        uvicorn.Server(uvicorn.Config(one.app, log_config=None, access_log=False, lifespan="off"))
        for one in suite.services.values()
    ]

    async def serve() -> None:
        async with suite.opened():
            await asyncio.gather(
                *(
                    server.serve(sockets=[listening])
                    for server, listening in zip(servers, sockets.values(), strict=True)
                )
            )

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="served suite")
    thread.start()
    try:
        yield {name: f"http://127.0.0.1:{listening.getsockname()[1]}" for name, listening in sockets.items()}
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(30)


def _listening() -> socket.socket:
    """A socket that takes connections already, so that nobody has to wait for the server behind it."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    return listening
