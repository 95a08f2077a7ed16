"""Runs the review page: on this machine alone unless it is told another address."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from duizhang.close.authority import staff_of
from duizhang.errors import UserError
from duizhang.home.state import State
from duizhang.review.application import create_application

LOOPBACK = "127.0.0.1"


def serve(
    home: Path, *, host: str = LOOPBACK, port: int = 8765, by: str = "", names: tuple[str, ...] = (),
    certificate: Path | None = None, key: Path | None = None, tell: Callable[[str], None],
) -> None:
    """Serve until it is stopped. by: who acts, where the books name no people. names: further names that the page is asked for by.

    Raises UserError where nobody could sign in, where the page would leave this machine without people or encryption, and where the
    address is not to be had.
    """
    people = staff_of(home, State(home, read_only=True)).people
    if not people and not by.strip():
        raise UserError("nobody could sign in: the books name no people, and no name was given",
                        advice="Give your name with --by, or people in books.yaml (`duizhang key new`).")
    if not _is_here(host) and (not people or not (certificate and key)):
        raise UserError(f"{host} is not this machine: others could read the page on its way, or use it",
                        advice="Name people with keys in books.yaml and give --certificate and --key, or put a server with TLS "
                               "in front of the page and name it with --name.")
    secret = "" if people else secrets.token_urlsafe(24)
    scheme = "https" if certificate and key else "http"
    allowed = (host, "localhost", LOOPBACK, *names)
    application = create_application(home, name=by.strip(), secret=secret, hosts=tuple(dict.fromkeys(allowed)))
    server = uvicorn.Server(uvicorn.Config(
        application, log_level="warning", access_log=False, server_header=False,
        ssl_certfile=certificate, ssl_keyfile=key, limit_concurrency=64, timeout_keep_alive=30,
    ))
    with _listening(host, port) as listening:  # who is told the address can ask at once
        tell(f"{scheme}://{host}:{port}/" + (f"sign-in?secret={secret}" if secret else ""))
        server.run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        [(family, *_), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror or error}",
                        advice="Another program may have it; give another one with --port.") from error


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
