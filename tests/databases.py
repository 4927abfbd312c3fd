"""Databases of a test's own, for what a rolled-back transaction cannot show: commits, races, attackers.

The append-only triggers refuse the flush of TransactionTestCase, so such tests take a fresh database instead.
"""

import atexit
import functools
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

from telemed.settings import _database
from tests.postgres import private_postgres

_numbers = itertools.count(1)


def migrated_sqlite(directory: Path) -> str:
    """Return the URL of a fresh SQLite file in `directory` with all migrations applied (about 10 ms after the first)."""
    path = directory / f"fresh{next(_numbers)}.sqlite3"
    shutil.copyfile(_sqlite_template(), path)
    return f"sqlite://{path}"


def migrated_postgres() -> str:
    """Return the URL of a fresh PostgreSQL database with all migrations applied (some seconds, then 0.1 s each)."""
    return private_postgres(_postgres_template())


@functools.cache
def _postgres_template() -> str:
    url = private_postgres()
    run_manage("migrate", "-v0", database_url=url)
    return url


@contextmanager
def connected(url: str) -> Iterator[str]:
    """Yield a database alias for `url` in this process: `Model.objects.using(alias)`.

    The caller has to be allowed to use databases (pytest-django's `django_db_blocker.unblock()`).
    """
    alias = f"fresh{next(_numbers)}"
    config = _database(url)
    options = config.get("OPTIONS")
    if isinstance(options, dict):
        options.pop("pool", None)  # one thread here; a pool would keep its threads
    complete = connections.configure_settings({"default": dict(connections.settings["default"]), alias: config})
    connections.settings[alias] = complete[alias]
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def run_manage(*arguments: str, database_url: str) -> subprocess.CompletedProcess[str]:
    """Run a management command on `database_url` in a process of its own; raise when it fails."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=settings.BASE_DIR,
        env=child_environment(database_url),
    )


def child_environment(database_url: str) -> dict[str, str]:
    """Return the environment in which a child process uses `database_url` and our secrets."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "telemed.settings",
        "TESTING": "1",
        "DATABASE_URL": database_url,
        "FIELD_KEYS": ",".join(settings.FIELD_KEYS),
        "BLIND_INDEX_KEY": settings.BLIND_INDEX_KEY,
    }


@functools.cache
def _sqlite_template() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="telemed-template-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "template.sqlite3"
    run_manage("migrate", "-v0", database_url=f"sqlite://{path}")
    with sqlite3.connect(path) as connection:  # everything into the one file that is copied
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path
