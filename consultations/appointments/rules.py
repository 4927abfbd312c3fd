"""REL-3, held by the database: the time of one practitioner is never given away twice.

Half-open intervals [starts_at, blocks_until): a visit may start the instant the last one's buffer ends.
PostgreSQL: an exclusion constraint. SQLite: a trigger each for INSERT and UPDATE; its writers stand in line
(BEGIN IMMEDIATE), so what a trigger reads cannot change under it. SQLite keeps timestamps as UTC text in one
format, which sorts like time.
"""

from consultations.appointments.lifecycle import BLOCKING
from telemed.dbrules.registry import DatabaseRule, register

NO_OVERLAP = "appointment_no_overlap"
_TABLE = "appointments_appointment"
_BLOCKING = ", ".join(f"'{status}'" for status in BLOCKING)

_CLASH = f"""
    SELECT RAISE(ABORT, '{NO_OVERLAP}') WHERE EXISTS (
        SELECT 1 FROM {_TABLE} other
         WHERE other.practitioner_id = NEW.practitioner_id AND other.id <> NEW.id
           AND other.status IN ({_BLOCKING})
           AND other.starts_at < NEW.blocks_until AND NEW.starts_at < other.blocks_until);
"""  # noqa: S608  constants only
_WHEN = f"WHEN NEW.practitioner_id IS NOT NULL AND NEW.status IN ({_BLOCKING})"


def register_rules() -> None:
    """Called from AppConfig.ready(); the update trigger is created last, so its presence vouches for both."""
    register(
        DatabaseRule(
            name=NO_OVERLAP,
            table=_TABLE,
            sqlite=[
                f"DROP TRIGGER IF EXISTS {NO_OVERLAP}_insert",
                # AFTER: NEW.id is not known before the row exists. ABORT takes the row back.
                f"CREATE TRIGGER {NO_OVERLAP}_insert AFTER INSERT ON {_TABLE} {_WHEN} BEGIN {_CLASH} END",
                f"DROP TRIGGER IF EXISTS {NO_OVERLAP}",
                f"CREATE TRIGGER {NO_OVERLAP} AFTER UPDATE OF practitioner_id, starts_at, blocks_until, status"
                f" ON {_TABLE} {_WHEN} BEGIN {_CLASH} END",
            ],
            postgresql=[
                # Scalars inside a GiST index; a trusted extension since PostgreSQL 13, the owner may create it.
                "CREATE EXTENSION IF NOT EXISTS btree_gist",
                f"ALTER TABLE {_TABLE} DROP CONSTRAINT IF EXISTS {NO_OVERLAP}",
                f"ALTER TABLE {_TABLE} ADD CONSTRAINT {NO_OVERLAP} EXCLUDE USING gist"
                f" (practitioner_id WITH =, tstzrange(starts_at, blocks_until, '[)') WITH &&)"
                f" WHERE (practitioner_id IS NOT NULL AND status IN ({_BLOCKING}))",
            ],
        )
    )
