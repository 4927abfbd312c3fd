"""Turns an event and its payload into words, in the language of the person who reads them.

A template lies at templates/outbox/<event>/v<version>.<language>.txt (e-mail: first line the subject, a blank
line, the text) or ….<language>.sms.txt. Never edited once it was sent: a change is a new version, so that a
stored version number always tells what somebody read.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format

from consultations.outbox.errors import DeliveryFailed

# Newest version of each event's texts.
VERSIONS = {
    "visit_invitation": 1,
    "visit_now": 1,
    "visit_rescheduled": 1,
    "visit_cancelled": 1,
    "visit_link": 1,
    "visit_guest": 1,
    "visit_question": 1,
    "visit_copy": 1,
}
_DATE_FORMATS = {"de": "l, j. F Y"}
_TIME_FORMATS = {"de": "H:i \\U\\h\\r"}


@dataclass(frozen=True, slots=True)
class Words:
    """A rendered message. `subject` is empty for a text message."""

    subject: str
    body: str


def write_words(event: str, version: int, channel: str, language: str, payload: dict[str, Any]) -> Words:
    """Render a message. Raises DeliveryFailed("no_template") when the language or event has no text."""
    suffix = "txt" if channel == "email" else "sms.txt"
    context = {**payload, **when_words(payload, language)}
    with translation.override(language):
        try:
            text = render_to_string(f"outbox/{event}/v{version}.{language}.{suffix}", context).strip()
        except TemplateDoesNotExist:
            raise DeliveryFailed("no_template") from None
    if channel != "email":
        return Words(subject="", body=text)
    subject, _, body = text.partition("\n")
    return Words(subject=" ".join(subject.split()), body=body.strip() + "\n")


def when_words(payload: dict[str, Any], language: str) -> dict[str, str]:
    """Return `date`, `time`, `place` of payload["starts_at"] (ISO, UTC) in payload["zone"]; {} without them.

    With payload["other_zone"] also `other_time` and `other_place`, if the clocks there differ at that moment.
    """
    if "starts_at" not in payload:
        return {}
    instant = datetime.fromisoformat(payload["starts_at"])
    local = instant.astimezone(ZoneInfo(payload["zone"]))
    with translation.override(language):
        words = {
            "date": date_format(local, _DATE_FORMATS.get(language, "l, j F Y")),
            "time": _time(local, language),
            "place": _place(payload["zone"]),
        }
        if payload.get("other_zone"):
            other = instant.astimezone(ZoneInfo(payload["other_zone"]))
            if other.utcoffset() != local.utcoffset():
                words |= {"other_time": _time(other, language), "other_place": _place(payload["other_zone"])}
    return words


def _time(local: datetime, language: str) -> str:
    return date_format(local, _TIME_FORMATS.get(language, "H:i"))


def _place(zone: str) -> str:
    """The city in an IANA name, which is what people know: America/New_York is New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def best_language(wanted: str) -> str:
    """Return `wanted` if we write in it, else the site's default."""
    known = [code for code, _ in settings.LANGUAGES]
    return wanted if wanted in known else settings.LANGUAGE_CODE
