"""A story as JSON, for whoever looks into it with other tools. The schema stands in docs/ROUTING.md."""

from typing import Any, Final

from consultations.rooms.snapshot import iso
from consultations.rooms.story.facts import Sample
from consultations.rooms.story.timeline import Event, Story
from consultations.rooms.story.words import headline, reason_words

SCHEMA: Final = "telemed.path-story/1"
_NUMBERS: Final = tuple(name for name in Sample.__dataclass_fields__ if name not in {"at", "person"})


def export_story(story: Story) -> dict[str, Any]:
    """Return the story with codes and words in the active language. People are p1, p2 …: nothing here leads to a person."""
    facts = story.facts
    keys = {person.id: person.key for person in facts.people}
    return {
        "schema": SCHEMA,
        "visit": {
            "code": facts.code,
            "state": facts.state,
            "opened_at": iso(facts.opened_at),
            "live_at": iso(facts.live_at),
            "ended_at": iso(facts.ended_at),
        },
        "people": [{"id": person.key, "role": person.role} for person in facts.people],
        "ways": [
            {"way": stretch.way, "from": iso(stretch.start), "to": iso(stretch.end)} for stretch in story.stretches
        ],
        "events": [_event(number, event, keys) for number, event in enumerate(story.events, 1)],
        "quality": [
            {"at": iso(sample.at), "person": keys[sample.person], **{name: getattr(sample, name) for name in _NUMBERS}}
            for curve in story.curves
            for sample in sorted((*curve.used, *curve.tried), key=lambda sample: sample.at)
        ],
    }


def _event(number: int, event: Event, keys: dict[str, str]) -> dict[str, Any]:
    return {
        "number": number,
        "at": iso(event.at),
        "kind": event.kind,
        "trigger": event.trigger,
        "route": event.route,
        "moved": event.moved,
        "text": headline(event),
        "people": [person.key for person in event.people],
        "reasons": [
            {"code": reason["code"], "text": reason_words(reason)} for reason in event.reasons if reason.get("code")
        ],
        "ends": [
            {"person": person.key, "local": here, "remote": there, "relay_region": region}
            for person, here, there, region in event.ends
        ],
        "medium": event.medium,
        "factor": event.factor,
        "remedy": event.remedy,
    }
