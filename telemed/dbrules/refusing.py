"""A rule that refuses rows: `where` is SQL over NEW (and OLD), and may look at other tables."""

from telemed.dbrules.registry import DatabaseRule


def refuse_rows(name: str, table: str, operation: str, message: str, *, where: str) -> DatabaseRule:
    """Return a rule that makes `operation` ("INSERT", "UPDATE OF room_id", …) fail with IntegrityError where `where` holds.

    `where` is written in SQL that SQLite and PostgreSQL share. A trigger's own WHEN takes no subquery on PostgreSQL,
    so there the function looks.
    """
    return DatabaseRule(
        name=name,
        table=table,
        sqlite=[
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} WHEN {where} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
        ],
        postgresql=[
            # integrity_constraint_violation: Django raises IntegrityError, as it does for SQLite's RAISE(ABORT).
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $rule$ "
            f"BEGIN IF {where} THEN RAISE EXCEPTION '{message}' USING ERRCODE = '23000'; END IF; RETURN NEW; END $rule$",
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            f"CREATE TRIGGER {name} BEFORE {operation} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ],
    )
