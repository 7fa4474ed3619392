"""`klientela keys rotate` and `keys forget-old`: another key signs, and no key is shown that is not believed by then.

Services read at their start which signing keys they believe and what they show each other. So they are started anew
one after the other: each is asked to stop, and the supervisor starts it as it starts whatever has ended.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rich.console import Console

from klientela.errors import Refusal
from klientela.keys import how_long, revoke
from klientela.layout import DataDirectory
from klientela.operator_key import kept_in, make_operator_key, pass_of
from klientela.processes import ProcessRecord, end
from klientela.running import RunningSuite, not_up
from klientela.services import KEY_OWNER, SERVICES, Service, ServiceProcess, is_ready
from klientela.signing_keys import (
    believed,
    forget_others,
    is_cut_short,
    prepare_next,
    present,
    rotating_alone,
    sign_service_key,
    signer_of,
    switch_to_next,
)
from klientela.supervisor import LONGEST_DELAY, supervisor_of

Progress = Callable[[str], None]
RETURNS_WITHIN = ServiceProcess.start_patience + LONGEST_DELAY
"""Seconds that a service has to be ready again: the supervisor may wait before it starts it, and it has to start."""


def rotate(layout: DataDirectory, *, as_json: bool) -> int:
    """Let a new key sign from now on, and say what of the old one stays good; the exit code."""
    suite = RunningSuite.of(layout)
    progress = teller(as_json=as_json)
    with rotating_alone(layout):
        prepare_next(layout)
        progress("The services are started anew, one after the other, so that each believes the new signing key")
        start_all_anew(layout, suite, progress, "`klientela keys rotate`")
        switch_to_next(layout)
        suite = with_present_key(layout, suite, progress)
        new = present(layout)
        older = [key for key in believed(layout) if key != new]
    good = [key for key in good_keys(suite) if key["signed_by"] != new]
    if as_json:
        print(json.dumps({"signing_key": new, "also_believed": older, "signed_before": good}, ensure_ascii=False))
        return 0
    print(f"From now on {new} signs, and only keys that it signed make others. The first operator has one.")
    lasting = sum(not key["expires_at"] for key in good)
    print(f"Keys made before stay good until they expire or are revoked: {len(good)}, of them for ever: {lasting}.")
    print(
        "`klientela keys forget-old` ends that at once. Do so now if the old signing key may be in other hands;"
        " a backup made until now holds it."
    )
    return 0


def forget_old(layout: DataDirectory, *, as_json: bool) -> int:
    """Have what older signing keys signed open nothing any more, and say whose keys these were; the exit code."""
    suite = RunningSuite.of(layout)
    progress = teller(as_json=as_json)
    again = "`klientela keys forget-old`"
    with rotating_alone(layout):
        if is_cut_short(layout):
            raise Refusal(
                "A rotation was cut short, and the signing key from before signs still. Nothing was changed. "
                "Run `klientela keys rotate` again, then this."
            )
        suite = with_present_key(layout, suite, progress)
        ended = revoke_older(suite.with_key(pass_of(layout)), present(layout))
        sign_service_key(layout)
        progress("The services are started anew, one after the other, so that each shows a key of the present signer")
        start_all_anew(layout, suite, progress, again)
        forgotten = forget_others(layout)
        progress("And once more, so that each believes no other")
        start_all_anew(layout, suite, progress, again)
        now = present(layout)
    if as_json:
        said = {"signing_key": now, "forgotten": forgotten, "ended": ended}
        print(json.dumps(said, ensure_ascii=False))
        return 0
    print(f"Every service believes {now} alone; {len(forgotten)} older signing keys are forgotten.")
    print(f"The first operator's key is in {kept_in(layout)}.")
    for key in ended:
        print(f"Revoked with them: {key['id']} of {key['name']}, {key['role']}, which was good {how_long(key)}.")
    if ended:
        print("Who still needs one gets a new one with `klientela keys create`.")
    return 0


def with_present_key(layout: DataDirectory, suite: RunningSuite, progress: Progress) -> RunningSuite:
    """The suite, asked with a first operator's key that the present signing key signed; a new one if need be."""
    if signer_of(suite.key) == present(layout):
        return suite
    progress("The first operator gets a new key")
    return suite.with_key(make_operator_key(layout, suite.services[KEY_OWNER]))


def revoke_older(suite: RunningSuite, signing_key: str) -> list[dict[str, Any]]:
    """Revoke what another key than this one signed, so that it is refused before any service is started anew."""
    older = [key for key in good_keys(suite) if key["signed_by"] != signing_key]
    with suite.apis() as apis:
        for key in older:
            revoke(apis, UUID(key["id"]))
    return older


def good_keys(suite: RunningSuite) -> list[dict[str, Any]]:
    """The keys that were made here, have not expired and are not revoked."""
    now = datetime.now(UTC)
    with suite.apis() as apis:
        return [key for key in apis.pages(KEY_OWNER, "/v1/keys") if is_good(key, now)]


def is_good(key: Mapping[str, Any], now: datetime) -> bool:
    """Whether a key as it is listed opens anything at this time.

    >>> is_good({"revoked_at": None, "expires_at": "2026-10-01T00:00:00Z"}, datetime(2026, 10, 2, tzinfo=UTC))
    False
    """
    return not key["revoked_at"] and not (key["expires_at"] and datetime.fromisoformat(key["expires_at"]) <= now)


def start_all_anew(layout: DataDirectory, suite: RunningSuite, progress: Progress, again: str) -> None:
    """Start every service anew, the next one when the one before is ready. Raises Refusal when one is not."""
    for service in SERVICES:
        progress(f"Starting {service.name} anew")
        start_anew(layout, service, int(suite.services[service.name].rpartition(":")[2]), again)


def start_anew(layout: DataDirectory, service: Service, port: int, again: str) -> None:
    """Stop a service and wait until the supervisor has started it and it is ready. Raises Refusal."""
    path = layout.run / f"{service.name}.json"
    before = ProcessRecord.read(path)
    process = before.process() if before else None
    if before and process:
        end(process, before.stop_signal, ServiceProcess.patience)
    deadline = time.monotonic() + RETURNS_WITHIN
    while not (is_another(before, ProcessRecord.read(path)) and is_ready(port)):
        if supervisor_of(layout) is None:
            raise Refusal(f"{not_up(layout)} After that {again} finishes what was begun.")
        if time.monotonic() > deadline:
            raise Refusal(
                f"The service {service.name} was not ready again in {RETURNS_WITHIN:.0f} seconds; its log is in "
                f"{layout.logs / service.name}.log. Once it is, {again} finishes what was begun."
            )
        time.sleep(0.05)


def is_another(before: ProcessRecord | None, now: ProcessRecord | None) -> bool:
    """Whether the process of a record lives and is not the one from before."""
    return now is not None and now != before and now.process() is not None


def teller(*, as_json: bool) -> Progress:
    """Tell on stderr what is being done; where stdout is read by a program, a dim line less to look at."""
    console = Console(stderr=True, highlight=False, quiet=as_json)
    return lambda text: console.print(text, style="dim", soft_wrap=True)
