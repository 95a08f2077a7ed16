"""An inbox in a bucket or on an SFTP server, tried against real servers on the loopback: mirrored whole, once, and safely."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from duizhang.books import Books, load_books
from duizhang.errors import BooksError, RefusedFile
from duizhang.ingest.inbox import remote

asyncssh = pytest.importorskip("asyncssh")
boto3 = pytest.importorskip("boto3")
s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

STATEMENT = b":20:S1\n:25:6225\n:28C:1/1\n:60F:C260301CNY100,\n:61:2603010301C16,5NTRFNONREF//B1\n:62F:C260301CNY116,5\n-\n"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "FIRST_WAIT", 0)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1",
                        "AWS_ENDPOINT_URL": endpoint, "AWS_CONFIG_FILE": str(tmp_path / "none")}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="bills")
    yield client
    for entry in client.list_objects_v2(Bucket="bills").get("Contents", []):
        client.delete_object(Bucket="bills", Key=entry["Key"])
    client.delete_bucket(Bucket="bills")
    client.close()


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are really fetched, in their order."""
    seen: list[str] = []
    whole = remote._download

    def download(filesystem: Any, entry: Any, place: Path) -> None:
        seen.append(place.name)
        whole(filesystem, entry, place)

    monkeypatch.setattr(remote, "_download", download)
    return seen


def put(client: Any, key: str, body: bytes) -> None:
    client.put_object(Bucket="bills", Key=key, Body=body)


def test_a_bucket_is_mirrored_once_and_what_changed_again(bucket: Any, fetched: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "files"
    put(bucket, "in/shop/a.sta", STATEMENT)
    put(bucket, "in/b.csv", b"one")
    put(bucket, "in/folder/", b"")
    put(bucket, "in/.hidden", b"x")
    put(bucket, "inner/c.csv", b"not below the prefix")
    found = remote.mirror("s3://bills/in", folder)
    assert {n: p.read_bytes() for n, p in found.files.items()} == {"shop/a.sta": STATEMENT, "b.csv": b"one"} and not found.refused
    assert fetched == ["b.csv", "a.sta"]
    times = {n: p.stat().st_mtime_ns for n, p in found.files.items()}
    put(bucket, "in/b.csv", b"two")  # of the same size
    bucket.delete_object(Bucket="bills", Key="in/shop/a.sta")
    put(bucket, "in/shop/d.sta", STATEMENT)
    found = remote.mirror("s3://bills/in/", folder)
    assert fetched[2:] == ["b.csv", "d.sta"] and found.files["b.csv"].read_bytes() == b"two"
    assert sorted(found.files) == ["b.csv", "shop/d.sta"] and not (folder / "shop" / "a.sta").exists()
    assert found.files["b.csv"].stat().st_mtime_ns >= times["b.csv"]
    assert remote.mirror("s3://bills/in", folder).files == found.files and len(fetched) == 4
    (folder / "b.csv").write_bytes(b"damaged")
    assert remote.mirror("s3://bills/in", folder).files["b.csv"].read_bytes() == b"two"


def test_names_that_point_elsewhere_are_refused_and_stop_no_other(bucket: Any, tmp_path: Path) -> None:
    for key in ("in/../../evil", "in/x/../../evil", "in//evil", "in/a\\..\\evil", "in/good.csv", "in/good.csv/below"):
        put(bucket, key, b"x")
    found = remote.mirror("s3://bills/in", tmp_path / "cache" / "files")
    assert list(found.files) == ["good.csv"] and len(found.refused) == 5
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name not in ("good.csv", "files.json")]


def test_a_broken_transfer_is_tried_again_and_never_shows(bucket: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put(bucket, "in/a.csv", b"0123456789")
    calls: list[str] = []
    whole = s3fs.S3FileSystem._get_file

    async def flaky(self: Any, rpath: str, lpath: str, **kwargs: Any) -> None:
        calls.append(lpath)
        assert not Path(lpath).name.endswith("a.csv") and remote._walk(tmp_path) == {}
        if len(calls) == 1:
            Path(lpath).write_bytes(b"01234")  # ends early without a word
        elif len(calls) == 2:
            Path(lpath).write_bytes(b"012")
            raise ConnectionResetError("connection lost")
        else:
            await whole(self, rpath, lpath, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", flaky)
    found = remote.mirror("s3://bills/in", tmp_path / "files")
    assert found.files["a.csv"].read_bytes() == b"0123456789" and len(calls) == 3

    async def never(self: Any, rpath: str, lpath: str, **kwargs: Any) -> None:
        calls.append(lpath)
        Path(lpath).write_bytes(b"012")
        raise ConnectionResetError("connection lost")

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", never)
    put(bucket, "in/b.csv", b"0123456789")
    with pytest.raises(remote.Unreachable, match=r"fetching b\.csv: connection lost \(4 attempts\)"):
        remote.mirror("s3://bills/in", tmp_path / "files")
    assert len(calls) == 7 and sorted(p.name for p in (tmp_path / "files").iterdir()) == ["a.csv"]


def test_a_bucket_that_is_not_there_and_a_server_that_does_not_answer(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(BooksError, match="listing s3://other/in"):
        remote.mirror("s3://other/in", tmp_path / "files")
    assert remote.mirror("s3://bills/in", tmp_path / "files").files == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(remote.Unreachable, match="listing"):
        remote.mirror("s3://bills/in", tmp_path / "files")


class _Login(asyncssh.SSHServer):  # type: ignore[misc]
    connections: ClassVar[list[Any]] = []

    def connection_made(self, conn: Any) -> None:
        self.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("books", "right")


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, Path]]:
    """(port, served folder, known_hosts) of an SFTP server that shows nothing but the folder."""
    served = tmp_path_factory.mktemp("served")
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()

    async def serve() -> Any:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_factory=_Login, server_host_keys=[key],
            sftp_factory=lambda chan: asyncssh.SFTPServer(chan, chroot=str(served).encode()),
        )

    server = loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = server.sockets[0].getsockname()[1]
    hosts = tmp_path_factory.mktemp("ssh") / "known_hosts"
    hosts.write_bytes(f"[127.0.0.1]:{port} ".encode() + key.export_public_key())
    yield port, served, hosts

    async def stop() -> None:
        server.close()
        for connection in _Login.connections:
            connection.abort()
            await connection.wait_closed()
        await server.wait_closed()

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_an_sftp_server(
    sftp: tuple[int, Path, Path], fetched: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port, served, hosts = sftp
    place = served / "in" / "shop"
    place.mkdir(parents=True)
    (place / "a.sta").write_bytes(STATEMENT)
    os.utime(place / "a.sta", (1_772_000_000, 1_772_000_000))
    (served / "in" / "link").symlink_to("/etc/passwd")
    url = f"sftp://127.0.0.1:{port}/in"
    monkeypatch.setenv("DUIZHANG_SFTP_USER", "books")
    monkeypatch.setenv("DUIZHANG_SFTP_PASSWORD", "right")
    monkeypatch.setenv("DUIZHANG_SFTP_KNOWN_HOSTS", str(hosts))
    found = remote.mirror(url, tmp_path / "files")
    assert {n: p.read_bytes() for n, p in found.files.items()} == {"shop/a.sta": STATEMENT}
    assert found.files["shop/a.sta"].stat().st_mtime == 1_772_000_000
    (place / "b.csv").write_bytes(b"new")
    assert sorted(remote.mirror(url, tmp_path / "files").files) == ["shop/a.sta", "shop/b.csv"]
    assert fetched == ["a.sta", "b.csv"]
    with pytest.raises(BooksError, match="listing"):
        remote.mirror(f"sftp://127.0.0.1:{port}/nowhere", tmp_path / "files")
    monkeypatch.setenv("DUIZHANG_SFTP_PASSWORD", "wrong")
    with pytest.raises(BooksError, match=r"connecting to 127\.0\.0\.1"):
        remote.mirror(url, tmp_path / "files")
    monkeypatch.setenv("DUIZHANG_SFTP_PASSWORD", "right")
    monkeypatch.setenv("DUIZHANG_SFTP_KNOWN_HOSTS", str(tmp_path / "stranger"))
    (tmp_path / "stranger").write_bytes(f"[127.0.0.1]:{port} ".encode() + asyncssh.generate_private_key("ssh-ed25519").export_public_key())
    with pytest.raises(BooksError, match=r"(?i)host key"):
        remote.mirror(url, tmp_path / "files")


def books(folder: Path, inbox: str) -> Books:
    path = folder / "books.yaml"
    path.write_text(f"entity: demo\nstart: 2026-03-01\ninbox: {inbox}\nshops: {{shop: {{platform: taobao}}}}\n", encoding="utf-8")
    return load_books(path)


def test_the_inbox_of_the_books(bucket: Any, tmp_path: Path) -> None:
    from duizhang.home.state import State
    from duizhang.home.store import Store
    from duizhang.ingest.inbox import collect

    put(bucket, "in/shop/a.sta", STATEMENT)
    put(bucket, "in/../b", b"x")
    home = tmp_path / "home"
    for _ in range(2):
        records = collect(books(tmp_path, "s3://bills/in"), Store(home), State(home))
        assert [(r.path, r.status, r.source, r.shop) for r in records] == [
            ("../b", "refused", "", ""), ("shop/a.sta", "read", "bank_mt940", "shop")]
    assert "points elsewhere" in records[0].problem
    with pytest.raises(RefusedFile, match="no inbox"):
        collect(books(tmp_path, "nowhere"), Store(home), State(home))


@pytest.mark.parametrize("inbox", ["ftp://host/in", "sftp://user:secret@host/in", "s3://"])
def test_addresses_that_the_books_do_not_take(tmp_path: Path, inbox: str) -> None:
    with pytest.raises(BooksError, match="inbox"):
        books(tmp_path, inbox)
