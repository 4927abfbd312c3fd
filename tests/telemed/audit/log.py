"""Fills a log of our own and lets an attacker at it: raw SQL with the triggers gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections, transaction

from telemed import audit

TRIGGERS = (
    "audit_entry_no_update",
    "audit_entry_no_delete",
    "audit_entry_no_replace",
    "audit_head_one_step",
    "audit_head_no_delete",
)


@dataclass
class Person:
    """Stands for a User where only the public id counts."""

    public_id: str


ANNA = Person("anna000000000000000000")


def fill(alias: str, count: int) -> None:
    """Record `count` different entries, each in its own transaction."""
    for number in range(1, count + 1):
        with transaction.atomic(using=alias):
            audit.record(
                "room.admitted",
                actor=ANNA,  # type: ignore[arg-type]
                clinic="clinic0000000000000000",
                subject=f"patient{number % 7}",
                object=f"room:room{number}",
                outcome="ok" if number % 3 else "refused",
                details={"number": number, "code": "follow_up", "email": audit.Private(f"p{number}@example.org")},
                using=alias,
            )


def attack(alias: str, *statements: str | tuple[str, Sequence[object]]) -> None:
    """Run SQL as somebody who owns the database: the triggers are dropped first (SQLite)."""
    with connections[alias].cursor() as cursor:
        for trigger in TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            sql, parameters = (statement, []) if isinstance(statement, str) else statement
            cursor.execute(sql, list(parameters))
