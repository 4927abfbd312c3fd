"""dbrules.E001: a registered rule is missing from a database whose table exists."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from telemed.dbrules.installer import missing_rules


@register(Tags.database)
def check_rules_exist(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error per missing rule. Runs with `check --database` and before every `migrate`."""
    return [
        Error(
            f"The database rule {rule.name!r} is missing from table {rule.table!r} of {alias!r}.",
            hint="Run: manage.py migrate (it installs every rule again).",
            id="dbrules.E001",
        )
        for alias in databases or ()
        for rule in missing_rules(alias)
    ]
