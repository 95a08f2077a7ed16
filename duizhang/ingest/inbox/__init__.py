"""Taking in the inbox: a folder, a bucket, a server, a database; archived first, read by several processes."""

from duizhang.ingest.inbox.archiving import archive
from duizhang.ingest.inbox.collect import collect, landed_quarantine

__all__ = [
    "archive", "collect", "landed_quarantine",
]
