"""What is wrong with an installation, with books, their inbox and their home, and what to do about it. A look writes nothing; what is
safe to clean brings its own remedy."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.doctor.finding import Finding
    from duizhang.doctor.installation import look_at_installation
    from duizhang.doctor.kept import look_at_home
    from duizhang.doctor.said import look_at_books, look_at_inbox
else:
    __getattr__ = opened_by_need(__name__)

__all__ = ["Finding", "look_at_books", "look_at_home", "look_at_inbox", "look_at_installation"]
