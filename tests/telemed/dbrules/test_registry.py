import pytest

from telemed.dbrules import registry
from telemed.dbrules.registry import DatabaseRule


def _rule(name: str = "some_rule", **changes: object) -> DatabaseRule:
    values: dict = {"table": "t", "sqlite": [f"CREATE TRIGGER {name}"], "postgresql": [f"CREATE TRIGGER {name}"]}
    return DatabaseRule(name=name, **{**values, **changes})


def test_a_rule_needs_sql_for_both_databases() -> None:
    for vendor in ("sqlite", "postgresql"):
        with pytest.raises(ValueError, match=vendor):
            _rule(**{vendor: []})
        with pytest.raises(ValueError, match=vendor):
            _rule(**{vendor: "CREATE TRIGGER some_rule"})
        with pytest.raises(ValueError, match="creates anything"):
            _rule(**{vendor: ["CREATE TRIGGER another"]})


def test_names_are_plain_identifiers() -> None:
    for name in ("x; DROP TABLE t", "Upper", "", "ab"):
        with pytest.raises(ValueError, match="not a rule name"):
            _rule(name)


def test_two_rules_cannot_share_a_name(monkeypatch) -> None:
    monkeypatch.setattr(registry, "_rules", {})
    registry.register(_rule())
    registry.register(_rule())
    assert len(registry.registered_rules()) == 1
    with pytest.raises(ValueError, match="two different rules"):
        registry.register(_rule(table="other"))


def test_another_vendor_is_refused_loudly() -> None:
    with pytest.raises(LookupError, match="oracle"):
        _rule().statements("oracle")
