"""The real server in a process of its own: `manage.py demo --json` on a fresh database and a free port."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from tests.e2e.stored_reasons import unexplained
from tests.netsim.namespace import Namespace

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 60
OWN_SETTINGS = {"TESTING", "EMAIL_BACKEND", "SECRET_KEY", "FIELD_KEYS", "BLIND_INDEX_KEY", "DATABASE_URL", "REDIS_URL"}


def zone_before_noon() -> str:
    """A zone in which it is between eleven and twelve: the demo's day has its visits on one date at any hour of a run."""
    ahead = 11 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"  # POSIX signs: west of Greenwich is positive


class AppServer:
    """A context manager; `practitioner_url`, `patient_url` and `admin_url` are good from its start on.

    At its end every decision about a visit's path must have a reason: see stored_reasons.py.

    With a `namespace` it listens on that namespace's loopback: see tests/e2e/lab_server.py for the way in.
    """

    base_url: str
    practitioner_url: str
    patient_url: str
    admin_url: str

    def __init__(
        self, *, namespace: Namespace | None = None, port: int = 0, arguments: Sequence[str] = (), **environment: str
    ) -> None:
        self._namespace = namespace
        self._port = port
        self._arguments = arguments
        self._environment = environment
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "AppServer":
        self.var_directory = Path(tempfile.mkdtemp(prefix="telemed-e2e-"))
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.var_directory, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            print(f"--- the server's log ---\n{self.log_text()[-6000:]}", file=sys.stderr)
        problems = self.unexplained() if error is None else []
        shutil.rmtree(self.var_directory, ignore_errors=True)
        assert not problems, "\n".join(problems)

    def unexplained(self) -> list[str]:
        """Decisions about visits' paths without a reason, in words; of a database in a file."""
        database = self._environment.get("DATABASE_URL", f"sqlite://{self.var_directory / 'demo.sqlite3'}")
        return list(unexplained(Path(database.removeprefix("sqlite://")))) if database.startswith("sqlite://") else []

    def start(self) -> None:
        """Starts it, again after `stop` or `kill` on the same port and data. Raises RuntimeError with its log."""
        command = [sys.executable, "manage.py", "demo", "--json", "--port", str(self._port), *self._arguments]
        if self._namespace:
            command = ["ip", "netns", "exec", self._namespace.name, *command]
        with (self.var_directory / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        links = json.loads(self._first_line())
        for name, url in links.items():
            setattr(self, name, url)
        self._port = int(self.base_url.rsplit(":", 1)[1])

    @property
    def port(self) -> int:
        return self._port

    def environment(self) -> dict[str, str]:
        # Nothing of the test run's own settings: the demo makes its keys, and `run` must read with the same.
        kept = {name: value for name, value in os.environ.items() if name not in OWN_SETTINGS}
        # One process instead of four: who tests the jobs asks for JOBS="worker".
        ours = {
            "TELEMED_VAR_DIR": str(self.var_directory),
            "PYTHONUNBUFFERED": "1",
            "JOBS": "thread",
            "DEMO_TIME_ZONE": zone_before_noon(),
        }
        return {**kept, **ours, **self._environment}

    def run(self, code: str) -> str:
        """stdout of Python code that runs beside the server, on its database, as `manage.py shell` would."""
        environment = {
            **self.environment(),
            "DEMO": "1",
            "DATABASE_URL": f"sqlite://{(self.var_directory / 'demo.sqlite3').resolve()}",
            "PUBLIC_BASE_URL": self.base_url,
        }
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what a crash looks like from outside."""
        self._end(signal.SIGKILL)

    def log_text(self) -> str:
        return (self.var_directory / "server.log").read_text(errors="replace")

    def _end(self, sign: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, sign)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    def _first_line(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        deadline = time.monotonic() + START_LIMIT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while time.monotonic() < deadline and self.process.poll() is None:
                if selector.select(0.2):
                    if line := self.process.stdout.readline():
                        return line
                    break
        self.stop()
        raise RuntimeError(f"the server did not start:\n{self.log_text()[-4000:]}")
