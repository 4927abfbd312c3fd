"""A server that is set up wrongly does not start (SEC-7, SEC-11)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DROP_TRIGGERS = """
from django.db import connection
cursor = connection.cursor()
cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
for (name,) in cursor.fetchall():
    cursor.execute(f"DROP TRIGGER {name}")
"""


STUCK_THREAD = """
import asyncio, os, signal, threading
import django
django.setup()
from telemed import server

def ready(port):
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    os.kill(os.getpid(), signal.SIGTERM)

raise SystemExit(server.run("127.0.0.1", 0, ready=ready))
"""


@pytest.fixture
def manage(tmp_path: Path):
    """Runs manage.py on a migrated database of its own."""
    environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1"}

    def run(*words: str, flags: tuple[str, ...] = (), timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *flags, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout_s)

    assert run("migrate", "-v0").returncode == 0
    return run


def test_it_refuses_python_without_asserts(manage) -> None:
    result = manage("serve", "--port", "0", flags=("-O",))
    assert result.returncode != 0
    assert "rooms.E001" in result.stderr


def test_it_refuses_a_database_without_its_triggers(manage) -> None:
    assert manage("shell", "-v0", "-c", DROP_TRIGGERS).returncode == 0
    result = manage("serve", "--port", "0")
    assert result.returncode != 0
    assert "dbrules.E001" in result.stderr


def test_it_starts_when_all_is_well(manage) -> None:
    """Control: the same command keeps running when nothing is wrong."""
    with pytest.raises(subprocess.TimeoutExpired) as running:
        manage("serve", "--port", "0", timeout_s=10)
    assert b"Listening on" in (running.value.stdout or b"")


def test_it_ends_though_a_thread_never_does(manage, tmp_path: Path) -> None:
    """A nudge asks the event loop from the database thread: when the loop has stopped, nobody answers."""
    environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "telemed.settings"
    done = subprocess.run([sys.executable, "-c", STUCK_THREAD], cwd=ROOT, env=environment, timeout=30, check=False)
    assert done.returncode == 0
