"""SEC-7: every single flipped bit of a long log is found, and named."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from telemed.audit.verification import BadLog, verify
from tests.databases import connected, migrated_sqlite
from tests.evidence import write_evidence
from tests.soak import scaled
from tests.telemed.audit.log import attack, fill

EVENTS, FLIPS = 10_000, 500
COLUMNS = "recorded_at event actor clinic subject object outcome details leaf_hash tree_root".split()


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), connected(migrated_sqlite(tmp_path)) as alias:
        yield alias


@pytest.mark.soak
def test_every_flipped_bit_is_named(database: str) -> None:
    chance, events, flips = random.Random(7), scaled(EVENTS), scaled(FLIPS)
    fill(database, events)
    assert verify(database).size == events
    attack(database)  # drops the triggers
    missed = []
    started = time.monotonic()
    for _ in range(flips):
        seq, column = chance.randrange(1, events + 1), chance.choice(COLUMNS)
        with connections[database].cursor() as cursor:
            cursor.execute(f"SELECT CAST({column} AS BLOB) FROM audit_entry WHERE seq = %s", [seq])
            kept = bytes(cursor.fetchone()[0])
            if not kept:
                flipped = b"\x01"
            else:
                bit = chance.randrange(8 * len(kept))
                flipped = bytearray(kept)
                flipped[bit // 8] ^= 1 << bit % 8
            write = f"UPDATE audit_entry SET {column} = CAST(%s AS TEXT) WHERE seq = %s"
            cursor.execute(write, [bytes(flipped), seq])
            try:
                verify(database)
                missed.append((seq, column, "not found"))
            except BadLog as bad:
                if bad.seq != seq:
                    missed.append((seq, column, f"named {bad.seq}"))
            except Exception as error:
                missed.append((seq, column, type(error).__name__))
            cursor.execute(write, [kept, seq])
    assert verify(database).size == events
    assert missed == []
    seconds = round(time.monotonic() - started, 1)
    write_evidence("audit_flips", "SEC-7", {"events": events, "flips": flips, "named": flips, "seconds": seconds})
