"""What the practice types about somebody who shall join a visit besides the patient."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from consultations.appointments.forms import clean_contact
from consultations.rooms.models import Participant
from consultations.rooms.protocol import GUEST_ROLES


class GuestForm(forms.Form):
    name = forms.CharField(
        label=_("Full name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )
    role = forms.ChoiceField(label=_("Takes part as"))
    contact = forms.CharField(
        label=_("E-mail address or mobile number"),
        max_length=254,
        required=False,
        help_text=_("The link is sent there. Without one you pass the link on yourself."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language of the messages"))

    def __init__(self, *args: Any, languages: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [
            (value, label) for value, label in Participant.Role.choices if value in GUEST_ROLES
        ]
        known = dict(settings.LANGUAGES)
        self.fields["language"].choices = [(code, known[code]) for code in languages if code in known]

    def clean_contact(self) -> str:
        contact = self.cleaned_data["contact"]
        return clean_contact(contact) if contact else ""
