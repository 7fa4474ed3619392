"""The door for shops: no key, but a signature; what is right is stored at once and decided later."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import JSONResponse

from chassis.database import Database
from chassis.web.route import router
from orders.adapters.envelope import wrap
from orders.adapters.woocommerce import is_signed
from orders.commands import channel_at_the_door, take_message
from orders.domain.errors import BodyTooLarge, NotAnObject, SignatureWrong

LARGEST = 1024 * 1024
LONGEST_DELIVERY = 100
KINDS = {
    "order.created": "woocommerce",
    "order.updated": "woocommerce",
    "order.restored": "woocommerce-restored",
    "order.deleted": "woocommerce-deleted",
}
routes = router("webhooks")


@routes.post("/webhooks/{channel_id}")
async def receive_webhook(
    request: Request,
    channel_id: UUID,
    x_wc_webhook_signature: Annotated[str, Header()] = "",
    x_wc_webhook_topic: Annotated[str, Header()] = "order.updated",
    x_wc_webhook_delivery_id: Annotated[str, Header()] = "",
) -> JSONResponse:
    """Store what a WooCommerce shop sends; the ping at the webhook's creation and other topics are only answered."""
    body = await _read(request)
    database: Database = request.app.state.database
    async with database.pool.acquire() as connection, connection.transaction():
        door = await channel_at_the_door(connection, channel_id, "woocommerce")
        if not x_wc_webhook_signature and _is_ping(body):
            return JSONResponse({"state": "pong"})
        if not is_signed(body, door.channel.secret, x_wc_webhook_signature):
            raise SignatureWrong
        kind = KINDS.get(x_wc_webhook_topic)
        if kind is None:
            return JSONResponse({"state": "ignored"})
        _check_object(body)
        kept = wrap(body, door.now, door.channel.settings, x_wc_webhook_delivery_id[:LONGEST_DELIVERY])
        await take_message(connection, kind, channel_id, [kept])
    request.app.state.intake_stored.set()
    return JSONResponse({"state": "stored"})


async def _read(request: Request) -> bytes:
    """Return the body, reading no more of it than may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise BodyTooLarge
    return bytes(body)


def _is_ping(body: bytes) -> bool:
    return body.startswith(b"webhook_id=") and body.removeprefix(b"webhook_id=").isdigit()


def _check_object(body: bytes) -> None:
    """Refuse what is no JSON object; wrong signs inside it are for the dead letters, so that the shop goes on."""
    try:
        value = json.loads(body.decode(errors="replace"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise NotAnObject from error
    if not isinstance(value, dict):
        raise NotAnObject
