"""`duizhang key`: the key with which a person signs what they do."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("key")
def command() -> None:
    """The key with which a person signs what they do."""


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new(file: Path) -> None:
    """Make a key of your own in FILE, and show what books.yaml has to say of you. Nobody else may read the file; it is encrypted where
    DUIZHANG_KEY_PASSPHRASE is set."""
    from duizhang.close.authority import new_key

    public = new_key(file)
    click.echo(f"{file}: keep it to yourself, and give it with --key or DUIZHANG_KEY")
    click.echo(f"books.yaml, below people:   {file.stem}: {{name: ..., role: ..., key: \"{public}\"}}")
