"""allauth's forms for the second factor, with our limits, replay check and words."""

from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as AllauthActivateTotpForm
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from telemed.accounts import limits, totp
from telemed.accounts.addresses import address_group, client_address
from telemed.accounts.events import announce, announce_block

# Wrong codes from one address, and from all addresses together: guessing needs the password already. Passkeys cannot
# be guessed and stay open, so that nobody who knows a doctor's password can lock her out.
CODE_TRIES = 5
CODE_WINDOW_S = 5 * 60
CODE_TRIES_ALL = 20
CODE_WINDOW_ALL_S = 3600

_CODE_WIDGET = {"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false"}


class _CodeForm(base_forms.BaseAuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = forms.CharField(
            label=_("Code"),
            help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
            max_length=20,
            widget=forms.TextInput(attrs=_CODE_WIDGET),
        )

    def clean_code(self) -> str:
        by_address = f"{self.user.pk}|{address_group(client_address(context.request))}"
        if not (
            limits.allow("mfa_code", by_address, CODE_TRIES, CODE_WINDOW_S)
            and limits.allow("mfa_code_all", str(self.user.pk), CODE_TRIES_ALL, CODE_WINDOW_ALL_S)
        ):
            announce_block(self.user, f"code|{by_address}")
            raise get_account_adapter().validation_error("too_many_login_attempts")
        try:
            code: str = super().clean_code()
            if self.authenticator.type == Authenticator.Type.TOTP and not totp.spend_code(self.authenticator, code):
                raise get_mfa_adapter().validation_error("incorrect_code")
        except ValidationError:
            announce("login.refused", user=self.user, outcome="refused", reason="code")
            raise
        limits.forget("mfa_code", by_address)
        limits.refund("mfa_code_all", str(self.user.pk))
        return code


class AuthenticateForm(_CodeForm, base_forms.AuthenticateForm):
    pass


class ReauthenticateForm(_CodeForm, base_forms.ReauthenticateForm):
    pass


class ActivateTotpForm(AllauthActivateTotpForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = forms.CharField(
            label=_("Code from the app"),
            help_text=_("Type the six digits that the app shows now."),
            max_length=20,
            widget=forms.TextInput(attrs=_CODE_WIDGET | {"autofocus": False}),
        )


class AddPasskeyForm(webauthn_forms.AddWebAuthnForm):
    """Every key is a passkey: it signs in alone, so it must check its owner (PIN, finger or face)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of this passkey")
        self.fields["name"].help_text = _("So that you can tell your passkeys apart, for example “Practice laptop”.")
        self.fields["name"].max_length = 60
        self.fields["passwordless"] = forms.BooleanField(
            required=False, initial=True, widget=forms.CheckboxInput(attrs={"hidden": True, "checked": True})
        )

    def clean_passwordless(self) -> bool:
        return True


class EditPasskeyForm(webauthn_forms.EditWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name of this passkey")


class _PasskeyForm(webauthn_forms.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()
        except ValidationError:
            announce("login.refused", user=self.user, outcome="refused", reason="passkey")
            raise


class AuthenticatePasskeyForm(_PasskeyForm):
    pass


class LoginPasskeyForm(_PasskeyForm, webauthn_forms.LoginWebAuthnForm):
    pass


class ReauthenticatePasskeyForm(_PasskeyForm, webauthn_forms.ReauthenticateWebAuthnForm):
    pass
