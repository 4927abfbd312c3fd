"""Asking one more person into a visit: refusals first, then the one-time link and what each role is asked."""

import json
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from django.test import Client

from consultations.appointments.models import VisitType
from consultations.outbox.models import Message
from consultations.rooms import access
from consultations.rooms.actions import guests, moving, seats, visit
from consultations.rooms.actions.booking import book_visit, cancel_visit, reschedule_visit
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import Participant, Room, RouteDecision, SeatDevice
from consultations.rooms.refusals import Refused
from consultations.rooms.seat_state import describe_seat
from consultations.rooms.snapshot import build_snapshot
from telemed.audit.models import AuditEntry
from tests.base import Cast, soon
from tests.consultations.rooms.test_actions import CHECK, Scene, refusal


def book(cast: Cast, **kind: object) -> Scene:
    visit_type = VisitType.objects.create(clinic=cast.harbour, name="Family", duration_minutes=50, **kind)
    appointment = book_visit(
        clinic=cast.harbour,
        patient=cast.paul,
        practitioner=cast.anna.practitioner,
        visit_type=visit_type,
        starts_at=soon(5),
        zone="Europe/Berlin",
        acting_user=cast.ivy,
    )
    return Scene(cast, Room.objects.get(appointment=appointment), "")


@pytest.fixture
def scene(cast: Cast) -> Scene:
    """A visit for two, with the practitioner inside."""
    scene = book(cast)
    scene.enter()
    return scene


def invite(scene: Scene, role: str = "interpreter", **fields: str) -> guests.Invited:
    values = {"name": "Ina Iver", "language": "", "contact": "", **fields}
    return visit.invite_into_visit(scene.anna, role=role, acting_user=scene.cast.anna, **values)


def redeem(invited: guests.Invited, cookies: dict[str, str] | None = None) -> seats.Redeemed:
    link = access.find_link(invited.token)
    assert link is not None
    return seats.redeem_link(link, cookies=cookies or {}, label="Phone")


def admit(scene: Scene, invited: guests.Invited) -> None:
    visit.admit_participant(scene.anna, target=invited.seat.public_id, identity="known", acting_user=scene.cast.anna)


def come_in(scene: Scene, invited: guests.Invited) -> Participant:
    redeem(invited)
    blank = {"location": "", "callback_number": "", "emergency_name": "", "emergency_phone": ""}
    seats.confirm_details(invited.seat, name=invited.seat.name, **blank)
    seats.record_device_check(invited.seat, check=CHECK, relay_only=False)
    seats.start_waiting(invited.seat)
    admit(scene, invited)
    return Participant.objects.get(pk=invited.seat.pk)


# --- Refusals -------------------------------------------------------------------------------------------------------------


def test_only_the_practitioner_in_the_room_invites(scene: Scene) -> None:
    before = Participant.objects.count()
    for acting_user in (scene.cast.carl, scene.cast.sara, scene.cast.ivy):
        with refusal("not_allowed"):
            visit.invite_into_visit(
                scene.anna, role="relative", name="Rita", language="", contact="", acting_user=acting_user
            )
    visit.leave_visit(scene.anna, acting_user=scene.cast.anna)
    with refusal("not_allowed"):
        invite(scene)
    assert Participant.objects.count() == before


def make_strict(scene: Scene, by: str) -> None:
    if by == "profile":
        scene.cast.harbour.profile = "kbv"
        scene.cast.harbour.save()
    else:
        VisitType.objects.update(privacy_class="maximum")


def unable(seat: Participant) -> None:
    """This person's browser cannot encrypt frames."""
    seats.record_device_check(seat, check={**CHECK, "frame_encryption": False}, relay_only=False)


@pytest.mark.parametrize("by", ["profile", "privacy_class"])
def test_a_third_person_may_come_where_the_server_must_be_blind_because_it_is(scene: Scene, by: str) -> None:
    from consultations.rooms.actions.links import mint_link

    make_strict(scene, by)
    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    scene.admit()
    invited = invite(scene)
    if by == "privacy_class":  # there, only with the fresh yes of both
        with refusal("server_needs_yes"):
            come_in(scene, invited)
        moving.answer_move(scene.anna, answer="yes", acting_user=scene.cast.anna)
        with refusal("server_needs_yes"):
            admit(scene, invited)
        moving.answer_move(scene.paul, answer="yes")
        admit(scene, invited)
    else:
        come_in(scene, invited)
    room = Room.objects.get()
    assert (room.route, room.route_reasons[1]["code"]) == ("sfu", "server_is_blind")


def test_in_maximum_privacy_the_patient_comes_before_guests(scene: Scene) -> None:
    """Else nobody could ask the patient, who waits, whether a third person may come: themselves."""
    from consultations.rooms.actions.links import mint_link

    make_strict(scene, "privacy_class")
    invited = invite(scene)
    with refusal("patient_first"):
        come_in(scene, invited)
    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    scene.admit()
    with refusal("server_needs_yes"):
        admit(scene, invited)


def test_else_a_guest_may_come_before_the_patient(scene: Scene) -> None:
    make_strict(scene, "profile")
    come_in(scene, invite(scene))


@pytest.mark.parametrize("by", ["profile", "privacy_class"])
def test_who_cannot_encrypt_is_never_let_in_where_the_server_must_be_blind(scene: Scene, by: str) -> None:
    invited = invite(scene)
    make_strict(scene, by)
    redeem(invited)
    blank = {"location": "", "callback_number": "", "emergency_name": "", "emergency_phone": ""}
    seats.confirm_details(invited.seat, name=invited.seat.name, **blank)
    unable(invited.seat)
    seats.start_waiting(invited.seat)
    for accepted in (False, True):
        with refusal("encryption_required"):
            visit.admit_participant(
                scene.anna,
                target=invited.seat.public_id,
                identity="known",
                acting_user=scene.cast.anna,
                accept_unencrypted=accepted,
            )
    unable_no_more = {**CHECK, "frame_encryption": True}
    seats.record_device_check(invited.seat, check=unable_no_more, relay_only=False)
    # Control: it is not the browser any more that keeps them out.
    with nullcontext() if by == "profile" else refusal("patient_first"):
        admit(scene, invited)


@pytest.mark.parametrize("by", ["profile", "privacy_class"])
def test_where_somebody_cannot_encrypt_and_the_rules_get_stricter_nobody_third_comes(scene: Scene, by: str) -> None:
    from consultations.rooms.actions.links import mint_link

    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    unable(scene.paul)
    with refusal("encryption_not_accepted"):
        scene.admit()
    visit.admit_participant(
        scene.anna,
        target=scene.paul.public_id,
        identity="known",
        acting_user=scene.cast.anna,
        accept_unencrypted=True,
    )
    entry = AuditEntry.objects.filter(event="room.admitted", outcome="ok").latest("pk")
    assert json.loads(entry.details)["accept_unencrypted"] is True
    room = Room.objects.get()
    snapshot = build_snapshot(load_room_facts(room.pk, with_details=False), scene.anna.public_id)
    assert snapshot["room"]["frame_encryption"] == "off"
    invited = invite(scene)
    make_strict(scene, by)
    with refusal("server_must_be_blind"):
        invite(scene)
    with refusal("server_must_be_blind"):
        come_in(scene, invited)
    assert Room.objects.get().route == "p2p", "those who are talking go on"


def test_pages_are_told_to_encrypt_until_somebody_comes_who_cannot(scene: Scene) -> None:
    def told() -> str:
        facts = load_room_facts(Room.objects.get().pk, with_details=False)
        return str(build_snapshot(facts, scene.anna.public_id)["room"]["frame_encryption"])

    unable(scene.paul)
    assert told() == "required", "who only waits lowers nothing"


def test_without_a_media_server_nobody_third_is_invited(scene: Scene, settings: object) -> None:
    settings.SFU_ENABLED = False  # type: ignore[attr-defined]
    with refusal("three_or_more_need_server"):
        invite(scene)


def test_a_visit_for_two_grows_to_eight_and_no_further(scene: Scene) -> None:
    for number in range(6):
        invite(scene, "relative", name=f"Relative {number}")
    assert Room.objects.get().seats == 8
    with refusal("visit_full"):
        invite(scene)
    target = Participant.objects.filter(role="relative").first()
    assert target is not None
    visit.remove_participant(scene.anna, target=target.public_id, reason="other", acting_user=scene.cast.anna)
    invite(scene)  # a removed person's place is free


def test_a_groups_size_is_its_visit_types(cast: Cast) -> None:
    scene = book(cast, is_group=True, max_participants=3)
    scene.enter()
    invite(scene)
    with refusal("visit_full"):
        invite(scene, "relative")


def test_nobody_is_invited_into_a_visit_that_is_over(scene: Scene) -> None:
    visit.finish_visit(scene.anna, outcome="not_reached", acting_user=scene.cast.anna)
    with refusal("visit_ended"):
        invite(scene)


def test_what_was_decided_is_not_told_to_guests(scene: Scene) -> None:
    guest = come_in(scene, invite(scene))
    visit.finish_visit(scene.anna, outcome="crisis_plan", acting_user=scene.cast.anna)
    facts = load_room_facts(scene.room.pk, with_details=False)
    told = {
        seat.role: build_snapshot(facts, seat.public_id)["room"]["outcome"]
        for seat in (scene.anna, scene.paul, scene.seat("interpreter"))
    }
    assert told == {"practitioner": "crisis_plan", "patient": "crisis_plan", "interpreter": ""}
    device = SeatDevice.objects.select_related("participant__room__appointment__clinic").get(participant=guest)
    assert describe_seat(device)["outcome"] is None


@pytest.mark.parametrize("contact", ["nobody", "a@b", "12", "https://evil.example"])
def test_a_contact_that_cannot_be_written_to_is_refused(scene: Scene, contact: str) -> None:
    with refusal("check_contact"):
        invite(scene, contact=contact)
    assert Message.objects.filter(event="visit_guest").count() == 0


# --- The link -------------------------------------------------------------------------------------------------------------


def test_the_link_opens_on_one_device_only(scene: Scene) -> None:
    invited = invite(scene)
    first = redeem(invited)
    assert first.device.state == "active"
    with refusal("link_used"):
        redeem(invited)
    cookies = {access.cookie_name(scene.room.code): first.secret}
    assert redeem(invited, cookies).device == first.device, "the device that opened it first may do so again"
    scene.token = ""
    control = scene.paul
    from consultations.rooms.actions.links import mint_link

    scene.token = mint_link(control, acting_user=None)
    assert scene.redeem().device.state == "active"
    assert scene.redeem().device.state == "asking", "the control: a patient's link lets a second device ask"


def test_a_used_link_tells_a_stranger_nothing(scene: Scene) -> None:
    invited = invite(scene)
    answers = []
    for _ in range(2):
        client = Client()
        body = json.dumps({"token": invited.token, "device_label": "Phone"})
        answers.append(client.post("/join/redeem/", body, content_type="application/json"))
    assert [answer.status_code for answer in answers] == [200, 409]
    looked = Client().post("/join/lookup/", json.dumps({"token": invited.token}), content_type="application/json")
    assert looked.status_code == 409
    assert looked.json()["error"]["code"] == "link_used"
    assert "Ina" not in looked.content.decode()


def test_a_link_into_a_visit_that_takes_longer_still_opens(scene: Scene) -> None:
    import time_machine

    with time_machine.travel(scene.appointment.ends_at.timestamp() + 3600, tick=False):
        link = access.find_link(invite(scene).token)
        assert link is not None
        assert access.link_status(link) == "open"


# --- Who they are ---------------------------------------------------------------------------------------------------------


def test_guests_are_asked_their_name_and_patients_everything(scene: Scene) -> None:
    invited = invite(scene)
    device = redeem(invited).device
    state = describe_seat(device)
    assert (state["step"], state["asks"], state["consent"]) == ("details", ["name"], None)
    come_in_steps: list[tuple[Callable[[], None], str]] = [
        (
            lambda: seats.confirm_details(
                invited.seat, name="Ina Iver", location="", callback_number="", emergency_name="", emergency_phone=""
            ),
            "device_check",
        ),
        (lambda: seats.record_device_check(invited.seat, check=CHECK, relay_only=False), "waiting"),
    ]
    for do, step in come_in_steps:
        do()
        device.refresh_from_db()
        device.participant.refresh_from_db()
        assert describe_seat(device)["step"] == step
    seats.start_waiting(invited.seat)
    facts = load_room_facts(scene.room.pk, with_details=True)
    mine = build_snapshot(facts, scene.anna.public_id)["participants"]
    ina = next(person for person in mine if person["role"] == "interpreter")
    assert (ina["name"], ina["state"], ina["birth_date"], ina["details"]) == ("Ina Iver", "waiting", None, None)


def test_a_guest_reads_the_language_of_their_role(cast: Cast) -> None:
    cast.harbour.default_language = "de"
    cast.harbour.save()
    cast.paul.language = "en"
    cast.paul.save()
    scene = book(cast)
    scene.enter()
    read = {role: invite(scene, role).seat.language for role in ("colleague", "interpreter", "chaperone", "relative")}
    assert read == {"colleague": "de", "interpreter": "de", "chaperone": "de", "relative": "en"}
    assert invite(scene, language="en").seat.language == "en"
    assert invite(scene, language="fr").seat.language == "de", "pages that do not exist are not promised"


def test_a_guest_who_was_introduced_keeps_the_name(scene: Scene) -> None:
    ina = come_in(scene, invite(scene))
    blank = {"location": "", "callback_number": "", "emergency_name": "", "emergency_phone": ""}
    with refusal("illegal_step"):
        seats.confirm_details(ina, name="Dr. Anna Abel", **blank)


def test_everybody_inside_is_named_to_everybody_with_their_role(scene: Scene) -> None:
    from consultations.rooms.actions.links import mint_link

    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    scene.admit()
    ina = come_in(scene, invite(scene))
    facts = load_room_facts(scene.room.pk, with_details=False)
    for viewer in (scene.paul, ina):
        seen = {(p["role"], p["name"]) for p in build_snapshot(facts, viewer.public_id)["participants"]}
        others = {("practitioner", scene.anna.name), ("patient", scene.paul.name), ("interpreter", ina.name)}
        assert seen == others - {(viewer.role, viewer.name)}


# --- The route ------------------------------------------------------------------------------------------------------------


def test_the_third_person_brings_the_visit_to_the_server_and_it_stays_there(scene: Scene) -> None:
    from consultations.rooms.actions.links import mint_link

    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    scene.admit()
    assert Room.objects.get().route == "p2p"
    ina = come_in(scene, invite(scene))
    assert Room.objects.get().route == "sfu"
    visit.remove_participant(scene.anna, target=ina.public_id, reason="other", acting_user=scene.cast.anna)
    assert Room.objects.get().route == "sfu"
    story = list(RouteDecision.objects.values_list("trigger", "route", "reasons__0__code"))
    assert story[-3:] == [
        ("admitted", "p2p", "one_to_one"),
        ("admitted", "sfu", "three_or_more"),
        ("removed", "sfu", "stays_on_server"),
    ]


@pytest.mark.parametrize("code", ["sfu_full", "sfu_draining"])
def test_a_server_that_takes_nobody_in_is_a_reason_in_the_visits_story(scene: Scene, code: str) -> None:
    from consultations.rooms.actions.links import mint_link

    scene.token = mint_link(scene.paul, acting_user=None)
    scene.wait()
    scene.admit()
    invited = invite(scene)
    redeem(invited)
    blank = {"location": "", "callback_number": "", "emergency_name": "", "emergency_phone": ""}
    seats.confirm_details(invited.seat, name="Ina Iver", **blank)
    seats.start_waiting(invited.seat)
    with pytest.raises(Refused, match=code):
        visit.admit_participant(
            scene.anna,
            target=invited.seat.public_id,
            identity="known",
            acting_user=scene.cast.anna,
            server_refusal=code,  # type: ignore[arg-type]
        )
    assert Participant.objects.get(pk=invited.seat.pk).state == "waiting"
    assert Room.objects.get().route == "p2p", "those who are talking go on"
    last = RouteDecision.objects.last()
    assert last is not None
    assert (last.trigger, last.refused, last.reasons[0]["code"]) == ("admission_refused", True, code)
    entry = AuditEntry.objects.filter(event="room.admitted").last()
    assert entry is not None
    assert entry.outcome == "refused"


def test_a_group_begins_on_the_server(cast: Cast) -> None:
    scene = book(cast, is_group=True, max_participants=5)
    scene.enter()
    room = Room.objects.get()
    assert (room.route, room.route_reasons[0]["code"], room.seats) == ("sfu", "group_visit", 5)


# --- What is written --------------------------------------------------------------------------------------------------------


def test_a_contact_is_written_to_now_and_when_the_visit_moves_or_is_called_off(cast: Cast) -> None:
    scene = book(cast)
    invited = guests.invite_participant(
        scene.room, role="interpreter", name="Ina Iver", contact="ina@words.example", acting_user=cast.anna
    )
    assert invited.message is not None
    reschedule_visit(scene.appointment, starts_at=soon(60), zone="Europe/Berlin", acting_user=cast.anna)
    old = access.find_link(invited.token)
    assert old is not None
    assert access.link_status(old) == "revoked"
    cancel_visit(scene.appointment, acting_user=cast.anna)
    to_ina = [message for message in Message.objects.order_by("pk") if message.recipient == "ina@words.example"]
    assert [message.event for message in to_ina] == ["visit_guest", "visit_rescheduled", "visit_cancelled"]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("role", ["relative", "interpreter", "chaperone", "colleague"])
@pytest.mark.parametrize("contact", ["ina@words.example", "+49 170 1234567"])
def test_the_message_names_no_patient_and_no_kind_of_visit(
    scene: Scene, language: str, role: str, contact: str
) -> None:
    from consultations.outbox.wording import write_words

    invited = invite(scene, role, language=language, contact=contact)
    message = invited.message
    assert message is not None
    payload = json.loads(message.payload)
    words = write_words(message.event, message.template_version, message.channel, language, payload)
    assert invited.url in words.body
    for secret in ("Paul", "Family", "Ina"):
        assert secret not in words.subject + words.body
