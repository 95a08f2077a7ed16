"""`duizhang mcp`: a model may ask about what is published, and change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.options import home_option
from duizhang.errors import UserError


@click.command("mcp")
@home_option
def command(home: Path) -> None:
    """Serve the Model Context Protocol over standard input and output, for a client that starts this command itself.

    It answers with the published tables and what their columns mean, one select at a time (at most 1,000 rows and 20 seconds), the
    life of an order, the state of the days, and these docs. It writes nothing, reaches no other file and shows customers as
    pseudonyms. Needs the package `mcp` (`pip install 'duizhang[mcp]'`).
    """
    try:
        from duizhang.cli.mcp_server import server
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise UserError("the package mcp is not installed", advice="pip install 'duizhang[mcp]'") from error
    server(home).run("stdio")
