"""The pictures of the READMEs, made from the demo: `make pictures` after `make run`, or with the folder of
another home. A Chromium has to be installed.

The report and the list of what is to be done, in English and Chinese, as whoever opens them sees the top of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from http.cookiejar import CookieJar
from pathlib import Path

from duizhang.report.printing import headless

FOLDER = Path(__file__).with_name("pictures")
HOME = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parent.parent / "demo" / "home"
LANGUAGES = ("en", "zh")
SIZES = {"report": (1240, 1500), "queue": (1240, 900)}  # pixels


def main() -> None:
    """Write FOLDER/report-en.png and so on. Ends with a message where the demo or a browser is missing."""
    browser = headless()
    if not browser or not (HOME / "published.duckdb").exists():
        sys.exit("there is no demo: `make run` makes it" if browser else "no Chromium or Chrome is installed")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for language in LANGUAGES:
            duizhang("report", "--home", HOME, "--out", folder / f"report-{language}.html", "--lang", language)
        _review_pages(folder)
        for page in sorted(folder.glob("*.html")):
            _take(browser, page, FOLDER / f"{page.stem}.png", SIZES[page.stem.partition("-")[0]])


def duizhang(*words: object) -> None:
    """A command over the demo."""
    subprocess.run([sys.executable, "-m", "duizhang", *map(str, words)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own


def _review_pages(folder: Path) -> None:
    """The list of the newest day as files that need no server."""
    command = [sys.executable, "-m", "duizhang", "serve", "--home", str(HOME), "--by", "Li Na", "--port", "8797"]
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})  # noqa: S603 - our own
    try:
        assert serving.stdout is not None  # noqa: S101 - a pipe
        [address] = next(found for line in serving.stdout if (found := re.findall(r"http\S+", line)))
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        root = address[: address.index("/", len("http://"))]
        days = _read(opener, address)
        [day, *_] = re.findall(r"/day/(\d{4}-\d\d-\d\d)", days)
        for language in LANGUAGES:
            page = _read(opener, f"{root}/day/{day}/queue?lang={language}")
            for sheet in re.findall(r'<link[^>]*rel="stylesheet"[^>]*>', page):
                [style] = re.findall(r'href="([^"]+)"', sheet)
                page = page.replace(sheet, f"<style>{_read(opener, root + style)}</style>")
            (folder / f"queue-{language}.html").write_text(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL), encoding="utf-8")
    finally:
        serving.terminate()
        serving.wait()


def _read(opener: urllib.request.OpenerDirector, address: str) -> str:
    with opener.open(address, timeout=60) as answer:
        return str(answer.read().decode())


def _take(browser: Sequence[str], page: Path, picture: Path, size: tuple[int, int]) -> None:
    """A picture of the top of a page."""
    subprocess.run([  # noqa: S603 - our own arguments
        *browser, "--hide-scrollbars", f"--user-data-dir={page.parent}/profile", f"--window-size={size[0]},{size[1]}",
        f"--screenshot={picture}", page.as_uri(),
    ], check=True, stderr=subprocess.DEVNULL, timeout=120)


if __name__ == "__main__":
    main()
