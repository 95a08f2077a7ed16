"""The gate: what must hold of every table before its period is published, and what was accepted in spite of it.

Suites stand in `expectations/`, one YAML file a table. Results are recorded for the exact content that was checked.
"""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.gate.checking import (
        COLUMNS,
        COMPUTED,
        ROWS_OF_PERIOD,
        SHOPS,
        SHOPS_TEXT,
        TABLE_EXISTS,
        names_shops,
        run_gate,
        write_data_docs,
    )
    from duizhang.gate.records import (
        Failure,
        Result,
        accept_failure,
        acceptances,
        accepted,
        accepted_by,
        copy_acceptances,
        failures,
        quality_table,
        recorded_results,
    )
    from duizhang.gate.suites import load_suites
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "COLUMNS", "COMPUTED", "ROWS_OF_PERIOD", "SHOPS", "SHOPS_TEXT", "TABLE_EXISTS",
    "Failure", "Result", "accept_failure", "acceptances", "accepted", "accepted_by", "copy_acceptances", "failures",
    "load_suites", "names_shops", "quality_table", "recorded_results", "run_gate", "write_data_docs",
]
