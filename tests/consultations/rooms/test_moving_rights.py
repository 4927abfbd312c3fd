"""What people may say about moving a visit, what is kept of it, and that no route is ever without its reason."""

import ast
import contextlib
import random
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from consultations.appointments.models import VisitType
from consultations.rooms import reasons
from consultations.rooms.actions import moving, seats, visit
from consultations.rooms.actions.routing import weigh_route
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import Participant, Room, RouteDecision
from consultations.rooms.policy_facts import server_consent
from consultations.rooms.refusals import Refused
from consultations.rooms.route import join_for, switching_for
from consultations.rooms.snapshot import build_snapshot
from consultations.rooms.switch_desk import visit_of
from media_routing import api
from telemed.accounts.models import User
from telemed.audit.models import AuditEntry
from tests.consultations.rooms.test_actions import CHECK, Scene, refusal
from tests.consultations.rooms.test_actions import scene as scene
from tests.consultations.rooms.test_guests import admit, come_in, invite, make_strict


@pytest.fixture
def live(scene: Scene) -> Scene:
    """Anna and Paul inside, on their direct path."""
    scene.enter()
    scene.wait()
    scene.admit()
    return scene


def move(scene: Scene, to: str, trigger: str, evidence: api.Evidence) -> bool:
    return moving.move_route(scene.room.pk, to=to, trigger=trigger, evidence=evidence)


def last() -> RouteDecision:
    row = RouteDecision.objects.last()
    assert row is not None
    return row


# --- Words of people --------------------------------------------------------------------------------------------------------


def test_only_who_is_inside_is_heard(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    for say in (
        lambda: moving.report_trouble(scene.paul, kind="no_sound"),
        lambda: moving.answer_move(scene.paul, answer="yes"),
    ):
        with refusal("not_admitted"):
            say()
    assert not RouteDecision.objects.filter(trigger__in=["trouble", "answered"]).exists()


def test_trouble_is_part_of_the_story_and_of_the_audit_log(live: Scene) -> None:
    moving.report_trouble(live.paul, kind="no_sound")
    assert (last().trigger, last().reasons) == (
        "trouble",
        [{"code": "no_sound", "params": {"participant": live.paul.public_id}}],
    )
    entry = AuditEntry.objects.get(event="room.trouble")
    assert entry.actor != ""
    moving.report_trouble(live.anna, kind="breaks_up", acting_user=live.cast.anna)
    assert AuditEntry.objects.filter(event="room.trouble").count() == 2


def test_a_no_is_kept_and_a_yes_covers_one_stay_on_the_server(live: Scene) -> None:
    make_strict(live, "profile")
    moving.answer_move(live.anna, answer="yes", acting_user=live.cast.anna)
    assert not move(live, "sfu", "quality", "server_better"), "one yes is not the yes of both"
    assert last().reasons[0]["code"] == "one_to_one"
    assert "move_needs_yes" in [reason["code"] for reason in last().reasons]
    moving.answer_move(live.paul, answer="yes")
    moving.answer_move(live.paul, answer="yes")  # a repeat changes nothing
    assert RouteDecision.objects.filter(trigger="answered").count() == 2
    assert AuditEntry.objects.filter(event="room.move_answered").count() == 2
    assert move(live, "sfu", "quality", "server_better")
    assert [reason["code"] for reason in last().reasons] == [
        "quality_through_server",
        "server_is_blind",
        "no_relay_configured",
        "server_agreed",
    ]
    assert move(live, "p2p", "recovered", "direct_good")
    assert not move(live, "sfu", "quality", "server_better"), "the next stay needs the next yes"
    moving.answer_move(live.paul, answer="no")
    with refusal("nothing_asked"):
        moving.answer_move(live.paul, answer="yes")
    assert visit_of(load_room_facts(live.room.pk, with_details=False)).declined == {live.paul.public_id}


def test_after_a_no_the_third_person_stays_outside_a_visit_of_maximum_privacy(live: Scene) -> None:
    make_strict(live, "privacy_class")
    invited = invite(live)
    with refusal("server_needs_yes"):
        come_in(live, invited)
    assert visit_of(load_room_facts(live.room.pk, with_details=False)).asks == {
        live.anna.public_id,
        live.paul.public_id,
    }
    moving.answer_move(live.anna, answer="yes", acting_user=live.cast.anna)
    moving.answer_move(live.paul, answer="no")
    with refusal("server_declined"):
        admit(live, invited)
    assert Room.objects.get().route == "p2p"


@pytest.mark.parametrize("evidence", ["server_better", "direct_failed"])
def test_maximum_privacy_is_never_moved_unasked_whatever_the_profile(live: Scene, evidence: api.Evidence) -> None:
    VisitType.objects.update(privacy_class="maximum")
    for profile in ("gdpr", "hipaa", "kbv"):
        live.cast.harbour.profile = profile
        live.cast.harbour.save()
        assert not move(live, "sfu", "quality", evidence)
    for seat in (live.anna, live.paul):
        moving.answer_move(seat, answer="yes")
    assert move(live, "sfu", "quality", evidence), "control"


def test_a_server_that_could_read_is_asked_for_first(live: Scene) -> None:
    """One browser cannot encrypt frames: between the two of them it makes no difference, on the server it would."""
    seats.record_device_check(live.paul, check={**CHECK, "frame_encryption": False}, relay_only=False)
    facts = load_room_facts(live.room.pk, with_details=False)
    assert len(visit_of(facts).asks) == 2
    assert not move(live, "sfu", "quality", "server_better")
    seats.record_device_check(live.paul, check={**CHECK, "frame_encryption": True}, relay_only=False)
    assert not visit_of(load_room_facts(live.room.pk, with_details=False)).asks
    assert move(live, "sfu", "quality", "server_better"), "control"


def test_a_guest_is_not_one_of_the_two_who_are_asked(live: Scene) -> None:
    people = list(Participant.objects.filter(room=live.room))
    assert server_consent(people) == "unasked"
    for person in people:
        person.server_answer = "yes"
    assert server_consent(people) == "yes"
    guest = Participant(role="interpreter", server_answer="no", state="admitted", admitted_at=timezone.now())
    assert server_consent([*people, guest]) == "yes"
    assert server_consent([person for person in people if person.role == "practitioner"]) == "unasked"


# --- What is shown ----------------------------------------------------------------------------------------------------------


def test_who_is_inside_sees_what_is_tried_and_nobody_else_does(live: Scene) -> None:
    facts = load_room_facts(live.room.pk, with_details=False)
    shown = api.Shown(
        warm="sfu",
        move=api.Asked("sfu", "probing", api.Reason("direct_unacceptable")),
        advice=api.Reason("last_mile", {"participant": live.paul.public_id}),
        server=True,
    )
    me = live.paul.public_id
    join, _ = join_for(facts, me, shown)
    switching = switching_for(facts, me, shown)
    snapshot = build_snapshot(facts, me, join=join, switching=switching)
    assert snapshot["join"]["warm"]["engine"] == "sfu"
    assert "decision" not in snapshot["join"]["warm"]
    assert snapshot["room"]["move"]["state"] == "probing"
    mine, theirs = snapshot["room"]["advice"], switching_for(facts, live.anna.public_id, shown)["advice"]
    assert mine["participant"] == theirs["participant"] == me
    assert mine["text"].startswith("Your")
    assert not theirs["text"].startswith("Your")
    outside = build_snapshot(facts, me, device_state="asking", join=join, switching=switching)
    assert (outside["join"], outside["room"]["move"], outside["room"]["advice"]) == (None, None, None)


def test_staff_read_the_reasons_in_the_language_of_their_account(live: Scene) -> None:
    """Also when it was changed after the visit was booked; the seat remembers the one of that day."""
    User.objects.filter(pk=live.cast.anna.pk).update(language="de")
    facts = load_room_facts(live.room.pk, with_details=False)
    texts = [join_for(facts, one.public_id)[0]["decision"]["reasons"][0]["text"] for one in (live.anna, live.paul)]  # type: ignore[index]
    assert "Geräte" in texts[0], texts
    assert "Geräte" not in texts[1], texts


def test_what_is_in_use_is_not_tried_any_more(live: Scene) -> None:
    """The machine's word is from before the look, the database's from it."""
    assert move(live, "sfu", "quality", "server_better")
    facts = load_room_facts(live.room.pk, with_details=False)
    shown = api.Shown(warm="sfu", move=api.Asked("sfu", "probing", api.Reason("direct_unacceptable")), server=True)
    join, _ = join_for(facts, live.paul.public_id, shown)
    assert join is not None
    assert (join["engine"], join["warm"]) == ("sfu", None)
    assert switching_for(facts, live.paul.public_id, shown)["move"] is None


def test_the_direct_path_that_is_tried_hides_addresses_like_any_other(live: Scene) -> None:
    live.cast.harbour.relay_only = True
    live.cast.harbour.save()
    Room.objects.update(route="sfu", route_reasons=[{"code": "stays_on_server", "params": {}}])
    facts = load_room_facts(live.room.pk, with_details=False)
    join, _ = join_for(facts, live.paul.public_id, api.Shown(warm="p2p"))
    assert join is not None
    assert (join["ice_transport_policy"], join["warm"]["ice_transport_policy"]) == ("all", "relay")


def test_a_visit_that_has_ended_is_not_moved(live: Scene) -> None:
    visit.finish_visit(live.anna, outcome="done", acting_user=live.cast.anna)
    before = RouteDecision.objects.count()
    assert not move(live, "sfu", "quality", "server_better")
    moving.keep_step(live.room.pk, trigger="probe", reason=api.Reason("direct_unacceptable"))
    assert RouteDecision.objects.count() == before


# --- Every decision has its reason ------------------------------------------------------------------------------------------

# Who may set the route of a visit: the one function that keeps the reasons, and the one that forgets the visit.
WRITERS = {
    ("consultations.rooms.actions.routing", "choose_route"),
    ("consultations.rooms.actions.retention", "_forget"),
}


def writers_of_route(sources: dict[str, str]) -> set[tuple[str, str]]:
    found = set()
    for module, text in sources.items():
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                targets = (
                    [one for target in node.targets for one in ast.walk(target)] if isinstance(node, ast.Assign) else []
                )
                sets = any(isinstance(one, ast.Attribute) and one.attr == "route" for one in targets)
                updates = (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in {"update", "create"}
                    and "Room.objects" in ast.unparse(node.func)
                    and any(keyword.arg in {"route", "route_reasons"} for keyword in node.keywords)
                )
                if sets or updates:
                    found.add((module, function.name))
    return found


def test_one_function_sets_the_route_of_a_visit() -> None:
    root = Path(__file__).parents[3]
    sources = {
        ".".join(file.relative_to(root).with_suffix("").parts): file.read_text()
        for file in (root / "consultations").rglob("*.py")
        if "migrations" not in file.parts
    }
    assert writers_of_route(sources) == WRITERS
    wrong = {
        "x": "def f(room):\n    room.route, y = 'sfu', 1",
        "y": "def g():\n    Room.objects.filter().update(route='x')",
    }
    assert writers_of_route(wrong) == {("x", "f"), ("y", "g")}, "control"


STEPS = [
    "enter",
    "third",
    "third_leaves",
    "paul_leaves",
    "paul_back",
    "relay",
    "better",
    "good",
    "failed",
    "trouble",
    "yes",
    "no",
]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("strict", ["", "profile", "privacy_class"])
def test_whatever_happens_every_route_has_a_row_and_every_row_a_reason_with_words(
    live: Scene, seed: int, strict: str
) -> None:
    rng = random.Random(seed)
    if strict:
        make_strict(live, strict)
    invited = invite(live)
    with pytest.raises(Refused) if strict == "privacy_class" else contextlib.nullcontext():
        come_in(live, invited)
    for step in rng.choices(STEPS, k=12):
        with contextlib.suppress(Refused):
            _take(live, step, invited)
        room = Room.objects.get()
        row = RouteDecision.objects.filter(trigger__in=_routes()).exclude(trigger="admission_refused").last()
        assert row is not None
        assert (row.route, row.reasons) == (room.route, room.route_reasons), step
    known = {*reasons.TEXTS, *reasons.STEPS}
    for row in RouteDecision.objects.all():
        assert row.reasons
        assert {reason["code"] for reason in row.reasons} <= known, row.trigger


def _routes() -> list[str]:
    told = {"trouble", "answered", "probe", "probe_ended", "asked", "advice"}
    return [
        trigger for trigger in RouteDecision.objects.values_list("trigger", flat=True).distinct() if trigger not in told
    ]


def _take(scene: Scene, step: str, invited: object) -> None:
    guest = Participant.objects.get(pk=invited.seat.pk)  # type: ignore[attr-defined]
    match step:
        case "enter":
            scene.enter()
        case "third":
            seats.start_waiting(guest)
            admit(scene, invited)  # type: ignore[arg-type]
        case "third_leaves":
            visit.leave_visit(guest)
        case "paul_leaves":
            visit.leave_visit(scene.paul)
        case "paul_back":
            seats.start_waiting(scene.paul)
        case "relay":
            seats.record_device_check(scene.paul, check=CHECK, relay_only=not scene.paul.relay_only)
        case "better":
            move(scene, "sfu", "quality", "server_better")
        case "good":
            move(scene, "p2p", "recovered", "direct_good")
        case "failed":
            move(scene, "sfu", "direct_failed", "direct_failed")
        case "trouble":
            moving.report_trouble(scene.paul, kind="no_picture")
        case _:
            moving.answer_move(scene.paul if step == "no" else scene.anna, answer=step)


@given(st.sampled_from(sorted({*api.REASON_CODES, *api.SWITCH_REASONS})))
def test_every_reason_is_a_sentence(code: str) -> None:
    assert reasons.describe(code).endswith(".")
    assert reasons.describe(code) != code


def test_the_weighing_is_the_same_for_rows_and_for_the_facts_of_a_look(live: Scene) -> None:
    for route in ("p2p", "sfu"):
        Room.objects.update(route=route, route_reasons=[{"code": "one_to_one", "params": {}}])
        room = Room.objects.select_related("appointment__clinic", "appointment__visit_type").get()
        seen = visit_of(load_room_facts(room.pk, with_details=False))
        assert seen.may_use_server == (route == "p2p" and weigh_route(room, evidence="direct_failed").route == "sfu")
        assert seen.may_return == (route == "sfu" and weigh_route(room, evidence="direct_good").route == "p2p")
        assert seen.may_use_server != seen.may_return
