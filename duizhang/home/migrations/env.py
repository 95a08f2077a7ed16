"""What alembic runs migrations with: the connection that the program has open, in its transaction."""

from __future__ import annotations

from alembic import context

from duizhang.home.connection import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
