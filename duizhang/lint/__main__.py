"""Prints what breaks a rule; the exit code is 1 where anything does."""

from __future__ import annotations

import gc
import sys

import click

from duizhang.lint import emptiness, lint


@click.command()
@click.option("--write", is_flag=True, help="Write nothing.yaml anew, which says when a model has no rows.")
def main(write: bool) -> None:  # noqa: FBT001 - click's
    """Check every SQL model, and the rules of causes.yaml and parts.yaml, against the rules of the project."""
    gc.disable()  # trees of SQL are many small objects that stay; to look for rings among them takes a quarter of the time
    if write:
        emptiness.write()
        return
    found = lint()
    for finding in found:
        click.echo(str(finding))
    click.echo(f"{len(found)} findings in the SQL" if found else "the SQL keeps the rules")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
