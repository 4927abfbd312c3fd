"""A server that is set up wrongly does not start (SEC-11, SEC-7)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _serve(tmp_path: Path, *flags: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1", **env}
    python = [sys.executable, *flags, "manage.py"]
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    return subprocess.run(
        [*python, "serve", "--port", "0"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )


def test_it_refuses_python_without_asserts(tmp_path: Path) -> None:
    result = _serve(tmp_path, "-O")
    assert result.returncode != 0
    assert "rooms.E001" in result.stderr


def test_it_refuses_a_database_without_its_triggers(tmp_path: Path) -> None:
    environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    drop = (
        "from django.db import connection as c; k = c.cursor(); "
        "k.execute(\"select name from sqlite_master where type='trigger'\"); "
        "[k.execute(f'drop trigger {name}') for (name,) in k.fetchall()]"
    )
    subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", drop], cwd=ROOT, env=environment, check=True)
    result = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert result.returncode != 0
    assert "dbrules.E001" in result.stderr


def test_it_starts_when_all_is_well(tmp_path: Path) -> None:
    """Control."""
    with pytest.raises(subprocess.TimeoutExpired) as running:
        environment = {**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        subprocess.run(
            [sys.executable, "manage.py", "serve", "--port", "0"],
            cwd=ROOT, env=environment, capture_output=True, timeout=8,
        )  # fmt: skip
    assert b"Listening on" in (running.value.stdout or b"")
