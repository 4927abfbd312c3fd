"""What a person in the visit is asked at this moment, in the words that their answer will be about."""

from typing import Any

from consultations.consent.access import current_text, languages_for
from consultations.consent.models import ConsentText, Purpose
from consultations.rooms.facts import RoomFacts
from consultations.rooms.lifecycle import ADMITTED


def texts_to_ask(facts: RoomFacts, viewer_id: str) -> list[dict[str, Any]]:
    """Return the texts that this person has not answered yet. One query while there is a question, else none."""
    me = facts.person(viewer_id)
    if facts.recording is None or me.state != ADMITTED or me.consents.get(Purpose.RECORDING):
        return []
    text = current_text(Purpose.RECORDING, languages_for(me.language, facts.clinic_language))
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
