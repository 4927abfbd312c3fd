"""What the database itself refuses: changing or removing an entry, and moving the head anywhere but one on."""

from telemed.dbrules.registry import DatabaseRule, register

_SAME_NUMBER = "SELECT 1 FROM audit_entry WHERE seq = NEW.seq"


def register_rules() -> None:
    """Register the triggers of the log; called from AppConfig.ready()."""
    for rule in (*_frozen_rules(), _no_replace_rule(), *_head_rules()):
        register(rule)


def _frozen_rules() -> list[DatabaseRule]:
    return [
        _refuse("audit_entry_no_update", "audit_entry", "UPDATE", "audit entries cannot be changed"),
        _refuse("audit_entry_no_delete", "audit_entry", "DELETE", "audit entries cannot be deleted"),
    ]


def _head_rules() -> list[DatabaseRule]:
    return [
        _refuse(
            "audit_head_one_step",
            "audit_head",
            "UPDATE",
            "the audit head moves one entry at a time",
            when="NEW.id <> OLD.id OR NEW.size <> OLD.size + 1",
        ),
        _refuse("audit_head_no_delete", "audit_head", "DELETE", "the audit head cannot be deleted"),
    ]


def _no_replace_rule() -> DatabaseRule:
    # SQLite: INSERT OR REPLACE removes the old row without firing DELETE triggers.
    # PostgreSQL: TRUNCATE fires no row trigger.
    name = "audit_entry_no_replace"
    message = "audit entries cannot be replaced"
    return DatabaseRule(
        name=name,
        table="audit_entry",
        sqlite=[
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE INSERT ON audit_entry "
            f"WHEN EXISTS ({_SAME_NUMBER}) BEGIN SELECT RAISE(ABORT, '{message}'); END",
        ],
        postgresql=[
            _postgresql_function(name, message),
            f"DROP TRIGGER IF EXISTS {name} ON audit_entry",
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ],
    )


def _refuse(name: str, table: str, operation: str, message: str, when: str = "") -> DatabaseRule:
    return DatabaseRule(
        name=name,
        table=table,
        sqlite=[
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} "
            + (f"WHEN {when} " if when else "")
            + f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
        ],
        postgresql=[
            _postgresql_function(name, message),
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW "
            + (f"WHEN ({when}) " if when else "")
            + f"EXECUTE FUNCTION {name}()",
        ],
    )


def _postgresql_function(name: str, message: str) -> str:
    # integrity_constraint_violation: Django raises IntegrityError, as it does for SQLite's RAISE(ABORT).
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ "
        f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '23000'; END $rule$"
    )
