"""`klientela status`: which processes run, whether the services are well, and what each says of itself."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.table import Table

from klientela.layout import DataDirectory
from klientela.operator_key import OPERATOR_KEY
from klientela.orphans import left_behind
from klientela.processes import ProcessRecord, family
from klientela.services import SERVICES
from klientela.supervisor import Start, announced, supervisor_of
from klientela.tables import number, table, terminal

PROC = Path("/proc")
PROPORTIONAL = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
"""A process's memory where each shared page is divided among its sharers, so that the parts may be summed."""

SENTENCES = {
    "up": "Klientela is up",
    "starting": "Klientela is starting",
    "left": "Klientela's supervisor has died; `klientela up` ends what goes on without it and starts all again",
    "down": "Klientela is down",
}
PROCESSES = ("supervisor", "postgres", "kafka", *(service.name for service in SERVICES))


def status(layout: DataDirectory, *, as_json: bool) -> int:
    """Print the state of the suite; 0 when it is up and every service is ready, else 1."""
    state = look(layout)
    if as_json:
        print(json.dumps(state))
    else:
        show(state)
    return 0 if state["state"] == "up" and all(one["ready"] for one in state["services"].values()) else 1


def look(layout: DataDirectory) -> dict[str, Any]:
    """The state as data."""
    announcement = announced(layout)
    state = "up" if announcement else "starting" if supervisor_of(layout) else "left" if left_behind(layout) else "down"
    processes = {name: process for name in PROCESSES if (process := measure(layout, name))}
    services: dict[str, Any] = {}
    if announcement:
        key = layout.secret(OPERATOR_KEY)
        with ThreadPoolExecutor() as pool:
            asked = pool.map(lambda url: ask(url, key), announcement["services"].values())
            services = dict(zip(announcement["services"], asked, strict=True))
    together = sum(process["memory_bytes"] for process in processes.values())
    return {
        "state": state,
        "data": str(layout.root),
        "processes": processes,
        "services": services,
        "memory_bytes": together,
        "elsewhere": elsewhere(layout) if announcement else [],
    }


def elsewhere(layout: DataDirectory) -> list[str]:
    """What the suite stands on that is the user's own: `kafka`, and services by their databases."""
    start = Start.read(layout)
    return list(start.elsewhere) if start else []


def measure(layout: DataDirectory, name: str) -> dict[str, Any] | None:
    """A process's pid, seconds up, and memory with all below it that is not listed itself."""
    record = ProcessRecord.read(layout.run / f"{name}.json")
    process = record.process() if record else None
    if not record or not process:
        return None
    members = [process] if name == "supervisor" else family(process)
    return {
        "pid": record.pid,
        "up_seconds": round(time.time() - record.created, 1),
        "memory_bytes": sum(memory(member) for member in members),
    }


def memory(process: psutil.Process) -> int:
    """Memory in use by one process, shared pages by its part of them; by all where the system tells no more."""
    try:
        found = PROPORTIONAL.search((PROC / str(process.pid) / "smaps_rollup").read_text())
    except OSError:
        found = None
    try:
        return int(found[1]) * 1024 if found else int(process.memory_info().rss)
    except psutil.Error:
        return 0


def ask(url: str, key: str) -> dict[str, Any]:
    """A service's health, and its own account of its lanes where it gives one."""
    said: dict[str, Any] = {"url": url, "ready": False, "status": None}
    try:
        with httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
            said["ready"] = client.get("/health/ready").status_code == httpx.codes.OK
            answer = client.get("/v1/status", headers={"Authorization": f"Bearer {key}"})
            said["status"] = answer.json() if answer.is_success else None
    except (httpx.HTTPError, ValueError) as error:
        said["problem"] = str(error) or type(error).__name__
    return said


def show(state: dict[str, Any]) -> None:
    """The state for people."""
    console = terminal()
    console.print(f"{SENTENCES[state['state']]} ({state['data']})", soft_wrap=True)
    if not state["processes"]:
        return
    console.print(process_table(state))
    if state["elsewhere"]:
        databases = [name for name in state["elsewhere"] if name != "kafka"]
        kafka = ["Kafka"] if "kafka" in state["elsewhere"] else []
        own = [*kafka, *([f"the databases of {', '.join(databases)}"] if databases else [])]
        console.print(f"On servers of your own: {' and '.join(own)}")
    if state["services"]:
        console.print(lane_table({name: service["status"] for name, service in state["services"].items()}))


def process_table(state: dict[str, Any]) -> Table:
    """Each process with its memory, and whether its service is ready."""
    lines = table("process", number("pid"), number("up"), number("memory"), "ready", "address")
    for name in PROCESSES:
        process, service = state["processes"].get(name), state["services"].get(name, {})
        ready = "" if not service else "yes" if service["ready"] else "no"
        if process:
            up, size = duration(process["up_seconds"]), megabytes(process["memory_bytes"])
            lines.add_row(name, str(process["pid"]), up, size, ready, service.get("url", ""))
        elif service:
            lines.add_row(name, "", "gone", "", ready, service["url"])
    lines.add_row("together", "", "", megabytes(state["memory_bytes"]), "", "")
    return lines


def lane_table(said: dict[str, dict[str, Any] | None]) -> Table:
    """What each service has written, and what waits; of who does not answer nothing is known."""
    lines = table("service", *map(number, ("events", "to send", "lag", "intake", "timers", "jobs", "parked", "dead")))
    answers = {name: one for name, one in said.items() if one}
    for name, one in said.items():
        if one is None:
            lines.add_row(name, "no answer")
            continue
        events = sum(head for _, head, _ in one["heads"].values())
        unpublished = events - sum(published for _, _, published in one["heads"].values())
        waiting = (one["intake"], one["timers_due"], one["jobs"], one["parked"], one["dead"])
        counts = (events, unpublished, lag(one, answers), *waiting)
        lines.add_row(name, *("?" if count is None else f"{count:,}" for count in counts))
    return lines


def megabytes(size: int) -> str:
    """A size as people say it."""
    return f"{size / 1e6:,.0f} MB"


def duration(seconds: float) -> str:
    """A time as people say it, in its two largest units.

    >>> [duration(seconds) for seconds in (59.9, 61, 7322, 90_000)]
    ['59 s', '1 min 1 s', '2 h 2 min', '1 d 1 h']
    """
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s")) if count]
    return " ".join(parts[:2]) or "0 s"


def lag(mine: dict[str, Any], said: dict[str, dict[str, Any]]) -> int | None:
    """How many published events a service has not yet applied, over all lanes; none is known if an owner is silent."""
    behind = 0
    for source, lanes in mine["progress"].items():
        if source not in said:
            return None
        published = {lane: head[2] for lane, head in said[source]["heads"].items()}
        for lane, position in lanes.items():
            behind += max(0, published.get(lane, 0) - int(position.rpartition(":")[2]))
    return behind
