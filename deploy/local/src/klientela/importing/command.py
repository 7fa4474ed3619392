"""The `import` group of the command line."""

from pathlib import Path
from typing import Annotated

import typer

from klientela.layout import DataDirectory


def orders(
    file: Annotated[Path, typer.Argument(help="A csv file, plain or gzip, one line per line of an invoice.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as JSON; news is on stderr either way.")
    ] = False,
    channel: Annotated[
        str | None, typer.Option(help="The channel's name; `import` and the file's name if not given.")
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="The currency of the prices; the channel's own, or GBP, if not given."),
    ] = None,
    rate: Annotated[
        str, typer.Option(help="Money worth one point, if the programme has no rate for it; or none.")
    ] = "10",
    rejected: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go; imports/rejected-NAME.csv in the data directory if not given."),
    ] = None,
    correct: Annotated[
        bool, typer.Option("--correct", help="Put right what is in another currency, or was taken back by --undo.")
    ] = False,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Take back what this file brought: orders are cancelled, points gone."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(envvar="KLIENTELA_DATA", help="The data directory; .klientela in the project if not given."),
    ] = None,
) -> None:
    """Import a history of orders; running it twice, or after Ctrl-C, sends only what is missing."""
    from klientela.importing.orders import Wishes, import_orders, rate_of

    wishes = Wishes(rate_of(rate), currency, channel, rejected, correct=correct, undo=undo)
    raise typer.Exit(import_orders(DataDirectory.at(data), file, wishes, as_json=as_json))


def build() -> typer.Typer:
    """The group with all that can be imported."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Import histories from files.")
    app.callback()(lambda: None)
    app.command()(orders)
    return app
