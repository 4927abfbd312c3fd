"""The story of the path: facts in, events, stretches and curves out; words that need no code to understand; the pages."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from consultations.rooms.story.drawing import draw
from consultations.rooms.story.facts import Person, Row, Sample, VisitFacts
from consultations.rooms.story.summary import spans, summarise, tell
from consultations.rooms.story.timeline import Story, build_story
from telemed.audit.models import AuditEntry
from tests.base import Cast
from tests.consultations.rooms.told_visits import tell_long_visit, tell_plain_visit
from tests.matrix.world import World, make_world

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DOCTOR, PATIENT = Person("doc", "p1", "practitioner"), Person("pat", "p2", "patient")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def decision(seconds: float, trigger: str, route: str, *codes: str, **params: str) -> Row:
    reasons = tuple({"code": code, "params": params} for code in codes)
    return Row(at(seconds), trigger, route, route == "none", reasons)


def report(seconds: float, state: str, route: str, person: Person = PATIENT, local: str = "srflx") -> Row:
    return Row(
        at(seconds), f"path.{state}", route, False, ({"participant": person.id, "local": local, "remote": "host"},)
    )


def told(*rows: Row, samples: tuple[Sample, ...] = (), end: float = 600) -> Story:
    facts = VisitFacts("c", "ended", NOON, NOON, at(end), (DOCTOR, PATIENT), rows, samples)
    story = build_story(facts, now=at(end))
    assert story is not None
    return story


def ways(story: Story) -> list[tuple[str, float, float]]:
    return [(one.way, (one.start - NOON).total_seconds(), (one.end - NOON).total_seconds()) for one in story.stretches]


OPENED, ADMITTED = decision(0, "opened", "p2p", "one_to_one"), decision(60, "admitted", "p2p", "one_to_one")


def test_a_visit_of_which_nothing_is_kept_has_no_story() -> None:
    assert build_story(VisitFacts("c", "ended", None, None, None), now=NOON) is None


def test_waiting_connecting_and_connected_follow_each_other() -> None:
    story = told(OPENED, ADMITTED, report(64, "connected", "direct"))
    assert ways(story) == [("waiting", 0, 60), ("connecting", 60, 64), ("direct", 64, 600)]
    assert story.moves == 0


def test_while_a_move_is_made_the_old_way_still_carries() -> None:
    moved = decision(200, "quality", "sfu", "quality_through_server")
    story = told(OPENED, ADMITTED, report(64, "connected", "direct"), moved, report(206, "connected", "server"))
    assert ways(story)[2:] == [("direct", 64, 206), ("server", 206, 600)]
    assert story.moves == 1
    assert [event.moved for event in story.events if event.trigger == "quality"] == [True]


def test_a_move_that_no_browser_reports_has_not_been_made() -> None:
    moved = decision(200, "quality", "sfu", "quality_through_server")
    story = told(OPENED, ADMITTED, report(64, "connected", "direct"), moved)
    assert ways(story)[2:] == [("direct", 64, 220), ("connecting", 220, 600)]


def test_who_is_connecting_already_is_not_said_to_connect_again() -> None:
    """A browser tells it with every way that it tries."""
    again = [report(61 + second, "connecting", way) for second, way in ((0, ""), (1, "direct"), (20, ""))]
    story = told(OPENED, ADMITTED, *again, report(90, "lost", "direct"), report(91, "connecting", ""))
    assert [event.kind for event in story.events[2:]] == ["connecting", "lost", "connecting"]
    other = told(OPENED, ADMITTED, report(61, "connecting", ""), report(75, "connecting", "", DOCTOR))
    assert [event.kind for event in other.events[2:]] == ["connecting", "connecting"], "another person"


def measured(second: float, audio: int, video: int = 90) -> Sample:
    return Sample(at(second), PATIENT.id, "p2p", False, audio, video, "loss" if audio < 70 else "")


def test_ten_seconds_end_where_the_next_begin() -> None:
    """The first report of a path is kept at once, the ten seconds after it begin with the second."""
    story = told(OPENED, ADMITTED, samples=(measured(64, 90), measured(66, 20), measured(76, 90)))
    assert [(span.start, span.end, span.sound) for span in spans(story)] == [
        (at(64), at(66), "good"), (at(66), at(76), "poor"), (at(76), at(86), "good"),
    ]  # fmt: skip
    assert story.curves[0].poor_seconds == 10
    short = told(OPENED, ADMITTED, samples=(measured(64, 20), measured(66, 90)))
    assert short.curves[0].poor_seconds == 2


def test_what_was_fair_all_the_time_is_called_so() -> None:
    connected = report(64, "connected", "direct")
    fair = told(OPENED, ADMITTED, connected, samples=(measured(64, 50),))
    assert "Patient: fair all the time." in summarise(fair)
    half = told(OPENED, ADMITTED, connected, samples=(measured(64, 50), measured(74, 90)))
    assert "Patient: never poor, 50 % of the time good." in summarise(half)


def test_a_line_of_one_point_lasts_its_ten_seconds() -> None:
    [line] = draw(told(OPENED, ADMITTED, samples=(measured(300, 90),)), BERLIN).lanes[0].audio
    (start, y), (end, same) = (point.split(",") for point in line.split())
    assert y == same
    assert float(end) - float(start) == pytest.approx(868 * 10 / 600, abs=0.1)


def test_trials_questions_and_refused_guests_move_nothing() -> None:
    telling = [
        decision(100 + number, trigger, "p2p", code)
        for number, (trigger, code) in enumerate(
            [("probe", "direct_unacceptable"), ("probe_ended", "last_mile"), ("asked", "move_needs_yes"),
             ("answered", "said_no"), ("trouble", "no_sound")]
        )
    ]  # fmt: skip
    refused = decision(300, "admission_refused", "none", "three_or_more_need_server")
    story = told(OPENED, ADMITTED, report(64, "connected", "relay"), *telling, refused)
    assert ways(story)[-1] == ("relay", 64, 600)
    assert story.moves == 0
    kinds = [event.kind for event in story.events][3:]
    assert kinds == ["trial", "trial", "question", "question", "trouble", "refused"]


def test_a_visit_that_is_not_allowed_shows_it() -> None:
    story = told(OPENED, decision(60, "relay_only_switched", "none", "relay_required_but_missing"))
    assert ways(story) == [("waiting", 0, 60), ("refused", 60, 600)]


def test_one_lost_end_breaks_a_direct_path_and_not_the_server() -> None:
    begin = (OPENED, ADMITTED, report(64, "connected", "direct", DOCTOR), report(64.5, "connected", "direct"))
    broken = told(*begin, report(100, "lost", "direct"), report(109, "connected", "direct"))
    assert ways(broken)[2:] == [("direct", 64, 100), ("lost", 100, 109), ("direct", 109, 600)]
    onto = (decision(70, "admitted", "sfu", "three_or_more"), report(72, "connected", "server", DOCTOR))
    on_server = told(*begin, *onto, report(73, "connected", "server"), report(100, "lost", "server"))
    assert ways(on_server)[-1] == ("server", 72, 600)


def test_who_left_does_not_hold_the_visit_on_the_server() -> None:
    guest = Person("guest", "p3", "relative")
    onto = (decision(70, "admitted", "sfu", "three_or_more"), report(72, "connected", "server", DOCTOR))
    both = (
        report(73, "connected", "server"),
        report(74, "connected", "server", guest),
        report(90, "lost", "server", guest),
    )
    back = (decision(100, "left", "sfu", "stays_on_server"), decision(200, "recovered", "p2p", "one_to_one"))
    story = told(
        OPENED,
        ADMITTED,
        report(64, "connected", "direct"),
        *onto,
        *both,
        *back,
        report(203, "connected", "relay", DOCTOR),
    )
    assert ways(story)[2:] == [("direct", 64, 72), ("server", 72, 203), ("relay", 203, 600)]


def test_who_leaves_a_visit_of_two_leaves_one_waiting() -> None:
    story = told(OPENED, ADMITTED, report(64, "connected", "direct"), decision(300, "left", "p2p", "one_to_one"))
    assert ways(story)[-1] == ("waiting", 300, 600)


def test_both_sides_reports_of_one_moment_are_one_event() -> None:
    story = told(
        OPENED, ADMITTED, report(64, "connected", "direct", DOCTOR), report(65, "connected", "direct"),
        report(200, "lost", "direct"), report(230, "connected", "direct"),
    )  # fmt: skip
    assert [(event.kind, len(event.people)) for event in story.events[2:]] == [
        ("connected", 2), ("lost", 1), ("connected", 1),
    ]  # fmt: skip


def test_poor_is_told_once_and_better_only_when_it_lasts() -> None:
    scores = [90, 30, 75, 35, 30, 80, 82, 85, 90]
    samples = tuple(
        Sample(at(100 + 10 * index), "pat", "p2p", audio=score, video=90, audio_factor="loss")
        for index, score in enumerate(scores)
    )
    events = [e for e in told(OPENED, ADMITTED, samples=samples).events if e.kind in {"poor", "better"}]
    assert [(event.kind, (event.at - NOON).total_seconds()) for event in events] == [("poor", 110), ("better", 150)]
    assert (events[0].medium, events[0].factor) == ("audio", "loss")


def test_what_was_tried_beside_is_a_curve_of_its_own_and_never_poor() -> None:
    samples = (
        Sample(at(100), "pat", "p2p", audio=90, video=90),
        Sample(at(101), "pat", "sfu", warm=True, audio=10, video=10),
    )
    story = told(OPENED, ADMITTED, samples=samples)
    assert [(len(curve.used), len(curve.tried), curve.poor_seconds) for curve in story.curves] == [(1, 1, 0)]


def test_every_trigger_has_words_and_every_number_of_the_drawing_a_line() -> None:
    triggers = ("staff_entered", "came_back", "left", "removed", "relay_only_switched", "recording", "probe",
                "probe_ended", "quality", "recovered", "asked", "answered", "trouble", "direct_failed", "advice", "new_one")  # fmt: skip
    rows = [decision(70 + n, trigger, "p2p", "one_to_one") for n, trigger in enumerate(triggers)]
    story = told(OPENED, ADMITTED, *rows, report(64, "connected", "direct"))
    lines = tell(story, BERLIN)
    assert not [line.headline for line in lines if "_" in line.headline or "{" in line.headline]
    shown: set[int] = set()
    for marker in draw(story, BERLIN).markers:
        first, _, last = marker.label.partition("–")
        shown |= set(range(int(first), int(last or first) + 1))
    assert shown == {line.number for line in lines}


def test_what_still_holds_is_not_said_twice() -> None:
    story = told(
        decision(0, "opened", "p2p", "one_to_one", "server_is_blind"),
        decision(60, "admitted", "p2p", "one_to_one", "server_is_blind"),
    )
    assert [len(line.why) for line in tell(story, BERLIN)] == [2, 1]


@pytest.fixture
def world(cast: Cast) -> World:
    world = make_world(cast)
    for appointment in (world.appointment, world.nora_appointment):
        appointment.room.route_decisions.all().delete()
    tell_long_visit(world.appointment.room, NOON)
    tell_plain_visit(world.nora_appointment.room, NOON)
    return world


def test_the_page_says_it_in_words_and_as_a_drawing(world: World) -> None:
    page = world.client("clinic_admin").get(reverse("visit_path", args=[world.code])).content.decode()
    text = re.sub(r"\s+", " ", page)
    assert "The visit moved to another way 3 times." in text
    assert "Patient: poor for 40 s, mostly because the network lost too much of what was sent." in text
    assert "Patient said: “I cannot hear you”" in text
    assert 'role="img" aria-labelledby="story-svg-title story-svg-desc"' in page
    assert "style=" not in page, "the content policy forbids it"
    assert page.count("story__way--server") == 3, "two stretches and the legend"
    for name in ("Paul Peters", "Anna Abel", "Ina"):
        assert name not in text.split("<main")[1].split("</main>")[0]


def test_times_are_those_of_the_viewer(world: World) -> None:
    url = reverse("visit_path", args=[world.code])
    world.cast.anna.time_zone = "America/New_York"
    world.cast.anna.save(update_fields=["time_zone"])
    page = world.client("practitioner").get(url).content.decode()
    assert "07:11:24" in page
    assert "13:11:24" in world.client("clinic_admin").get(url).content.decode(), "control: Berlin"


def test_an_empty_visit_and_one_that_was_forgotten_say_so(world: World) -> None:
    room = world.appointment.room
    room.route_decisions.all().delete()
    assert "No longer kept" not in _page(world)
    room.state, room.ended_at = "ended", None
    room.save(update_fields=["state", "ended_at"])
    assert "No longer kept" in _page(world)


def _page(world: World) -> str:
    return world.client("practitioner").get(reverse("visit_path", args=[world.code])).content.decode()


def test_the_file_says_the_same_without_leading_to_anybody(world: World) -> None:
    response = world.client("practitioner").get(reverse("visit_path_json", args=[world.code]))
    assert "attachment" in response["Content-Disposition"]
    story = json.loads(response.content)
    assert story["schema"] == "telemed.path-story/1"
    assert [way["way"] for way in story["ways"]] == ["waiting", "connecting", "relay", "server", "direct", "server"]
    assert [(event["trigger"], event["reasons"][0]["code"]) for event in story["events"] if event["moved"]] == [
        ("quality", "quality_through_server"), ("recovered", "one_to_one"), ("admitted", "three_or_more"),
    ]  # fmt: skip
    assert {sample["person"] for sample in story["quality"]} == {"p1", "p2", "p3"}
    body = response.content.decode()
    people = world.appointment.room.participants.all()
    assert not [person for person in people if person.public_id in body or person.name in body]


def test_reading_and_taking_along_are_audited(world: World) -> None:
    client = world.client("practitioner")
    client.get(reverse("visit_path", args=[world.code]))
    client.get(reverse("visit_path_json", args=[world.code]))
    events = AuditEntry.objects.filter(event__startswith="room.story_").order_by("seq")
    assert [(event.event, event.object) for event in events] == [
        ("room.story_read", f"room:{world.code}"), ("room.story_exported", f"room:{world.code}"),
    ]  # fmt: skip


def test_the_drawer_gets_the_newest_first(world: World) -> None:
    events = world.client("practitioner").get(reverse("visit_path_events", args=[world.code])).json()["events"]
    assert events[0]["number"] == len(events)
    assert events[-1]["text"] == "The practitioner opened the visit"
