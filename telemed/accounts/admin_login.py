"""Django admin has its own login, password and log-out pages: none of them may go round the second factor (SEC-5)."""

from contextlib import suppress

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


def close_side_doors() -> None:
    """Send the admin's login and password pages to ours and take allauth's tables (secrets, sessions) out of the admin."""
    from allauth.account.models import EmailAddress
    from allauth.mfa.models import Authenticator
    from allauth.usersessions.models import UserSession

    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
    admin.site.password_change = _change_password  # type: ignore[method-assign,assignment]
    for model in (EmailAddress, Authenticator, UserSession):
        with suppress(NotRegistered):
            admin.site.unregister(model)


def _change_password(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    return redirect("account_change_password")
