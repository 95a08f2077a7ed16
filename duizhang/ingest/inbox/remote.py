"""The inbox wherever it is: a folder, an S3-compatible bucket or an SFTP server, mirrored into HOME/inbox-cache.

Remote files are copied once and again only when size, time or tag changed; a copy appears under its name when it is whole.
Credentials come from the environment alone (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL;
DUIZHANG_SFTP_USER, DUIZHANG_SFTP_PASSWORD, DUIZHANG_SFTP_KEY_FILE, DUIZHANG_SFTP_KNOWN_HOSTS), never from books.yaml.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

from duizhang.books import Books
from duizhang.errors import BooksError, RefusedFile, Retryable, UserError
from duizhang.ingest.opening import Inbox, shown_name, walk

T = TypeVar("T")
CACHE = "inbox-cache"
ATTEMPTS = 4
FIRST_WAIT = 0.5  # seconds; doubled after every attempt
MAX_FILES = 1_000_000
# a file that is not there, or is not ours to read, will not be at the next attempt either
PERMANENT = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


class Unreachable(UserError, Retryable):
    """A server that did not answer, or not to the end, in several attempts."""


@dataclass(frozen=True)
class _Remote:
    """A file on the server. mark: what changes with its content; modified: nanoseconds, 0 where the server does not say."""

    path: str
    size: int
    mark: str
    modified: int


def open_inbox(books: Books, home: Path, *, progress: Callable[[str], None] | None = None) -> Inbox:
    """The files of the inbox and what the databases of the books gave; brings the mirror up to date first.

    Raises RefusedFile where there is no inbox, BooksError for a wrong setting, Unreachable for a server that fails.
    """
    if books.remote_inbox:
        found = mirror(books.inbox, home / CACHE / "files", progress=progress)
    else:
        folder = books.inbox_path
        if not folder.is_dir():
            raise RefusedFile(f"there is no inbox at {folder}", advice="Make the folder, or mend `inbox` in books.yaml.")
        found = walk(folder)
    if not books.databases:
        return found
    from duizhang.ingest.inbox.database import pull_all
    from duizhang.ingest.specification import load_specs

    pulls = home / CACHE / "databases"
    pull_all(books, pulls, specs=load_specs(books.sources_path), progress=progress)
    for name, path in walk(pulls).files.items():
        if name in found.files:
            raise BooksError(f"the inbox already holds {name!r}", advice="Give the entry of `databases` another name.")
        found.files[name] = path
    return found


def _walk(folder: Path) -> dict[str, Path]:
    paths = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and not p.name.startswith("."))
    return {p.relative_to(folder).as_posix(): p for p in sorted(paths)}


def mirror(url: str, folder: Path, *, progress: Callable[[str], None] | None = None) -> Inbox:
    """Make `folder` hold what is below `url` (s3://bucket/prefix or sftp://host/path); unchanged files are not fetched again."""
    # its connections are closed with the last reference to it
    filesystem, root = _open(url)
    listed = attempt(lambda: filesystem.find(root, detail=True), f"listing {url}")
    if not listed:
        # nothing there is one thing, no such place another; object stores know no folders but their buckets
        place = root.split("/")[0] if url.startswith("s3:") else root
        attempt(lambda: _must_exist(filesystem, place), f"listing {url}")
    if len(listed) > MAX_FILES:
        raise RefusedFile(f"{url} holds more than {MAX_FILES:,} files", advice="Move old files elsewhere.")
    wanted, refused = _wanted(root, listed)
    return _bring(filesystem, wanted, refused, folder, progress)


def _bring(
    filesystem: Any, wanted: Mapping[str, _Remote], refused: dict[str, str], folder: Path,
    progress: Callable[[str], None] | None,
) -> Inbox:
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder.with_name(f"{folder.name}.json")
    known: dict[str, str] = json.loads(ledger.read_text(encoding="utf-8")) if ledger.is_file() else {}
    for name in _walk(folder).keys() - wanted.keys():
        (folder / name).unlink()
        known.pop(name, None)
    files: dict[str, Path] = {}
    for number, (name, remote) in enumerate(sorted(wanted.items()), 1):
        place = folder / name
        if known.get(name) != remote.mark or not place.is_file() or place.stat().st_size != remote.size:
            # a folder where a file was, or a file where a folder was
            for above in [p for p in place.parents if p.is_relative_to(folder) and p.is_file()]:
                above.unlink()
            place.parent.mkdir(parents=True, exist_ok=True)
            attempt(lambda r=remote, p=place: _download(filesystem, r, p), f"fetching {name}")  # type: ignore[misc]
            known[name] = remote.mark
            write_whole(ledger, json.dumps(known, sort_keys=True, ensure_ascii=False))
        files[shown_name(name)] = place
        if progress and (number % 200 == 0 or number == len(wanted)):
            progress(f"remote files: {number} of {len(wanted)}")
    return Inbox(files, refused)


def _download(filesystem: Any, remote: _Remote, place: Path) -> None:
    """One file, under its name only when it is whole: the partial one has a name that no inbox shows."""
    partial = place.with_name(f".{place.name[:100]}.partial")
    try:
        filesystem.get_file(remote.path, str(partial))
        size = partial.stat().st_size
        if size != remote.size:
            raise OSError(f"{size} of {remote.size} bytes arrived")
        if remote.modified:
            os.utime(partial, ns=(remote.modified, remote.modified))
        if place.is_dir():
            raise IsADirectoryError(f"{place.name} is both a folder and a file")
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace a small file in one step."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content.encode() if isinstance(content, str) else content)
    partial.replace(path)


def _wanted(root: str, listed: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, _Remote], dict[str, str]]:
    """The files to have, by their names below the root, and the names that are refused."""
    wanted: dict[str, _Remote] = {}
    refused: dict[str, str] = {}
    for path, info in sorted(listed.items()):
        if info.get("type") != "file" or path.endswith("/"):
            continue
        name = path.removeprefix(root).removeprefix("/") if path.startswith(root) else path
        problem = _unsafe(name)
        if problem:
            refused[repr(name)[1:-1]] = f"the remote name {name!r} {problem}"
        elif not any(part.startswith(".") for part in name.split("/")):
            wanted[name] = _Remote(path, int(info.get("size") or 0), _mark(info), _modified(info))
    # an object store may hold both `a` and `a/b`
    for name in [n for n in wanted if any(str(above) in wanted for above in PurePosixPath(n).parents)]:
        del wanted[name]
        refused[name] = f"the remote name {name!r} lies below another file"
    return wanted, refused


def _unsafe(name: str) -> str:
    if not name or name.startswith(("/", "~")) or "\\" in name or any(ord(ch) < 32 or ord(ch) == 127 for ch in name):
        return "is no plain relative path"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "points elsewhere"
    if any(len(part.encode()) > 240 for part in name.split("/")):
        return "is too long"
    return ""


def _modified(info: Mapping[str, Any]) -> int:
    value = info.get("LastModified") or info.get("mtime") or info.get("modified")
    if value is None:
        return 0
    seconds = value.timestamp() if hasattr(value, "timestamp") else float(value)
    return int(seconds) * 1_000_000_000


def _mark(info: Mapping[str, Any]) -> str:
    return f"{info.get('size')}/{info.get('ETag', '')}/{_modified(info)}"


def _must_exist(filesystem: Any, place: str) -> None:
    if not filesystem.exists(place):
        raise FileNotFoundError(f"there is no {place}")


def _open(url: str) -> tuple[Any, str]:
    """The file system of a URL and the root below which to look. Its parts are optional packages."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        try:
            import s3fs
        except ImportError as error:
            raise BooksError("an inbox in S3 needs more packages", advice="pip install 'duizhang[s3]'") from error
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        filesystem = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True, use_listings_cache=False)
        return filesystem, f"{parts.netloc}{parts.path}".rstrip("/")
    try:
        import asyncssh  # noqa: F401 - sshfs is nothing without it
        import sshfs
    except ImportError as error:
        raise BooksError("an inbox on an SFTP server needs more packages", advice="pip install 'duizhang[sftp]'") from error
    options: dict[str, Any] = {"port": parts.port or 22, "connect_timeout": 20, "login_timeout": 20}
    user = parts.username or os.environ.get("DUIZHANG_SFTP_USER")
    if user:
        options["username"] = user
    if password := os.environ.get("DUIZHANG_SFTP_PASSWORD"):
        options["password"] = password
    if key := os.environ.get("DUIZHANG_SFTP_KEY_FILE"):
        options["client_keys"] = [key]
    # without this, the host must stand in ~/.ssh/known_hosts: a server that cannot prove itself is not talked to
    if hosts := os.environ.get("DUIZHANG_SFTP_KNOWN_HOSTS"):
        options["known_hosts"] = hosts
    host = parts.hostname or ""

    def connected() -> Any:
        return sshfs.SSHFileSystem(host, skip_instance_cache=True, **options)

    return attempt(connected, f"connecting to {host}"), parts.path.rstrip("/") or "/"


def attempt(action: Callable[[], T], doing: str) -> T:
    """Run an action, again after a growing pause where it failed in a way that may pass. Raises Unreachable or BooksError."""
    import tenacity

    try:
        return tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS), wait=tenacity.wait_exponential(multiplier=FIRST_WAIT, max=20),
            retry=tenacity.retry_if_exception(_may_pass), reraise=True,
        )(action)
    except UserError:
        raise
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        if _may_pass(error):
            raise Unreachable(f"{doing}: {words} ({ATTEMPTS} attempts)", advice="Try again when the server answers.") from error
        raise BooksError(f"{doing}: {words}", advice="Check the address and the credentials in the environment.") from error


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, (*PERMANENT, UserError)):
        return False
    # asyncssh tells what is wrong with the login or the host by exceptions of their own
    name = type(error).__name__
    if name in ("PermissionDenied", "HostKeyNotVerifiable", "KeyImportError", "NoCredentialsError", "KeyExchangeFailed", "SFTPNoSuchFile"):
        return False
    modules = ("asyncssh", "botocore", "aiobotocore", "aiohttp")
    return isinstance(error, (OSError, EOFError, TimeoutError)) or type(error).__module__.split(".")[0] in modules
