"""`klientela verify`: wait until the suite is at rest, prove every invariant, say what is broken."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from chassis.run.serve import load_service
from chassis.service import Service
from klientela.errors import Refusal
from klientela.layout import DataDirectory
from klientela.proof.checking import findings_of, progress_findings
from klientela.proof.copies import compare_all
from klientela.proof.finding import Finding
from klientela.proof.snapshot import QUIET, at_rest
from klientela.reporting import TerminalReport
from klientela.running import RunningSuite
from klientela.tables import number, table, terminal
from schemas.catalogue import OWNERS


def verify(layout: DataDirectory, *, wait: float, as_json: bool) -> int:
    """Print what was found; 0 when every check has passed, else 1."""
    suite = RunningSuite.of(layout)
    unknown = [name for name, dsn in suite.databases.items() if not dsn]
    if unknown:
        raise Refusal(
            f"Where the database of {', '.join(unknown)} is knows only the service, and it is down. Try again."
        )
    began = time.monotonic()
    findings = asyncio.run(prove(all_services(), suite.databases, wait, Progress(as_json=as_json)))
    ok = not any(finding.failed for finding in findings)
    if as_json:
        print(json.dumps({"ok": ok, "checks": [finding.as_json() for finding in findings]}, ensure_ascii=False))
    else:
        show(findings, time.monotonic() - began)
    sys.stdout.flush()
    return 0 if ok else 1


class Progress:
    """Lines on stderr; what was said last is not said again."""

    def __init__(self, *, as_json: bool) -> None:
        """Say things as every other command does."""
        self._say, self._said = TerminalReport(as_json=as_json).progress, ""

    def __call__(self, text: str) -> None:
        """Say what is being done now."""
        if text != self._said:
            self._say(text)
            self._said = text


def all_services() -> list[Service]:
    """The services of the suite with their handlers and checks."""
    return [load_service(name) for name in OWNERS]


async def prove(
    services: Sequence[Service], databases: Mapping[str, str], wait: float, progress: Callable[[str], None]
) -> list[Finding]:
    """Run all checks on one snapshot of every database. Raises Refusal when one cannot be reached."""
    async with at_rest(services, databases, wait, progress) as (quiet, views):
        progress(f"Checking {len(views)} databases")
        by_service = await asyncio.gather(*(findings_of(view) for view in views.values()))
        compared = [] if quiet.failed else await compare_all(views)
        return [
            quiet,
            *(finding for findings in by_service for finding in findings),
            *progress_findings(views.values()),
            *compared,
        ]


def show(findings: Sequence[Finding], seconds: float) -> None:
    """The findings for people: a table, then every failure that is named."""
    console = terminal(markup=True)
    lines = table("", "check", number("examined"), "")
    for finding in findings:
        remark = f"{finding.failed} failures" if finding.failed else finding.note
        mark = "[bold red]no[/]" if finding.failed else "[green]ok[/]"
        lines.add_row(mark, finding.name, f"{finding.examined:,}", remark)
    console.print(lines)
    failed = [finding for finding in findings if finding.failed]
    for finding in failed:
        console.print(finding.name, style="bold red", markup=False)
        for what in finding.failures:
            console.print(f"  {what}", markup=False, soft_wrap=True)
        if finding.failed > len(finding.failures):
            console.print(f"  and {finding.failed - len(finding.failures)} more", markup=False)
    verdict = f"{len(failed)} of {len(findings)} checks have failed." if failed else f"All {len(findings)} checks hold."
    if any(finding.name == QUIET for finding in failed):
        console.print("The suite is at work: copies were not compared, and what is on its way may be missed elsewhere.")
        console.print("Verify again when it has caught up, or with a longer --wait.")
    console.print(f"{verdict} ({seconds:.1f} s)", style="bold red" if failed else "bold green")
