"""`klientela up`: start the suite here and stay, or start it in the background and come back when it works."""

import json
import os
import signal
import sys

from klientela import preflight
from klientela.errors import NotAsAsked, Refusal
from klientela.layout import PROJECT, DataDirectory
from klientela.operator_key import ensure_operator_key
from klientela.own_servers import VARIABLES, check_own_servers, own_parts
from klientela.ports import DEFAULT_BASE, Ports
from klientela.reporting import PipeReport, TerminalReport
from klientela.services import KEY_OWNER
from klientela.suite import Suite
from klientela.supervisor import Start, announced, supervise, supervisor_of


def up(layout: DataDirectory, port_base: int | None, *, detach: bool, moved: bool, as_json: bool) -> int:
    """Start the suite unless it is up; the exit code."""
    report = TerminalReport(as_json=as_json)
    running = announced(layout)
    if running:
        refuse_another(layout, port_base, moved=moved)
        report.progress("Klientela is up already.")
        key = ensure_operator_key(layout, running["services"][KEY_OWNER], report.progress)
        report.ready(running | {"key": key})
        return 0
    if layout.restoring.exists():
        raise Refusal(
            f"A restore into {layout.root} was cut short, and the data in it is not whole. Run the restore again; "
            f"the data from before is in {layout.root / 'set-aside'}."
        )
    if not moved:
        refuse_moved(layout)
    ports = Ports(port_base or DEFAULT_BASE)
    return start_detached(layout, ports, report) if detach else supervise(layout, ports, report)


def refuse_another(layout: DataDirectory, port_base: int | None, *, moved: bool) -> None:
    """Raise NotAsAsked when the suite that is up is another one than was asked for."""
    start = Start.read(layout)
    if start is None:
        return
    stop = "Nothing was changed. Stop it first with `klientela down`"
    if port_base and port_base != start.base:
        raise NotAsAsked(
            f"Klientela in {layout.root} is up already with --port-base {start.base}, not {port_base}. "
            f"{stop}, or leave --port-base out."
        )
    if start.project != str(PROJECT):
        raise NotAsAsked(
            f"Klientela in {layout.root} is up already, started from {start.project} and not from {PROJECT}. "
            f"{stop}, or name another --data."
        )
    if moved and (moves := moves_since(start)):
        raise NotAsAsked(f"Klientela in {layout.root} is up already, on the servers from before ({moves}). {stop}.")


def refuse_moved(layout: DataDirectory) -> None:
    """Raise NotAsAsked when the environment names other servers than at the last start: the data would not be there."""
    start = Start.read(layout)
    if start and (moves := moves_since(start)):
        raise NotAsAsked(
            f"Klientela in {layout.root} would not find its data where its last start left it ({moves}). Nothing was "
            "changed. Set the variables as they were; or, if it is meant to go on with what is in the other place, "
            "say so with --moved."
        )


def moves_since(start: Start) -> str:
    """Which variables name servers now and did not at a start, and the other way round; empty when none does."""
    before, now = set(start.elsewhere), set(own_parts(os.environ))
    return "; ".join(
        f"{what}: {', '.join(variable for part, variable in VARIABLES.items() if part in parts)}"
        for what, parts in (("no longer set", before - now), ("newly set", now - before))
        if parts
    )


def start_detached(layout: DataDirectory, ports: Ports, report: TerminalReport) -> int:
    """Start a supervisor in a session of its own and pass on its news until it is ready or has failed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        become_supervisor(layout, ports, writing)
    os.close(writing)
    try:
        return relay_news(reading, report)
    except KeyboardInterrupt:
        report.progress("Breaking off")
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        return 130


def become_supervisor(layout: DataDirectory, ports: Ports, writing: int) -> None:
    """In the forked process: let go of the terminal and of all files of the caller, supervise, end."""
    code = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.closerange(3, writing)
        os.closerange(writing + 1, os.sysconf("SC_OPEN_MAX"))
        code = supervise(layout, ports, PipeReport(writing))
    finally:
        os._exit(code)


def relay_news(reading: int, report: TerminalReport) -> int:
    """Pass on news until the last piece; the exit code."""
    with os.fdopen(reading) as news:
        for line in news:
            for kind, value in json.loads(line).items():
                if kind == "progress":
                    report.progress(value)
                elif kind == "ready":
                    report.ready(value)
                    return 0
                else:
                    report.failed(value)
                    return 1
    report.failed("The supervisor ended without a word. Its log is logs/supervisor.log in the data directory.")
    sys.stderr.flush()
    return 1


def check_only(layout: DataDirectory, ports: Ports) -> int:
    """`klientela preflight`: the checks of a start without the start; the exit code."""
    layout.prepare()
    if supervisor_of(layout):
        print("The suite is running; there is nothing to check.")
        return 0
    suite = Suite(layout, ports, print)
    elsewhere = own_parts(suite.environment)
    preflight.check(layout.root, suite.listeners, elsewhere)
    if elsewhere:
        check_own_servers(suite.environment)
    print("This machine can carry the suite.")
    return 0
