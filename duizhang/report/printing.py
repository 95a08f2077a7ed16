"""The page as a PDF, printed by a browser that is installed; no library draws the page a second time."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from duizhang.errors import UserError

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_SECONDS = 120
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions",
)


def headless() -> list[str]:
    """The command of the browser that is installed, without a window and without asking the network; empty where there is none."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return []
    # Chromium refuses its sandbox to an administrator; the page has no script and may load nothing
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [browser, *_FLAGS, *as_root]


def write_pdf(page: str, path: Path) -> None:
    """Print a page of HTML. Raises UserError where no browser is installed, or where it prints nothing."""
    browser = headless()
    if not browser:
        raise UserError(
            "a PDF is printed by Chromium or Chrome, and neither is installed",
            advice="Install one (`apt install chromium`, `brew install --cask chromium`), or open the HTML report and print it.",
        )
    with tempfile.TemporaryDirectory(prefix="duizhang-print-") as folder:
        source, printed = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        command = [*browser, f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - our own arguments
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"{browser[0]} did not print the report: {error}", advice="Open the HTML report and print it.") from error
        if not printed.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise UserError(f"{browser[0]} did not print the report: {last}", advice="Open the HTML report and print it.")
        shutil.copyfile(printed, path)
