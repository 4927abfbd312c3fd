"""Lets the pages of a visit open sockets to rtc processes on other ports (Content-Security-Policy, SEC-18)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse

from consultations.rooms.nodes.pins import known_origins


def may_reach_nodes(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Add every rtc process to the page's connect-src: the visit may move while the page is open."""

    @wraps(view)
    def widened(*args: Any, **fields: Any) -> HttpResponse:
        response = view(*args, **fields)
        if origins := known_origins():
            response._csp_update = {"connect-src": origins}  # type: ignore[attr-defined]
        return response

    return widened
