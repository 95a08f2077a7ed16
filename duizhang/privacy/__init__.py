"""What is kept of people and for how long: retention of raw files, and the way back from a pseudonym, which leaves a trace."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.privacy.erasing import Erasure, erase
    from duizhang.privacy.reidentifying import REIDENTIFIED, open_raw_file, pseudonym_for
    from duizhang.privacy.retention import Kept, kept_files, remove
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["REIDENTIFIED", "Erasure", "Kept", "erase", "kept_files", "open_raw_file", "pseudonym_for", "remove"]
