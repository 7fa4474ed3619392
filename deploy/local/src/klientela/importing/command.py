"""The `import` group of the command line."""

from pathlib import Path
from typing import Annotated

import typer

from klientela.layout import DataDirectory


def orders(
    file: Annotated[Path, typer.Argument(help="A csv file, plain or gzip, one line per line of an invoice.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print nothing but JSON on stdout and news on stderr.")
    ] = False,
    channel: Annotated[
        str | None, typer.Option(help="The channel's name; `import` and the file's name if not given.")
    ] = None,
    currency: Annotated[str, typer.Option(help="The currency of the prices.")] = "GBP",
    rate: Annotated[
        str, typer.Option(help="Money worth one point, if the programme has no rate for it; or none.")
    ] = "10",
    rejected: Annotated[
        Path | None,
        typer.Option(help="Where rejected rows go; imports/rejected-NAME.csv in the data directory if not given."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(envvar="KLIENTELA_DATA", help="The data directory; .klientela in the project if not given."),
    ] = None,
) -> None:
    """Import a history of orders; running it twice, or after Ctrl-C, sends only what is missing."""
    from klientela.importing.orders import Wishes, import_orders

    wishes = Wishes.of(currency, rate, channel, rejected)
    raise typer.Exit(import_orders(DataDirectory.at(data), file, wishes, as_json=as_json))


def build() -> typer.Typer:
    """The group with all that can be imported."""
    app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Import histories from files.")
    app.callback()(lambda: None)
    app.command()(orders)
    return app
