"""I3: numbers have no gap and the tree no fork, however many processes write at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.databases import child_environment, connected, migrated_postgres, migrated_sqlite

WRITERS, EACH, ROLLED_BACK = 4, 500, 50


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_four_processes_write_one_log(database: str, tmp_path: Path, django_db_blocker) -> None:
    url = migrated_sqlite(tmp_path) if database == "sqlite" else migrated_postgres()
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.telemed.audit.writer", f"writer{number}", str(EACH)],
            cwd=settings.BASE_DIR,
            env=child_environment(url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    began, ended = [], []
    for writer in writers:
        output, errors = writer.communicate(timeout=100)
        assert writer.returncode == 0, errors
        first, last = output.split()
        began.append(float(first))
        ended.append(float(last))
    assert max(began) < min(ended)  # there was a moment when all of them wrote
    with django_db_blocker.unblock(), connected(url) as alias:
        kept = WRITERS * (EACH - ROLLED_BACK)
        assert verify(alias).size == kept
        entries = AuditEntry.objects.using(alias)
        assert list(entries.values_list("seq", flat=True)) == list(range(1, kept + 1))
        assert entries.values("actor").distinct().count() == WRITERS
        # One shared subject, five of each writer: nobody got two pseudonyms.
        assert entries.values("subject").distinct().count() == 1 + WRITERS * len({n % 5 for n in range(0, EACH, 2)})
