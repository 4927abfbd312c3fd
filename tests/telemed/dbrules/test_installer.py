"""The rules exist after the full migration and survive what Django does to tables."""

from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connections, models
from django.db.models.signals import post_migrate

from telemed.dbrules.checks import check_rules_exist
from telemed.dbrules.installer import install_rules, missing_rules
from telemed.dbrules.registry import DatabaseRule, registered_rules

AUDIT = {"audit_entry_no_update", "audit_entry_no_delete", "audit_entry_no_replace", "audit_head_one_step"}


def _names(rules: list[DatabaseRule]) -> set[str]:
    return {rule.name for rule in rules}


def _rebuild(alias: str) -> None:
    """Alter a column the way a migration does; SQLite makes a new table for it."""
    model = apps.get_model("audit", "AuditEntry")
    old = model._meta.get_field("outcome")
    new = models.CharField(max_length=9)
    new.set_attributes_from_name("outcome")
    new.model = model
    with connections[alias].schema_editor() as editor:
        editor.alter_field(model, old, new)


def _finish_migrate(alias: str) -> None:
    for config in apps.get_app_configs():
        if config.models_module is not None:
            post_migrate.send(
                config, app_config=config, verbosity=0, interactive=False, using=alias, plan=[], apps=apps
            )


def test_all_rules_exist_after_the_full_migration(both: str) -> None:
    assert _names(registered_rules()) >= AUDIT
    assert missing_rules(both) == []
    assert check_rules_exist(databases=[both]) == []


def test_a_table_rebuild_drops_them_and_post_migrate_brings_them_back(fresh_sqlite: str) -> None:
    _rebuild(fresh_sqlite)
    lost = {"audit_entry_no_update", "audit_entry_no_delete", "audit_entry_no_replace"}
    assert _names(missing_rules(fresh_sqlite)) == lost  # the control: this is what Django does alone
    _finish_migrate(fresh_sqlite)
    assert missing_rules(fresh_sqlite) == []


def test_the_migrate_command_brings_them_back(fresh_sqlite: str) -> None:
    _rebuild(fresh_sqlite)
    call_command("migrate", database=fresh_sqlite, verbosity=0, skip_checks=True)
    assert missing_rules(fresh_sqlite) == []


def test_the_check_names_a_missing_rule(fresh_sqlite: str) -> None:
    with connections[fresh_sqlite].cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_entry_no_delete")
    (found,) = check_rules_exist(databases=[fresh_sqlite])
    assert found.id == "dbrules.E001"
    assert "audit_entry_no_delete" in found.msg


def test_the_check_sees_a_disabled_trigger(fresh_postgres: str) -> None:
    with connections[fresh_postgres].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_update")
        try:
            assert _names(missing_rules(fresh_postgres)) == {"audit_entry_no_update"}
        finally:
            cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_no_update")
    assert missing_rules(fresh_postgres) == []


def test_installing_twice_changes_nothing(both: str) -> None:
    install_rules(both)
    install_rules(both)
    assert missing_rules(both) == []


def test_a_rule_that_changed_under_its_name_gets_its_new_body(fresh_sqlite: str) -> None:
    with connections[fresh_sqlite].cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_entry_no_delete")
        cursor.execute("CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry BEGIN SELECT 1; END")
        _finish_migrate(fresh_sqlite)
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_entry_no_delete'")
        assert "RAISE" in cursor.fetchone()[0]


def test_a_rule_of_an_unmigrated_table_waits(fresh_sqlite: str) -> None:
    rule = DatabaseRule("later_rule", "not_there_yet", ["CREATE TRIGGER later_rule"], ["CREATE TRIGGER later_rule"])
    install_rules(fresh_sqlite, [rule])
    assert missing_rules(fresh_sqlite, [rule]) == []


def test_the_check_runs_before_migrate_only_on_the_asked_databases(settings: Any) -> None:
    assert check_rules_exist(databases=None) == []
