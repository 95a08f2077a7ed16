"""`duizhang serve`: the review page."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.options import home_option
from duizhang.errors import UserError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("serve")
@home_option
@click.option("--by", default="", help="Your name, where the books name no people.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--name", "names", multiple=True, help="A further name under which the page is asked for (behind another server).")
@click.option("--certificate", type=_FILE, help="TLS certificate (PEM).")
@click.option("--key", type=_FILE, help="Its private key (PEM).")
def command(
    home: Path, by: str, host: str, port: int, names: tuple[str, ...], certificate: Path | None,
    key: Path | None,
) -> None:
    """Serve the review page: days, what is open, one item, one order's life, decisions, signatures, the close.

    Where the books name people, each signs in with the file of their key, and what they do is signed with it.
    """
    if not (home / "published.duckdb").is_file():
        raise UserError(f"nothing is published in {home}", advice="Run `duizhang run` first.")
    from duizhang.review import serve

    serve(home, host=host, port=port, by=by, names=names, certificate=certificate, key=key,
          tell=lambda address: click.echo(f"review page at {address}\nStop it with Ctrl-C."))
