"""staff_required: the first line of every staff view."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase

from telemed.accounts.mfa import MfaState, mfa_state
from telemed.accounts.models import User

View = Callable[..., HttpResponseBase]


def staff_required(view: View) -> View:
    """Let only signed-in users through who passed the second factor, even if the middleware were missing.

    Everybody else is sent to the login page. Which clinic's data they may see is the view's next question.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and user.is_active and mfa_state(user, request.session) == MfaState.PASSED:
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return guarded
