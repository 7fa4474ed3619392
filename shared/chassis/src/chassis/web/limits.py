"""Limits of every request: its body's size and its time."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.web.problems import problem

LARGEST_BODY = 4 * 1024 * 1024
LONGEST_REQUEST = 60.0


class BodyTooLarge(Exception):
    """More came than a body may hold."""


class LimitBody:
    """ASGI middleware that answers 413 to a body over the limit, whether it says its length or not."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app, self.largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in; stop at the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.largest:
            await _too_large(self.largest)(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self.largest)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BodyTooLarge:
            exchange.over = True
        if exchange.over and not exchange.answered:
            await _too_large(self.largest)(scope, receive, send)


class _Exchange:
    """One request: counts what comes in; once that is too much, what the application would answer is dropped.

    Frameworks turn any error of reading a body into an answer of their own.
    """

    def __init__(self, receive: Receive, send: Send, largest: int) -> None:
        self._receive, self._send, self._left = receive, send, largest
        self.over = self.answered = False

    async def receive(self) -> Message:
        message: MutableMapping[str, Any] = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.over = True
            raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.answered or not self.over:
            self.answered = True
            await self._send(message)


class LimitTime:
    """ASGI middleware that gives up a request after a minute; its unit of work is undone."""

    def __init__(self, app: ASGIApp, longest: float) -> None:
        self.app, self.longest = app, longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request under a time limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering, limit = False, asyncio.timeout(self.longest)

        async def answer(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            async with limit:
                await self.app(scope, receive, answer)
        except TimeoutError:
            if answering or not limit.expired():
                raise  # what was begun cannot be taken back: the server ends the connection
            detail = "The request took too long. Try again: with the same Idempotency-Key it is done once."
            await problem(503, "too-slow", detail, retry_after=5)(scope, receive, send)


def _too_large(largest: int) -> ASGIApp:
    return problem(413, "body-too-large", f"A body may have {largest} bytes at the most.")
