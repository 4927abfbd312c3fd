"""What the rules are. Pure data; installing them is installer.py's job."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9_]{2,60}\Z")
VENDORS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class DatabaseRule:
    """One rule on one table: its SQL per vendor, safe to run again (IF NOT EXISTS, or DROP then CREATE).

    `name` is the name of a trigger or constraint that the SQL creates: the check looks for it. On one table
    of PostgreSQL that is a trigger or a constraint of that name, on SQLite a trigger or an index. One rule that
    needs several database objects registers the one created last.
    """

    name: str
    table: str
    sqlite: Sequence[str]
    postgresql: Sequence[str]

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"not a rule name: {self.name!r}")
        for vendor in VENDORS:
            statements = self.statements(vendor)
            if isinstance(statements, str) or not statements:
                raise ValueError(f"{self.name}: {vendor} needs a list of statements")
            if not any(self.name in statement for statement in statements):
                raise ValueError(f"{self.name}: no {vendor} statement creates anything of that name")

    def statements(self, vendor: str) -> Sequence[str]:
        """Return the SQL for a Django vendor name; raise LookupError for one we have no rule for."""
        if vendor == "sqlite":
            return self.sqlite
        if vendor == "postgresql":
            return self.postgresql
        raise LookupError(f"no rules for the database vendor {vendor!r}")


_rules: dict[str, DatabaseRule] = {}


def register(rule: DatabaseRule) -> None:
    """Add a rule. Registering the same rule again is fine; another rule under its name raises ValueError."""
    if _rules.setdefault(rule.name, rule) != rule:
        raise ValueError(f"two different rules are named {rule.name!r}")


def registered_rules() -> list[DatabaseRule]:
    """Return all rules in the order of their registration."""
    return list(_rules.values())
