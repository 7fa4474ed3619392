"""Keys: rotated without a gap, and never read by another algorithm."""

import base64
import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from chassis.web.keys import BadKey, KeyReader, new_signing_key, public_keys, sign_key

CLAIMS = json.dumps({"jti": str(uuid4()), "role": "admin", "name": "Eve"})
OLD, NEW = new_signing_key(), new_signing_key()
READER = KeyReader(public_keys(OLD, NEW))


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_two_public_keys_open_what_either_signed() -> None:
    identity, channel = uuid4(), UUID(int=3)
    for private in (OLD, NEW):
        key = READER.read(sign_key(private, role="channel", name="shop", key_id=identity, channel=channel))
        assert (key.id, key.role, key.channel) == (identity, "channel", channel)
        assert key.signed_by == json.loads(private)["kid"]
    with pytest.raises(BadKey):
        KeyReader(public_keys(NEW)).read(sign_key(OLD, role="admin", name="Eva"))


def test_another_algorithm_or_signer_is_refused() -> None:
    mine = json.loads(public_keys(NEW))["keys"][0]
    shared = OctKey.import_key(json.dumps(mine))
    stranger = OKPKey.import_key({**json.loads(new_signing_key()), "kid": mine["kid"]})
    forged = [
        jws.serialize_compact({"alg": "HS256", "kid": mine["kid"]}, CLAIMS, shared, algorithms=["HS256"]),
        jws.serialize_compact({"alg": "Ed25519", "kid": mine["kid"]}, CLAIMS, stranger, algorithms=["Ed25519"]),
        encoded('{"alg": "none"}') + f".{encoded(CLAIMS)}.",
    ]
    head, _, rest = sign_key(NEW, role="viewer", name="Eva").partition(".")
    other = sign_key(NEW, role="admin", name="Eva").split(".")[1]
    forged.append(f"{head}.{other}.{rest.split('.')[1]}")
    for token in forged:
        with pytest.raises(BadKey):
            READER.read(token)


@given(st.text() | st.lists(st.text("abcW10eyJ_-=[{"), min_size=3, max_size=3).map(".".join))
def test_any_other_text_is_no_key(token: str) -> None:
    with pytest.raises(BadKey):
        READER.read(token)


def test_a_header_nested_without_end_is_no_key() -> None:
    with pytest.raises(BadKey):
        READER.read(encoded("[" * 60_000) + ".e30.e30")


@pytest.mark.parametrize("expires", [10**12, 1e300, -(10**20), "tomorrow", float("nan"), float("inf")])
def test_a_key_until_a_time_that_no_clock_has_is_no_key(expires: object) -> None:
    signer = OKPKey.import_key(json.loads(NEW))
    claims = json.dumps({**json.loads(CLAIMS), "exp": expires})
    token = jws.serialize_compact({"alg": "Ed25519", "kid": signer.kid}, claims, signer, algorithms=["Ed25519"])
    with pytest.raises(BadKey):
        READER.read(token)


def test_an_unknown_role_is_never_signed() -> None:
    with pytest.raises(ValueError, match="no such role"):
        sign_key(NEW, role="root", name="Eve")
