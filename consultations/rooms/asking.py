"""What a person in the visit is asked at this moment, in the words that their answer will be about."""

from typing import Any

from django.conf import settings

from consultations.consent.access import current_text, languages_for
from consultations.consent.models import ConsentText, Purpose
from consultations.rooms.capture import GRANTED
from consultations.rooms.facts import RoomFacts
from consultations.rooms.lifecycle import ADMITTED


def texts_to_ask(facts: RoomFacts, viewer_id: str) -> list[dict[str, Any]]:
    """Return the texts that this person has not answered yet. One query while there is a question, else none."""
    me = facts.person(viewer_id)
    if facts.recording is None or me.state != ADMITTED:
        return []
    # What listens hears only what is recorded: a question about that comes after a yes to the first.
    purposes = [Purpose.RECORDING, *([Purpose.TRANSCRIPT] if settings.LISTENING_PROGRAM else [])]
    purpose = next((purpose for purpose in purposes if me.consents.get(purpose) != GRANTED), None)
    if purpose is None or me.consents.get(purpose):
        return []
    text = current_text(purpose, languages_for(me.language, facts.clinic_language))
    return [describe_text(text)] if text is not None else []


def describe_text(text: ConsentText) -> dict[str, Any]:
    return {
        "purpose": text.purpose,
        "language": text.language,
        "version": text.version,
        "title": text.title,
        "summary": text.summary,
        "body": text.body,
        "if_refused": text.if_refused,
    }
