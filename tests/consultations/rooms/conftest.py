import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import AppServer


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    """The real site with one visit that can start now; one per test file, so tests of a file run in their order."""
    with AppServer() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[AppServer]:
    """A site of the test's own, for what ends the visit."""
    with AppServer() as running:
        yield running


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of the test's own."""
    with run_redis(tmp_path) as url:
        yield url


@contextlib.contextmanager
def run_redis(directory: Path) -> Iterator[str]:
    """A Redis that keeps no file and has no other client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "redis-server did not start"
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def two_servers(redis_url: str, tmp_path: Path) -> Iterator[tuple[AppServer, AppServer]]:
    """Two processes of one site: one database, one Redis. The links are the second one's, which started last."""
    shared = {
        "DEMO": "1",  # says that database and Redis are meant
        "DATABASE_URL": f"sqlite://{tmp_path / 'shared.sqlite3'}",
        "REDIS_URL": redis_url,
        "TELEMED_VAR_DIR": str(tmp_path),
    }
    with AppServer(**shared) as first, AppServer(**shared) as second:
        yield first, second
