"""Who does not know a channel's secret gets nothing in: every way to sign wrongly is refused, and no row changes."""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from chassis.testing import Bench
from orders.adapters.woocommerce import signature_of
from services.orders.tests.factories import shop_order, slug

SECRET, OTHER = "a secret of the shop and us", "a secret of another shop and us"
BODY = json.dumps(shop_order()).encode()
RIGHT = signature_of(BODY, SECRET)
HEADER = b"X-WC-Webhook-Signature"


class Sent(NamedTuple):
    """What comes to the door of a channel: the signatures as bytes of the header, and the body."""

    signatures: list[bytes]
    body: bytes = BODY


def by(secret: str | bytes, body: bytes = BODY, digest: Callable[..., object] = hashlib.sha256) -> bytes:
    key = secret if isinstance(secret, bytes) else secret.encode()
    return base64.b64encode(hmac.new(key, body, digest).digest())  # type: ignore[arg-type]


def hexadecimal(secret: str) -> bytes:
    return hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest().encode()


def flipped(text: str, at: int) -> bytes:
    """Another letter at one place."""
    return (text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]).encode()


right = RIGHT.encode()
raw = base64.b64decode(RIGHT)
FORGED = {
    "none": Sent([]),
    "empty": Sent([b""]),
    "blank": Sent([b"   "]),
    "a word": Sent([b"nope"]),
    "a word in base64": Sent([b"bm9wZQ=="]),
    "null": Sent([b"null"]),
    "true": Sent([b"true"]),
    "nothing but padding": Sent([b"===="]),
    "zeros": Sent([base64.b64encode(bytes(32))]),
    "ones": Sent([base64.b64encode(b"\xff" * 32)]),
    "letters beyond ASCII": Sent(["ř".encode()]),
    "bytes that are no text": Sent([b"\xff\xfe\xfd"]),
    "very long": Sent([b"A" * 4_000]),
    "its first letter changed": Sent([flipped(RIGHT, 0)]),
    "a letter within changed": Sent([flipped(RIGHT, 20)]),
    "its last letter changed": Sent([flipped(RIGHT, 42)]),
    "cut short": Sent([right[:-8]]),
    "half of it": Sent([right[:22]]),
    "its bytes cut to half": Sent([base64.b64encode(raw[:16])]),
    "followed by more": Sent([right + b"AAAA"]),
    "twice in one": Sent([right + right]),
    "two in a list": Sent([right + b"," + right]),
    "without padding": Sent([right.rstrip(b"=")]),
    "in small letters": Sent([right.lower()]),
    "backwards": Sent([right[::-1]]),
    "in quotes": Sent([b'"' + right + b'"']),
    "named as others do": Sent([b"sha256=" + right]),
    "in hexadecimal": Sent([hexadecimal(SECRET)]),
    "hexadecimal in base64": Sent([base64.b64encode(hexadecimal(SECRET))]),
    "by SHA-1": Sent([by(SECRET, digest=hashlib.sha1)]),
    "by MD5": Sent([by(SECRET, digest=hashlib.md5)]),
    "by SHA-512": Sent([by(SECRET, digest=hashlib.sha512)]),
    "a digest without a secret": Sent([base64.b64encode(hashlib.sha256(BODY).digest())]),
    "secret and body in one digest": Sent([base64.b64encode(hashlib.sha256(SECRET.encode() + BODY).digest())]),
    "by an empty secret": Sent([by("")]),
    "by another channel's secret": Sent([by(OTHER)]),
    "by the secret in capitals": Sent([by(SECRET.upper())]),
    "by the secret with a line's end": Sent([by(SECRET + "\n")]),
    "by the secret in base64": Sent([by(base64.b64encode(SECRET.encode()))]),
    "of another body": Sent([by(SECRET, b"{}")]),
    "of the body with a line's end": Sent([by(SECRET, BODY + b"\n")]),
    "for a body that was written anew": Sent([right], json.dumps(json.loads(BODY), indent=1).encode()),
    "for a body with a total changed": Sent([right], BODY.replace(b"1210.00", b"9210.00")),
    "for a body with a tail": Sent([right], BODY + b" "),
    "for the body packed": Sent([right], gzip.compress(BODY, mtime=0)),
    "of nothing, for nothing": Sent([by(OTHER, b"")], b""),
    "none, for a ping with a tail": Sent([], b"webhook_id=1&order=727"),
    "none, for a ping of letters": Sent([], b"webhook_id=one"),
    "the wrong one and then the right one": Sent([b"bm9wZQ==", right]),
}


async def rows(bench: Bench) -> list[tuple[object, ...]]:
    return await bench.rows("select id, kind, body from chassis.intake order by id")


async def a_shop(api: httpx.AsyncClient, secret: str) -> str:
    answer = await api.post("/v1/channels", json={"kind": "woocommerce", "name": secret, "secret": secret})
    return f"/v1/webhooks/{answer.json()['id']}"


async def test_what_is_signed_wrongly_in_any_of_forty_ways_is_refused_and_not_stored(bench: Bench) -> None:
    assert len(FORGED) >= 40
    let_in = {}
    async with bench.api() as api, bench.api("") as shop:
        url = await a_shop(api, SECRET)
        for case, sent in FORGED.items():
            headers = httpx.Headers([(HEADER, each) for each in sent.signatures])
            answer = await shop.post(url, content=sent.body, headers=headers)
            if (answer.status_code, slug(answer)) != (401, "signature-wrong"):
                let_in[case] = (answer.status_code, answer.text)
    assert let_in == {}
    assert await rows(bench) == []


async def test_a_signature_is_compared_in_time_that_tells_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes is no test for a busy machine; who compares is."""
    compared: list[tuple[bytes, ...]] = []
    exact = hmac.compare_digest

    def compare(*both: bytes) -> bool:
        compared.append(both)
        return exact(*both)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    async with bench.api("") as shop, bench.api() as api:
        url = await a_shop(api, SECRET)
        for signature, status in ((b"nope", 401), (right, 200)):
            sent = {HEADER.decode(): signature.decode(), "Content-Type": "application/json"}
            assert (await shop.post(url, content=BODY, headers=sent)).status_code == status
    assert [sorted(both) for both in compared] == [sorted((right, each)) for each in (b"nope", right)]


async def test_a_secret_opens_the_door_of_its_own_channel_alone(bench: Bench) -> None:
    """A signature that is right at one door is wrong at every other."""
    async with bench.api() as api, bench.api("") as shop:
        mine, other = await a_shop(api, SECRET), await a_shop(api, OTHER)
        doors = [other, f"/v1/webhooks/{uuid4()}"]
        for kind in ("import", "kafka"):
            made = await api.post("/v1/channels", json={"kind": kind, "name": kind})
            doors.append(f"/v1/webhooks/{made.json()['id']}")
        for door in doors:
            answer = await shop.post(door, content=BODY, headers={HEADER.decode(): RIGHT})
            assert answer.status_code in {401, 404}, (door, answer.text)
        assert await rows(bench) == []
        assert (await shop.post(mine, content=BODY, headers={HEADER.decode(): RIGHT})).status_code == 200
    assert len(await rows(bench)) == 1
