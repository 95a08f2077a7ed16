"""A folder that proves periods to somebody who has no duizhang and trusts nobody's database: written here, checked by `auditor.py`,
which is copied into it as `check.py` and needs nothing but Python."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.close.audit.folder import export_audit
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["export_audit"]
