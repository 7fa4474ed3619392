"""Stands in for a service in tests of the command: ready at once, shows what it was told, and makes keys."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandIn(BaseHTTPRequestHandler):
    """Answers everything with its environment, and who wants a key gets one."""

    def do_GET(self) -> None:
        self.answer(200, {name: value for name, value in os.environ.items() if name.startswith("KLIENTELA_")})

    def do_POST(self) -> None:
        self.answer(201, {"key": "a stand-in for a key"})

    def answer(self, status: int, said: dict[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["KLIENTELA_PORT"])), StandIn).serve_forever()
