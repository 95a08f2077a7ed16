"""The first schema that homes were kept in; databases of that time have no mark.

Nothing is done: a database without tables is made in the newest schema at once, and one with tables has these.
"""

revision, down_revision = "0001", None


def upgrade() -> None:
    """Nothing: see above."""
