"""The `klientela` command line: each command is one thin function, named in the tables below."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer

from klientela import __version__
from klientela.errors import Refusal
from klientela.importing import command as importing
from klientela.layout import DataDirectory
from klientela.ports import DEFAULT_BASE, Ports

Data = Annotated[
    Path | None,
    typer.Option(envvar="KLIENTELA_DATA", help="The data directory; .klientela in the project if not given."),
]
PortBase = Annotated[
    int | None,
    typer.Option(
        envvar="KLIENTELA_PORT_BASE",
        min=1024,
        max=65_000,
        help=f"The port that all others follow; {DEFAULT_BASE} if not given.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines on stdout.")]


def up(
    detach: Annotated[bool, typer.Option(help="Come back when the suite is ready, and leave it running.")] = False,
    moved: Annotated[
        bool, typer.Option("--moved", help="Start though other servers are named than at the last start.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
    port_base: PortBase = None,
) -> int:
    """Start the whole suite; the last line on stdout says as JSON where everything is."""
    from klientela import up as module

    return module.up(DataDirectory.at(data), port_base, detach=detach, moved=moved, as_json=as_json)


def down(data: Data = None) -> int:
    """Stop the suite; all data stays."""
    from klientela import down as module

    return module.down(DataDirectory.at(data))


def status(as_json: Json = False, data: Data = None) -> int:
    """Show processes, health and lag; ends with 1 unless everything is ready."""
    from klientela import status as module

    return module.status(DataDirectory.at(data), as_json=as_json)


def backup(
    target: Annotated[Path, typer.Argument(help="A file, or a directory for a dated one.")], data: Data = None
) -> int:
    """Write one file with all databases at one instant and all secrets, while the suite runs."""
    from klientela import backup as module

    return module.backup(DataDirectory.at(data), target)


def restore(source: Annotated[Path, typer.Argument(help="A file written by `backup`.")], data: Data = None) -> int:
    """Put a backup in place of the present data, which is set aside. The suite has to be down."""
    from klientela import restore as module

    return module.restore(DataDirectory.at(data), source)


def preflight(data: Data = None, port_base: PortBase = None) -> int:
    """Check whether this machine can carry the suite, and change nothing but the data directory."""
    from klientela import up as module

    return module.check_only(DataDirectory.at(data), Ports(port_base or DEFAULT_BASE))


def test(context: typer.Context) -> int:
    """Run the whole test suite on a PostgreSQL and a Kafka of its own; all arguments go to pytest."""
    from klientela import testing as module

    return module.run_tests(context.args)


def verify(
    as_json: Json = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until nothing is on its way any more.")] = 60,
    data: Data = None,
) -> int:
    """Prove that nothing is lost, doubled or stuck and that all that services keep agrees; ends with 1 otherwise."""
    from klientela.proof import verify as module

    return module.verify(DataDirectory.at(data), wait=wait, as_json=as_json)


def explain(
    kind: Annotated[str, typer.Argument(help="status, points, tier or star of a client; task, opportunity or order.")],
    subject: Annotated[str, typer.Argument(metavar="ID", help="The id of the client or thing, or an order's number.")],
    whole: Annotated[bool, typer.Option("--all", help="Points, tier, order: all there is, not the last 20.")] = False,
    as_json: Json = False,
    data: Data = None,
) -> int:
    """Show the chain of events and rule versions behind a thing."""
    from klientela import explain as module

    return module.explain(DataDirectory.at(data), kind, subject, whole=whole, as_json=as_json)


def dead_letters(
    action: Annotated[str, typer.Argument(help="list, show, retry or drop.")] = "list",
    letters: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The ids of dead letters.")] = None,
    service: Annotated[str | None, typer.Option(help="Only those of one service.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> int:
    """Look at what was bad data, try it again, or let it go."""
    from klientela import dead_letters as module

    return module.dead_letters(DataDirectory.at(data), action, letters or (), service=service, as_json=as_json)


def keys(
    action: Annotated[str, typer.Argument(help="list, create, revoke, rotate or forget-old.")] = "list",
    key: Annotated[str | None, typer.Argument(metavar="[ID]", help="The id of the key to revoke.")] = None,
    *,
    name: Annotated[str | None, typer.Option(help="For whom a key is made.")] = None,
    role: Annotated[str | None, typer.Option(help="viewer, operator, manager or admin.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="How long it is good.")] = None,
    as_json: Json = False,
    data: Data = None,
) -> int:
    """Make, list and revoke access keys; let a new key sign them, and forget what signed them before."""
    from klientela import keys as module

    return module.keys(DataDirectory.at(data), action, key, name=name, role=role, days=days, as_json=as_json)


def faults(context: typer.Context) -> int:
    """Strike a suite of its own with faults and print what it survived; --list names the rows, --help says more."""
    from klientela.checkout import become

    return become("faults", "tests.faults", context.args)


def bench(context: typer.Context) -> int:
    """Race a suite of its own against what the machine can do at most; --list names the rows, --help says more."""
    from klientela.checkout import become

    return become("bench", "bench", context.args)


COMMANDS: tuple[Callable[..., int], ...] = (
    up, down, status, verify, explain, dead_letters, keys, backup, restore, preflight,
)  # fmt: skip
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""For commands whose arguments belong to another program."""


def ending(command: Callable[..., int]) -> Callable[..., None]:
    """The command as typer takes it: what it returns becomes the exit code."""

    @wraps(command)
    def run(*arguments: object, **options: object) -> None:
        raise typer.Exit(command(*arguments, **options))

    return run


def build() -> typer.Typer:
    """The command line with all commands."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(options)
    for command in COMMANDS:
        app.command()(ending(command))
    for command in (test, faults, bench):
        app.command(context_settings=PASS_THROUGH)(ending(command))
    app.add_typer(importing.build(), name="import")
    return app


def print_version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    """Print the version and end, before any command is looked for."""
    if wanted:
        print(f"klientela {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=print_version, help="Print the version and end.")
    ] = False,
) -> None:
    """Klientela: an event-driven CRM suite on one machine with one command."""


def main() -> None:
    """Run one command; a refusal becomes a sentence on stderr and its exit code."""
    try:
        build()(prog_name="klientela")
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(refusal.code)
