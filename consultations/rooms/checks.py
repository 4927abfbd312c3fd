"""rooms.E001: Python must not run with -O (SEC-11): the SDP parser of the media stack validates with `assert`."""

import sys
from typing import Any

from django.core.checks import CheckMessage, Error, register


@register()
def check_assertions_run(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error when assertions are compiled away."""
    if not sys.flags.optimize:
        return []
    return [Error("Python runs with -O or PYTHONOPTIMIZE.", hint="Unset PYTHONOPTIMIZE.", id="rooms.E001")]
