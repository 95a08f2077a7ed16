"""Taking in the inbox: a folder, a bucket, a server, a database; archived first, read by several processes."""

from duizhang.ingest.archiving import archive, archived_path, archived_whole
from duizhang.ingest.inbox.collect import collect, landed_quarantine
from duizhang.ingest.inbox.placing import COMPANY, is_of_a_shop, placed
from duizhang.ingest.inbox.reading_in import land

__all__ = [
    "COMPANY", "archive", "archived_path", "archived_whole", "collect", "is_of_a_shop", "land", "landed_quarantine", "placed",
]
