"""Which schema a state database has: alembic's own mark, so that an older one is upgraded and a newer one refused.

New tables and changed columns are a migration in `duizhang/home/migrations/versions`; `HEAD` names the last. alembic itself is loaded only
where there is something to upgrade.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from duizhang.errors import StateError
from duizhang.home.connection import METADATA

HEAD = "0003"
# the one that databases without a mark are upgraded from
BASELINE = "0001"
VERSION = sa.Table("alembic_version", METADATA, sa.Column("version_num", sa.String(32), primary_key=True))


def found(connection: sa.Connection, tables: set[str]) -> str:
    """The version of a database's schema; '' of one that is empty. tables: those that it has.

    Raises StateError for one that this program does not know, as a newer one wrote it.
    """
    if VERSION.name not in tables:
        return BASELINE if tables else ""
    version = str(connection.execute(sa.select(VERSION.c.version_num)).scalar() or BASELINE)
    if version > HEAD:
        raise StateError(
            f"the state was written by a newer duizhang: its schema is {version}, and this one knows {HEAD} and earlier",
            advice="Use that program, or restore a backup from before into a new home. Nothing was changed.",
        )
    return version


def mark(connection: sa.Connection) -> None:
    """Say that a database which was made now has the newest schema."""
    connection.execute(sa.insert(VERSION).values(version_num=HEAD))


def upgrade(connection: sa.Connection) -> None:
    """Bring a database to the newest schema, as a part of the transaction that it is in."""
    from alembic import command
    from alembic.config import Config

    tables = set(sa.inspect(connection).get_table_names())
    if VERSION.name not in tables:
        VERSION.create(connection)
        connection.execute(sa.insert(VERSION).values(version_num=BASELINE))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
