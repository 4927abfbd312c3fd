"""One-click sign-in for the demo. The secret travels in the fragment and in a POST body, never in a URL that is logged."""

import hmac
import ipaddress

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from consultations.demo.access import find_next_visit, get_demo_user
from consultations.demo.secret import sign_in_secret
from telemed.accounts.demo_session import open_demo_session
from telemed.accounts.models import User


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, role: str) -> HttpResponse:
    """GET shows a button and changes nothing; POST with the right secret opens a session."""
    user = get_demo_user(role)
    _require_this_machine(request)
    if request.method == "POST":
        if not hmac.compare_digest(request.POST.get("secret", "").encode(), sign_in_secret().encode()):
            raise PermissionDenied
        open_demo_session(request, user)
        return redirect(_landing(user, role))
    return render(request, "demo/sign_in.html", {"person": user, "role": role})


def _landing(user: User, role: str) -> str:
    """The practitioner comes straight to the visit that can start now, with Today one step back; the admin to the admin."""
    if role == "admin":
        return reverse("admin:index")
    code = find_next_visit(user)
    return reverse("visit", args=[code]) if code else reverse("today")


def _require_this_machine(request: HttpRequest) -> None:
    """Raise PermissionDenied for a client elsewhere, also one that comes through a proxy on this machine."""
    try:
        local = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        local = False
    if not local or "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        raise PermissionDenied
