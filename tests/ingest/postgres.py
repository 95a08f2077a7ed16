"""A PostgreSQL of our own, on the loopback, with a password."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None where it is not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "initdb").is_file() and (p / "postgres").is_file()), None)


@contextmanager
def running(where: Path) -> Iterator[str]:
    """The address of a server that runs until the end of the block; `where`: its programs."""
    folder = Path(tempfile.mkdtemp(prefix="duizhang-pg-"))
    # PostgreSQL refuses to run as root
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        folder.chmod(0o755)
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    secret = folder / "secret"
    secret.write_text("s3cret-word\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [where / "initdb", "-D", data, "-U", "books", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync",
         "--locale=C"],
        check=True, capture_output=True, user=user, cwd=folder)
    control = [where / "pg_ctl", "-D", data, "-w", "-t", "60"]
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=20"
    subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], check=True, capture_output=True, user=user, cwd=folder)
    try:
        yield f"postgresql://books:s3cret-word@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, user=user, cwd=folder)
        shutil.rmtree(folder)
