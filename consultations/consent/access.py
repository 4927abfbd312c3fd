"""Which text is shown to whom, and what somebody has already decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from consultations.appointments.models import Appointment
from consultations.consent.models import ConsentRecord, ConsentText, Purpose

# Nobody is treated by video without it, whatever the visit type says; `VisitType.purposes` lists what may be asked besides.
REQUIRED_PURPOSES = (Purpose.TREATMENT.value,)


@dataclass(frozen=True, slots=True)
class Answer:
    """`state` is granted, refused or withdrawn; `at` since when."""

    state: str
    at: datetime


def current_text(purpose: str, languages: list[str]) -> ConsentText | None:
    """Return the newest reviewed text in the first of `languages` that has one; unreviewed texts never count (CLIN-9)."""
    newest: dict[str, ConsentText] = {}
    texts = ConsentText.objects.filter(purpose=purpose, language__in=languages, reviewed_at__isnull=False)
    for text in texts.order_by("version"):
        newest[text.language] = text
    return next((newest[language] for language in languages if language in newest), None)


def latest_decision(appointment: Appointment, person: str, purpose: str) -> ConsentRecord | None:
    """Return the person's newest answer in this visit, None before the first."""
    records = ConsentRecord.objects.filter(appointment=appointment, person=person, purpose=purpose)
    return records.select_related("text").order_by("-decided_at", "-pk").first()


def is_granted(appointment: Appointment, person: str, purpose: str) -> bool:
    """Return whether the newest answer is a yes that was not withdrawn."""
    record = latest_decision(appointment, person, purpose)
    return record is not None and record.decision == ConsentRecord.Decision.GRANTED and record.withdrawn_at is None


def consent_states(appointment: Appointment, people: Iterable[str]) -> dict[str, dict[str, Answer]]:
    """Return person -> purpose -> their newest answer in this visit. People without one are missing. One query."""
    records = ConsentRecord.objects.filter(appointment=appointment, person__in=list(people))
    found: dict[str, dict[str, Answer]] = {}
    rows = records.order_by("decided_at", "pk").values_list(
        "person", "purpose", "decision", "decided_at", "withdrawn_at"
    )
    for person, purpose, decision, decided_at, withdrawn_at in rows:
        answer = Answer("withdrawn" if withdrawn_at else decision, withdrawn_at or decided_at)
        found.setdefault(person, {})[purpose] = answer
    return found


def records_of(appointment: Appointment, person: str) -> list[ConsentRecord]:
    """Return the newest answer to each purpose, in the order of the purposes, for the person's own page."""
    records = ConsentRecord.objects.filter(appointment=appointment, person=person).select_related("text")
    newest = {record.purpose: record for record in records.order_by("decided_at", "pk")}
    return [newest[purpose] for purpose in Purpose.values if purpose in newest]


def languages_for(person: str, clinic: str) -> list[str]:
    """Return in which languages to look for a text: the person's own first, the clinic's before the product's."""
    return list(dict.fromkeys([person, clinic, settings.LANGUAGE_CODE]))
