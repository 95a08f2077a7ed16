"""An example of every command, shown below its `--help`. The tests run each of them, in this order, over the demo's files."""

from __future__ import annotations

# command -> the words behind `duizhang`, as they are typed; --home is the folder `home` where it is not given
EXAMPLES: dict[str, str] = {
    "simulate": "simulate --out raw --start 2026-03-01 --days 4 --orders-per-day 20 --break-rate 0.4",
    "init": "init bills --copy",
    "inspect": "inspect raw/inbox/company/2026-03-01/books_fx_rates_2026-03-01.csv --books raw/books.yaml",
    "source list": "source list",
    "source page": "source page",
    "source schema": "source schema",
    "source new": "source new raw/inbox/company/2026-03-01/books_fx_rates_2026-03-01.csv --name mybank_rates --out mybank.yaml",
    "plan": "plan --books raw/books.yaml",
    "run": "run --books raw/books.yaml --from 2026-03-01 --to 2026-03-02",
    "source accept": "source accept company/notes.txt --by \"Li Na\" --reason \"no bill\"",
    "source withdraw": "source withdraw company/notes.txt --by \"Li Na\" --reason \"came by mistake\"",
    "source restore": "source restore company/notes.txt --by \"Li Na\" --reason \"it counts after all\"",
    "source rejected": "source rejected",
    "status": "status",
    "report": "report --period 2026-03-02",
    "sql": "sql \"select leg, cause, currency, count(*), sum(difference) from variances where period = '2026-03-02' group by all\"",
    "explain": "explain ORDER",
    "serve": "serve --by \"Li Na\"",
    "mcp": "mcp --home home",
    "exceptions export": "exceptions export --period 2026-03-02 --out exceptions.xlsx",
    "exceptions import": "exceptions import exceptions.xlsx --by \"Li Na\"",
    "exceptions list": "exceptions list --period 2026-03-02",
    "exceptions decide": "exceptions decide EVENT --period 2026-03-02 --decision write_off --reason \"below a cent\" --by \"Li Na\"",
    "exceptions undo": "exceptions undo C000001 --reason \"paid after all\" --by \"Li Na\"",
    "accept": "accept --period 2026-03-02 --table orders --expectation some_check --by \"Li Na\" --reason \"checked by hand\"",
    "dispute": "dispute alipay --books raw/books.yaml --period 2026-03-02",
    "statement": "statement --shop tb-01 --from 2026-03-01 --to 2026-03-02",
    "journal export": "journal export --books raw/books.yaml --from 2026-03-01 --to 2026-03-02 --layout kingdee --out journal.csv",
    "key new": "key new li.key",
    "approve": "approve --period 2026-03-01 --as maker --by \"Li Na\"",
    "close": "close --from 2026-03-01 --to 2026-03-01 --by \"Li Na\"",
    "reopen": "reopen --period 2026-03-01 --by \"Li Na\" --reason \"a late bill\"",
    "doctor": "doctor --books raw/books.yaml",
    "diff": "diff 2026-03-02",
    "verify": "verify",
    "checkpoint": "checkpoint --out checkpoint.txt",
    "export audit": "export audit --from 2026-03-01 --to 2026-03-02 --out audit-2026-03",
    "export iceberg": "export iceberg --out lake",
    "export feed": "export feed oms --books raw/books.yaml",
    "metrics": "metrics --out duizhang.prom",
    "retention list": "retention list --books raw/books.yaml",
    "retention remove": "retention remove --books raw/books.yaml --by \"Li Na\" --reason \"kept long enough\"",
    "reidentify person": "reidentify person \"buyer 17\" --books raw/books.yaml --by \"Li Na\" --reason \"asked by the customer\"",
    "reidentify file": "reidentify file RAW --out clear.csv --by \"Li Na\" --reason \"the auditor asked\"",
    "erase": "erase \"buyer 17\" --books raw/books.yaml --by \"Li Na\" --reason \"asked by the customer\" --dry-run",
    "backup": "backup backups",
    "restore": "restore backups restored",
    "replay": "replay --period 2026-03-01",
    "advise": "advise --untried",
    "what-if": "what-if --set tolerances.order_payment=0.50 --from 2026-03-01 --to 2026-03-02",
    "source correct": "source correct company/2026-03-01/books_fx_rates_2026-03-01.csv --line 2 --column rate --was 7.1000 --to 7.2000 "
                      "--reason \"typed wrongly\" --by \"Li Na\"",
    "compare": "compare left.csv right.csv --key order_id --left-amount \"price + freight\" --right-amount paid",
    "score": "score --truth raw/truth.parquet",
}


def epilog(command: str) -> str | None:
    """The text below the help of a command, as click formats it."""
    example = EXAMPLES.get(command)
    return f"\b\nExample:\n  duizhang {example}" if example else None
