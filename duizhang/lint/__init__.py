"""Rules of the project for its SQL, over trees and types of sqlglot: `python -m duizhang.lint`.

A rule is a small class (rules.py); what a relation has for columns is asked of DuckDB (relations.py); how wide the result of
an operation is follows DuckDB's own arithmetic of decimals (room.py).
"""

from duizhang.lint.check import Finding, lint, lint_model
from duizhang.lint.relations import relations, relations_of_files

__all__ = ["Finding", "lint", "lint_model", "relations", "relations_of_files"]
