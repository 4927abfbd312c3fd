"""Every event has its words in every language and channel, and none of them says what the visit is for."""

import pytest
from django.conf import settings
from icalendar import Calendar

from consultations.outbox.calendar_file import calendar_entry
from consultations.outbox.errors import DeliveryFailed
from consultations.outbox.wording import VERSIONS, best_language, write_words
from tests.consultations.outbox.test_sending import FACTS

LANGUAGES = [code for code, _ in settings.LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("event", VERSIONS)
def test_every_event_has_words(event: str, channel: str, language: str) -> None:
    words = write_words(event, VERSIONS[event], channel, language, FACTS)
    assert bool(words.subject) == (channel == "email")
    assert "{{" not in words.body
    assert "Harbour Clinic" in words.body
    assert (FACTS["link"] in words.body) == (event != "visit_cancelled")
    assert "+49 30 1234567" in words.body


def test_date_and_time_are_those_of_the_reader() -> None:
    english = write_words("visit_invitation", 1, "email", "en", FACTS)
    german = write_words("visit_invitation", 1, "email", "de", {**FACTS, "zone": "America/New_York"})
    assert "Tuesday, 1 December 2026, 09:00 (Berlin time)" in english.body
    assert "Dienstag, 1. Dezember 2026, 03:00 Uhr (Ortszeit New York)" in german.body


def test_two_clocks_are_named_only_when_they_differ() -> None:
    same = write_words("visit_invitation", 1, "email", "en", {**FACTS, "other_zone": "Europe/Paris"})
    other = write_words("visit_invitation", 1, "email", "en", {**FACTS, "other_zone": "Asia/Kathmandu"})
    assert "at the practice" not in same.body
    assert "13:45 at the practice (Kathmandu time)" in other.body


def test_a_name_is_never_taken_for_markup_or_a_header() -> None:
    words = write_words("visit_invitation", 1, "email", "en", {**FACTS, "clinic_name": "Müller & Söhne <GbR>"})
    assert "Müller & Söhne <GbR>" in words.body
    assert "\n" not in words.subject


def test_a_language_without_words_fails_for_good() -> None:
    with pytest.raises(DeliveryFailed, match="no_template") as failure:
        write_words("visit_invitation", 1, "email", "fr", FACTS)
    assert failure.value.permanent
    assert best_language("fr") == "en"


def test_the_calendar_entry_is_neutral_and_in_its_zone() -> None:
    text = calendar_entry(FACTS, recipient="paul@mail.example", language="en", cancelled=False)
    calendar = Calendar.from_ical(text)
    event = calendar.walk("VEVENT")[0]
    assert calendar["METHOD"] == "REQUEST"
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert event.decoded("DTSTART").isoformat() == "2026-12-01T09:00:00+01:00"
    assert calendar.walk("VTIMEZONE")
    assert str(event["SUMMARY"]) == "Video visit"
    for secret in ("token", "Anna", "Harbour"):
        assert secret.encode() not in text


def test_a_change_replaces_the_entry_and_a_cancellation_takes_it_out() -> None:
    changed = {**FACTS, "sequence": 60}
    first = Calendar.from_ical(calendar_entry(FACTS, recipient="p@x.example", language="en", cancelled=False))
    last = Calendar.from_ical(calendar_entry(changed, recipient="p@x.example", language="en", cancelled=True))
    one, two = first.walk("VEVENT")[0], last.walk("VEVENT")[0]
    assert one["UID"] == two["UID"]
    assert one["SEQUENCE"] < two["SEQUENCE"]
    assert (last["METHOD"], two["STATUS"]) == ("CANCEL", "CANCELLED")
