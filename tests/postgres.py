"""A PostgreSQL of our own for tests: started at first use, gone with the test run.

PostgreSQL refuses to run as root, so it runs as `postgres` then. It listens on a random loopback port, keeps its
files in a directory of its own under /tmp and dies with this process, even when that is killed. A machine without
PostgreSQL fails the test: a skipped database is an untested one.
"""

import atexit
import functools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg

_OPTIONS = {
    "fsync": "off",  # a test database need not survive a power cut
    "full_page_writes": "off",
    "max_connections": "300",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


def private_postgres(template: str = "") -> str:
    """Return the DSN (postgresql://…) of a new database: empty, or a copy of the one at the DSN `template`."""
    server = _server()
    name = f"test_{uuid.uuid4().hex[:12]}"
    copy = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{copy}")
    return f"{server}/{name}"


@functools.cache
def _server() -> str:
    """Start the server; return its address without a database name."""
    binaries = _binaries()
    directory = Path(tempfile.mkdtemp(prefix="telemed-postgres-"))
    drop: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(directory, account.pw_uid, account.pw_gid)
        drop = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups"]
    data = directory / "data"
    subprocess.run(
        ["setpriv", *drop, binaries / "initdb", "-D", data, "-U", "telemed", "--auth=trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    port = _free_port()
    options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
    log_path = directory / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", *drop, "--pdeathsig=INT", binaries / "postgres", "-D", data, "-p", str(port), *options],
            stdout=log,
            stderr=log,
            cwd=directory,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        )

    def stop() -> None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:  # SIGTERM waits for clients; SIGQUIT does not
            process.send_signal(3)
            process.wait(10)
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(stop)
    address = f"postgresql://telemed@127.0.0.1:{port}"
    _wait_until_ready(address, process, log_path)
    return address


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return Path(on_path).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log_path.read_text(errors='replace')}") from None
            time.sleep(0.05)
