"""Where allauth asks us: who may sign up, what the client's address is, how second factors are kept."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from telemed.accounts import actions, limits, mfa, secrets
from telemed.accounts.addresses import address_group, client_address
from telemed.accounts.events import announce, announce_block
from telemed.accounts.models import User

# Failed passwords for one account from one address. Never for the account alone: anybody could lock a doctor out.
PASSWORD_TRIES = 5
PASSWORD_WINDOW_S = 5 * 60


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("This e-mail address and password do not belong together. Please check both."),
        "too_many_login_attempts": _("There were too many tries. Please wait five minutes, then try again."),
        "rate_limited": _("There were too many tries. Please wait five minutes, then try again."),
        "incorrect_password": _("This is not your current password. Please try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        address = client_address(request)
        if not address:
            raise PermissionDenied("the client has no address")
        return address

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
            if not limits.allow("password", self._limit_key(request, credentials), PASSWORD_TRIES, PASSWORD_WINDOW_S):
                raise self.validation_error("too_many_login_attempts")
        except ValidationError:
            announce_block(self._named_user(credentials), self._limit_key(request, credentials))
            raise

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user = super().authenticate(request, **credentials)
        if user is not None:
            limits.refund("password", self._limit_key(request, credentials))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        announce("login.refused", user=self._named_user(credentials), outcome="refused", reason="password")

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        assert isinstance(user, User)
        announce("login.refused", user=user, outcome="refused", reason="inactive")
        return super().respond_user_inactive(request, user)

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        assert isinstance(user, User)
        actions.change_password(user, password, acting_user=user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """A sign-in a moment ago is as good as typing the password again: enrolment follows it directly."""
        request = context.request
        if request is not None and actions.signed_in_recently(request.session):
            return False
        return super().is_reauthentication_required(app=app, **kwargs)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        """Greet people in the language of their account unless this browser has chosen one."""
        response = super().post_login(request, user, **kwargs)
        if isinstance(user, User) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                user.language,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite=settings.LANGUAGE_COOKIE_SAMESITE,
            )
        return response

    def _limit_key(self, request: HttpRequest, credentials: dict[str, Any]) -> str:
        return f"{address_group(self.get_client_ip(request))}|{str(credentials.get('email') or '').strip().lower()}"

    def _named_user(self, credentials: dict[str, Any]) -> User | None:
        return User.objects.filter(email=str(credentials.get("email") or "").strip().lower()).first()


class MfaAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right or has been used. Please wait for the next code and try again."),
        "cannot_delete_authenticator": _("This is your only way to confirm a sign-in. Add another one first."),
    }

    def encrypt(self, text: str) -> str:
        return secrets.seal_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return secrets.unseal_secret(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return mfa.may_remove(authenticator)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Bind passkeys to our public name, whatever Host header a request carries."""
        return {"id": str(urlsplit(settings.PUBLIC_BASE_URL).hostname), "name": settings.MFA_TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        assert isinstance(user, User)
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return entity | {"display_name": user.name or user.email}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return str(_("My passkey")) if count == 0 else str(_("Passkey {number}")).format(number=count + 1)


class UserSessionsAdapter(DefaultUserSessionsAdapter):
    def end_sessions(self, sessions: list[UserSession]) -> None:
        actions.end_sessions(sessions, reason="ended_by_user")
