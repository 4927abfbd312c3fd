"""Databases of a test's own (tests/databases.py), as fixtures that yield an alias for `.using(…)`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import connected, migrated_postgres, migrated_sqlite


@pytest.fixture
def fresh_sqlite(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), connected(migrated_sqlite(tmp_path)) as alias:
        yield alias


@pytest.fixture
def fresh_postgres(django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), connected(migrated_postgres()) as alias:
        yield alias


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest) -> str:
    """Run the test once per database that we support."""
    alias: str = request.getfixturevalue("fresh_sqlite" if request.param == "sqlite" else "fresh_postgres")
    return alias
