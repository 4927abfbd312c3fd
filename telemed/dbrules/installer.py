"""Puts the registered rules into a database and finds the ones that are missing."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from telemed.dbrules.registry import DatabaseRule, registered_rules

_PRESENT_SQL = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type IN ('trigger', 'index')",
    # tgenabled 'D' is a trigger somebody disabled: as good as missing. Schemas: what the search path sees.
    "postgresql": """
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND pg_table_is_visible(c.oid)
        UNION ALL
        SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE pg_table_is_visible(c.oid)
        UNION ALL
        SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
          JOIN pg_class i ON i.oid = x.indexrelid WHERE pg_table_is_visible(c.oid)""",
}


def install_rules(using: str = "default", rules: Iterable[DatabaseRule] | None = None) -> None:
    """Run the SQL of every rule whose table exists, all in one transaction."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for rule in registered_rules() if rules is None else rules:
            if rule.table in tables:
                for statement in rule.statements(connection.vendor):
                    cursor.execute(statement)


def missing_rules(using: str = "default", rules: Iterable[DatabaseRule] | None = None) -> list[DatabaseRule]:
    """Return the rules whose table exists and that do not (one query and the list of tables)."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    present = _present(connection)
    wanted = registered_rules() if rules is None else rules
    return [rule for rule in wanted if rule.table in tables and (rule.table, rule.name) not in present]


def install_after_migrate(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """post_migrate receiver. The signal fires once per app that has models; the last one installs, always:
    a rule whose SQL changed under the same name is present and still needs its new body.
    """
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if sender is last:
        install_rules(using)


def _present(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT_SQL[connection.vendor])
        return {(table, name) for table, name in cursor.fetchall()}
