"""Time stamps (RFC 3161) that another program made: what they prove is read, and whatever they do not prove is refused.

`stamped/` has a checkpoint, the answer of an authority (OpenSSL) for it and the root of that authority.
"""

from __future__ import annotations

import datetime as dt
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat import asn1

from duizhang.cli import cli
from duizhang.close import timestamps
from duizhang.close.timestamps import ask, read_roots, read_stamp, request
from duizhang.errors import UserError
from duizhang.home.events import append_event
from duizhang.home.state import State

STAMPED = Path(__file__).with_name("stamped")
DATA, ANSWER = (STAMPED / "checkpoint.txt").read_bytes(), (STAMPED / "checkpoint.txt.tsr").read_bytes()
ROOTS = read_roots((STAMPED / "roots.pem").read_bytes())
TIME = dt.datetime(2026, 11, 27, 0, 50, 57, tzinfo=dt.UTC)


def test_a_time_stamp_tells_when_and_by_whom_and_the_roots_vouch_for_it() -> None:
    told = read_stamp(ANSWER, DATA, roots=ROOTS)
    assert (told.time, told.authority, told.is_trusted) == (TIME, "CN=TSA,O=Test", True)
    assert not read_stamp(ANSWER, DATA).is_trusted
    token = asn1.encode_der(asn1.decode_der(timestamps._Response, ANSWER).token)
    assert read_stamp(token, DATA, roots=ROOTS) == told, "some tools keep the token alone"


def test_what_a_time_stamp_does_not_prove_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="something else than this file"):
        read_stamp(ANSWER, DATA + b" ", roots=ROOTS)
    with pytest.raises(UserError, match="answers another request"):
        read_stamp(ANSWER, DATA, roots=ROOTS, nonce=1)
    with pytest.raises(UserError, match="no certificates"):
        read_roots(b"nothing")
    with pytest.raises(UserError, match="not one for time stamps"):
        timestamps._is_for_stamps(ROOTS[0])
    with pytest.raises(UserError, match="no time stamp"):
        read_stamp(request(DATA)[0], DATA, roots=ROOTS)
    refused = asn1.encode_der(timestamps._Response(
        status=timestamps._Status(code=2, text=["no such policy"], failure=None), token=None))
    with pytest.raises(UserError, match=r"granted no time stamp \(status 2: no such policy\)"):
        read_stamp(refused, DATA, roots=ROOTS)


def test_no_changed_bit_of_a_time_stamp_proves_another_time_file_or_authority() -> None:
    """What no signature covers (a list of algorithms, the name of the certificate) may change; what is told is the same."""
    refused = 0
    for place in range(0, len(ANSWER), 5):
        changed = bytearray(ANSWER)
        changed[place] ^= 1 << place % 8
        try:
            told = read_stamp(bytes(changed), DATA, roots=ROOTS)
        except UserError:
            refused += 1
        else:
            assert told == read_stamp(ANSWER, DATA, roots=ROOTS)
    assert refused > 230


def openssl(folder: Path, *words: object) -> None:
    subprocess.run([str(shutil.which("openssl")), *map(str, words)], cwd=folder, check=True, capture_output=True)


CONFIGURATION = """
[req]
distinguished_name=dn
[dn]
[root]
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
[authority]
basicConstraints=critical,CA:false
extendedKeyUsage=critical,timeStamping
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[stamps]
serial=serial
signer_digest=sha384
default_policy=1.2.3.4.1
digests=sha256
accuracy=secs:1
tsa_name=yes
ess_cert_id_alg=sha256
"""


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server that answers each request so; its address."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_authority_that_is_another_program_is_asked_and_believed_for_its_own_answer_only(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl is installed")
    (tmp_path / "openssl.cnf").write_text(CONFIGURATION)
    (tmp_path / "serial").write_text("01\n")
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "openssl.cnf")
    openssl(tmp_path, "req", "-x509", *made, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Root", "-extensions", "root")
    openssl(tmp_path, "req", *made, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Authority")
    openssl(tmp_path, "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-out", "tsa.pem", "-days", "9",
            "-extfile", "openssl.cnf", "-extensions", "authority")

    def stamp(query: bytes) -> bytes:
        (tmp_path / "q").write_bytes(query)
        openssl(tmp_path, "ts", "-reply", "-queryfile", "q", "-inkey", "tsa.key", "-signer", "tsa.pem", "-config", "openssl.cnf",
                "-section", "stamps", "-out", "a")
        return (tmp_path / "a").read_bytes()

    home, kept, roots = tmp_path / "home", tmp_path / "checkpoint.txt", tmp_path / "root.pem"
    append_event(State(home), actor="pipeline", kind="run_started", payload={})
    with answering(stamp) as address:
        found = ask(address, DATA)
        made_by = CliRunner().invoke(cli, ["checkpoint", "--home", str(home), "--out", str(kept), "--timestamp", address])
    assert "by CN=Authority" in made_by.output, made_by
    held = ["verify", "--home", str(home), "--checkpoint", str(kept), "--timestamp", f"{kept}.tsr"]
    told = CliRunner().invoke(cli, [*held, "--timestamp-roots", str(roots)]).output
    assert "says CN=Authority" in told and "not looked at: whether the authority's certificate was revoked" in told
    with pytest.raises(UserError, match="roots of its authority"):
        CliRunner().invoke(cli, held, standalone_mode=False, catch_exceptions=False)
    told = read_stamp(found, DATA, roots=read_roots(roots.read_bytes()))
    assert told.authority == "CN=Authority" and told.is_trusted
    with pytest.raises(UserError, match="none of the roots vouches"):
        read_stamp(found, DATA, roots=ROOTS)
    with answering(lambda _: ANSWER) as address, pytest.raises(UserError, match="answers another request"):
        ask(address, DATA)
    with pytest.raises(UserError, match="cannot be reached"):
        ask(address, DATA)
    with pytest.raises(UserError, match="no address"):
        ask("ftp://example.com", DATA)
