"""allauth's password forms in our words; nothing else changes."""

from typing import Any

from allauth.account import forms as allauth_forms
from django.utils.translation import gettext_lazy as _

_LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "oldpassword": _("Your password now"),
    "password1": _("New password"),
    "password2": _("New password, once more"),
}
_HELP = {"password1": _("At least twelve characters. Four words that do not belong together are a good one.")}


class _PlainWords:
    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = _LABELS[name]
            field.help_text = _HELP.get(name, "")
            field.widget.attrs.pop("placeholder", None)


class LoginForm(_PlainWords, allauth_forms.LoginForm):
    pass


class ChangePasswordForm(_PlainWords, allauth_forms.ChangePasswordForm):
    pass


class ResetPasswordForm(_PlainWords, allauth_forms.ResetPasswordForm):
    pass


class ResetPasswordKeyForm(_PlainWords, allauth_forms.ResetPasswordKeyForm):
    pass


class ReauthenticateForm(_PlainWords, allauth_forms.ReauthenticateForm):
    pass
