"""Forms of the calendar: a wall-clock time with its zone becomes an instant, or a question back (REL-9)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from consultations.appointments.models import VisitType
from consultations.patients.contact import normalise_phone
from consultations.practitioners.models import Practitioner
from telemed.lib.times import AmbiguousLocalTime, MissingLocalTime, local_to_utc

TEAM = "team"


class TimeForm(forms.Form):
    """Date, time, zone; `cleaned_data["starts_at"]` is the instant in UTC.

    `fold` is asked only for the hour that happens twice: see `asks_fold`.
    """

    date = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    time = forms.TimeField(label=_("Start"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    zone = forms.ChoiceField(label=_("Time zone"))
    fold = forms.TypedChoiceField(
        label=_("Which of the two?"),
        choices=[("0", _("The first time, before the clocks are set back")), ("1", _("The second time, after it"))],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, zones: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = list(dict.fromkeys(zones))
        self.fields["zone"].choices = [(key, key.replace("_", " ")) for key in zones]
        self.fields["zone"].initial = zones[0]
        self.one_zone = len(zones) == 1
        if self.one_zone:
            self.fields["zone"].widget = forms.HiddenInput()
        self.asks_fold = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not {"date", "time", "zone"} <= cleaned.keys():
            return cleaned
        wall = datetime.combine(cleaned["date"], cleaned["time"])
        try:
            cleaned["starts_at"] = local_to_utc(wall, ZoneInfo(cleaned["zone"]), fold=cleaned.get("fold"))
        except MissingLocalTime:
            text = _("On %(date)s the clocks jump over this time. Choose an earlier or a later one.")
            self.add_error("time", text % {"date": date_format(wall, "DATE_FORMAT")})
        except AmbiguousLocalTime:
            self.asks_fold = True
            self.add_error("fold", _("On this day the clocks are set back, and this time comes twice."))
        return cleaned


class BookingForm(TimeForm):
    """Who, what and when. With `patient` already chosen the name and contact fields are gone."""

    name = forms.CharField(label=_("Full name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    contact = forms.CharField(
        label=_("E-mail address or mobile number"),
        max_length=254,
        help_text=_("The link is sent there."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language of the messages"))
    practitioner = forms.ChoiceField(label=_("With"))
    visit_type = forms.ModelChoiceField(
        label=_("Kind of visit"), queryset=VisitType.objects.none(), to_field_name="public_id", empty_label=None
    )
    field_order = ("name", "contact", "language", "practitioner", "visit_type", "date", "time", "zone", "fold")

    def __init__(
        self,
        *args: Any,
        visit_types: Any,
        practitioners: Sequence[Practitioner],
        languages: Sequence[str],
        with_patient: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visit_type"].queryset = visit_types
        self._practitioners = {practitioner.public_id: practitioner for practitioner in practitioners}
        self.fields["practitioner"].choices = [
            *((key, practitioner.display_name) for key, practitioner in self._practitioners.items()),
            (TEAM, _("The team: whoever takes it")),
        ]
        if with_patient:
            for name in ("name", "contact", "language"):
                del self.fields[name]
        else:
            self.fields["language"].choices = _language_choices(languages)

    def clean_contact(self) -> str:
        return clean_contact(self.cleaned_data["contact"])

    @property
    def chosen_practitioner(self) -> Practitioner | None:
        """The chosen one; None for a team's visit."""
        return self._practitioners.get(self.cleaned_data["practitioner"])


class StartNowForm(forms.Form):
    """A name and a way to send the link: all that a visit without an appointment needs."""

    name = forms.CharField(
        label=_("Full name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
    )
    contact = forms.CharField(
        label=_("E-mail address or mobile number"),
        max_length=254,
        help_text=_("The link is sent there at once."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    visit_type = forms.ModelChoiceField(
        label=_("Kind of visit"), queryset=VisitType.objects.none(), to_field_name="public_id", empty_label=None
    )
    language = forms.ChoiceField(label=_("Language of the messages"))

    def __init__(self, *args: Any, visit_types: Any, languages: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visit_type"].queryset = visit_types
        self.fields["language"].choices = _language_choices(languages)

    def clean_contact(self) -> str:
        return clean_contact(self.cleaned_data["contact"])


def clean_contact(text: str) -> str:
    """Return a usable e-mail address or phone number, or raise ValidationError with a sentence that helps."""
    if "@" in text:
        return forms.EmailField(error_messages={"invalid": _("Enter an address such as name@example.com.")}).clean(text)
    try:
        return normalise_phone(text)
    except ValueError:
        message = _("Enter an e-mail address, or a phone number such as +49 170 1234567.")
        raise forms.ValidationError(message) from None


def split_contact(contact: str) -> dict[str, str]:
    """Return {"email": …, "phone": …} of a cleaned contact; one of them is ''."""
    return {"email": contact, "phone": ""} if "@" in contact else {"email": "", "phone": contact}


def _language_choices(languages: Sequence[str]) -> list[tuple[str, Any]]:
    """The clinic's languages that we write in, under their own names."""
    known = dict(settings.LANGUAGES)
    return [(code, known[code]) for code in languages if code in known] or list(known.items())
