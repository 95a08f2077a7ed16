"""The command line: one module a command, loaded only when it is called.

Exit codes: 0 done (for `run`: published), 1 an error that the message explains, 2 something is held or differs, where
the command says so.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from duizhang import __version__
from duizhang.cli.examples import epilog
from duizhang.cli.faults import told
from duizhang.cli.helping import SpeakingContext, speak_for_click
from duizhang.cli.screen import screened
from duizhang.cli.spoken_lines import SpokenLines
from duizhang.kept_out import keep_out
from duizhang.logs import shown
from duizhang.speech.language import LANGUAGES, ask_books, choose
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

# command -> (module, attribute, one line of help). The order is the order of the daily flow.
COMMANDS: dict[str, tuple[str, str]] = {
    "simulate": ("duizhang.cli.simulate", "Write raw files of a made-up business in true formats."),
    "init": ("duizhang.cli.init", "Draft books.yaml from a folder of bills."),
    "doctor": ("duizhang.cli.doctor", "Find what is wrong with installation, books, inbox and home."),
    "inspect": ("duizhang.cli.inspect", "Say which source a file is, preview it, list what does not parse."),
    "source": ("duizhang.cli.source", "List the kinds of files that are known; propose a specification for a new one."),
    "plan": ("duizhang.cli.plan", "Which periods have to be computed, and why."),
    "run": ("duizhang.cli.run", "Reconcile and publish the periods of a range."),
    "status": ("duizhang.cli.status", "What is published, held or missing, and why."),
    "report": ("duizhang.cli.report", "Write the report of a day, week, month or any range."),
    "sql": ("duizhang.cli.sql", "Query the published tables."),
    "explain": ("duizhang.cli.explain", "The life of one order, payment or item across all sources."),
    "serve": ("duizhang.cli.serve", "The review page in a browser: look, decide, sign, close."),
    "mcp": ("duizhang.cli.mcp", "Let a model ask: published tables, explain, status and docs, read-only, over stdio."),
    "exceptions": ("duizhang.cli.exceptions", "Differences out to a workbook and decisions back in."),
    "accept": ("duizhang.cli.accept", "Let a failed check of a period pass, by name."),
    "dispute": ("duizhang.cli.dispute", "A letter to a counterparty with what it has to answer for."),
    "statement": ("duizhang.cli.statement", "The account of a customer or a shop over a range."),
    "journal": ("duizhang.cli.journal", "The entries of decisions as a file that the ledger takes."),
    "key": ("duizhang.cli.key", "Make the key with which a person signs."),
    "approve": ("duizhang.cli.approve", "Sign what you saw, as maker or checker."),
    "close": ("duizhang.cli.close", "Close approved periods."),
    "reopen": ("duizhang.cli.reopen", "Reopen a closed period, with a reason."),
    "diff": ("duizhang.cli.diff", "What changed between two versions of a period, and why."),
    "verify": ("duizhang.cli.verify", "Prove that the event log and the published files are untouched."),
    "checkpoint": ("duizhang.cli.checkpoint", "Sign what the event log is now, to be kept elsewhere."),
    "export": ("duizhang.cli.export", "Periods as a folder that an auditor checks without duizhang."),
    "metrics": ("duizhang.cli.metrics", "The state of a home in the text format of Prometheus."),
    "retention": ("duizhang.cli.retention", "How long raw files are kept; take away those whose time is up."),
    "reidentify": ("duizhang.cli.reidentify", "From a person to the pseudonym, or a sealed file in clear; on record."),
    "erase": ("duizhang.cli.erase", "A person out of the raw files and the pseudonym key; every proof holds."),
    "backup": ("duizhang.cli.backup", "Copy the home elsewhere; only what is new is written."),
    "restore": ("duizhang.cli.restore", "Make a home of a backup, and prove it."),
    "replay": ("duizhang.cli.replay", "Rebuild a published version from the archived raw files."),
    "advise": ("duizhang.cli.advise", "Entries of the books that history speaks against, each tried over the past; nothing is written."),
    "what-if": ("duizhang.cli.what_if", "What a changed tolerance, rate card or rule would do to past days; nothing is written."),
    "compare": ("duizhang.cli.compare", "Compare any two files by key and amount, to the cent."),
    "score": ("duizhang.cli.score", "Compare what was found with what a simulation injected."),
}


# Every command is kept from loading pandas until a library needs it, such as Great Expectations. Those that read no raw files and
# compute nothing are kept from numpy as well; tests/test_commands.py holds that none of them can reach what loads it.
WITHOUT_NUMPY = (
    "accept", "approve", "backup", "checkpoint", "close", "diff", "dispute", "exceptions decide", "exceptions export", "exceptions list",
    "explain", "export audit", "export feed", "journal export", "key new", "mcp", "metrics", "reidentify file", "reidentify person",
    "reopen", "restore", "retention list", "retention remove", "source accept", "source rejected", "source restore", "source withdraw",
    "sql", "statement", "status", "verify",
)


# commands that have commands of their own
GROUPS = ("exceptions", "export", "journal", "key", "source")
# what a command ends with, in one place: `duizhang --help` and docs/commands.md show it
EXIT_CODES = (
    (0, "done; of `run`: everything is published; of `compare` and `replay`: equal; of `doctor`: nothing is wrong"),
    (1, "an error, which the message explains with what to do; of `doctor`: something is wrong"),
    (2, "something is held (`run`), differs (`compare`, `replay`), was changed (`verify`, `restore`) or rejected (`inspect`)"),
    (130, "stopped by Ctrl-C; the same command goes on"),
)


def _speak(_context: click.Context, _option: click.Parameter, language: str | None) -> str | None:
    if language:
        choose(language)
    return language


def _asked(arguments: Sequence[str]) -> str:
    """The language that is asked for anywhere in a command line, '' where there is none."""
    found = [given for word, given in zip(arguments, [*arguments[1:], ""], strict=True) if word == "--lang"]
    found += [word.partition("=")[2] for word in arguments if word.startswith("--lang=")]
    return next((language for language in found if language in LANGUAGES), "")


def _lang_option() -> click.Option:
    return click.Option(
        ["--lang"], type=click.Choice(LANGUAGES), is_eager=True, expose_value=False, callback=_speak,
        help="Speak Chinese or English. Default: DUIZHANG_LANG, the locale, `language` of books.yaml.")


def _speaks(command: click.Command) -> click.Command:
    """Every command takes --lang; one that has its own speaks that as well. Its help is of that language."""
    command.context_class = SpeakingContext
    if not isinstance(command, click.Group):
        own = next((p for p in command.params if "--lang" in p.opts), None)
        if own is None:
            command.params.append(_lang_option())
        elif own.callback is None:
            own.callback, own.is_eager = _speak, True
    return command


class _Lazy(click.Group):
    context_class = SpeakingContext

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # what an earlier command in this process spoke is forgotten; a language counts at once wherever it stands, so that help and what is
        # wrong with the line are of it as well
        ask_books(lambda: None)
        choose(_asked(args))
        speak_for_click()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name][0])
        command: click.Command = module.command
        command.epilog = epilog(name)
        for part, subcommand in getattr(command, "commands", {}).items():
            subcommand.epilog = epilog(f"{name} {part}")
            _speaks(subcommand)
        return _speaks(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from duizhang.spelling import meant

            raise click.UsageError(_("there is no command {name!r}", name=name) + meant(name, COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(text)) for name, (_module, text) in COMMANDS.items()])
        with formatter.section(_("Exit codes")):
            formatter.write_dl([(str(code), _(text)) for code, text in EXIT_CODES])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="duizhang")
@click.option("--lang", type=click.Choice(LANGUAGES), is_eager=True, expose_value=False, callback=_speak,
              help="Speak Chinese or English. Default: DUIZHANG_LANG, the locale, `language` of books.yaml.")
def cli() -> None:
    """duizhang (对账): reconcile an e-commerce company's books, from raw files to a signed close."""
    # whatever a command does, warnings are seen, in the language that is spoken; progress as well where it is asked for
    click.get_current_context().with_resource(screened())
    click.get_current_context().with_resource(shown(logging.WARNING, formatter=SpokenLines()))


def asked_for(arguments: list[str]) -> set[str]:
    """The command that these arguments name, alone and with its part, whatever stands before it."""
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] == "--lang" else rest[1:]
    return {" ".join(rest[:1]), " ".join(rest[:2])}


def main() -> None:
    """Entry point of the `duizhang` command: a mistake, a full disk or a busy database is one message, never a traceback."""
    # what a command loads is there until it ends: to look for garbage in it after every 700 objects is a quarter of the time to load it
    gc.set_threshold(100_000)
    # pydantic would look through everything that is installed for plugins
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    names = asked_for(sys.argv[1:])
    keep_out("pandas", *(("numpy",) if names & set(WITHOUT_NUMPY) else ()))
    _leave(_status())


@screened()
def _status() -> int:
    """Run the command; its exit code, what went wrong being told."""
    try:
        status = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo(_("Stopped."), err=True)
        return 130
    except click.ClickException as error:
        error.show()
        _as_json(error.format_message(), "")
        return 1
    except BrokenPipeError:
        return 0
    except SystemExit as error:  # click's own, where nobody reads the output any more
        return error.code if isinstance(error.code, int) else 0
    except Exception as error:  # the one place where nothing may get past
        found = told(error)
        if found is None:
            traceback.print_exc()
            found = (
                _("unexpected: {name}. This is a defect of duizhang", name=type(error).__name__),
                _("Please report it with the lines above and the command. What is published stands."),
            )
        click.echo(_("error: {message}", message=spoken(found[0])), err=True)
        if found[1]:
            click.echo(f"  -> {spoken(found[1])}", err=True)
        _as_json(*found)
        return 1
    return status if isinstance(status, int) else 0


def _as_json(error: str, advice: str) -> None:
    """A program that asked for JSON gets what went wrong as JSON, too."""
    if "--json" in sys.argv[1:]:
        import json

        words = [word for word in sys.argv[1:3] if not word.startswith("-")]
        name = " ".join(words[: 2 if words and words[0] in GROUPS else 1])
        with contextlib.suppress(OSError):
            click.echo(json.dumps({"command": name, "error": error, "advice": advice}, ensure_ascii=False, indent=1))


def _leave(status: int) -> None:
    """End the process at once, everything written. DuckDB's and Great Expectations' modules hold each other, and the
    interpreter's own clean-up would print dozens of lines about it after the answer."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads any more, or there is no room
            stream.flush()
    logging.shutdown()
    os._exit(status)
