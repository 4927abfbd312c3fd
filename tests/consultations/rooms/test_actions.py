"""The visit's rules, refusals first. The database is real; the clock is moved where a rule is about time."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.consent.access import current_text, is_granted
from consultations.consent.models import ConsentText
from consultations.rooms import access
from consultations.rooms.actions import notes, seats, visit
from consultations.rooms.actions.booking import book_visit, cancel_visit
from consultations.rooms.actions.links import mint_link
from consultations.rooms.facts import load_room_facts
from consultations.rooms.models import NoteVersion, Participant, Room, SeatDevice
from consultations.rooms.refusals import Refused
from consultations.rooms.route import join_for
from consultations.rooms.snapshot import build_snapshot
from telemed.audit.models import AuditEntry
from tests.base import Cast, soon

DETAILS = {
    "name": "Paul Peters",
    "location": "Example Lane 4",
    "callback_number": "+49 30 1",
    "emergency_name": "Jonas",
    "emergency_phone": "+49 30 2",
}
CHECK = {"camera": "ok", "microphone": "ok", "speaker": "heard", "network": "good", "rtt_ms": 1, "turn": {}}


@dataclass
class Scene:
    cast: Cast
    room: Room
    token: str

    @property
    def appointment(self) -> Appointment:
        return Appointment.objects.get(pk=self.room.appointment_id)

    def seat(self, role: str) -> Participant:
        return Participant.objects.select_related(
            "room__appointment__clinic", "room__appointment__visit_type", "room__appointment__patient"
        ).get(room=self.room, role=role)

    @property
    def paul(self) -> Participant:
        return self.seat("patient")

    @property
    def anna(self) -> Participant:
        return self.seat("practitioner")

    def redeem(self, cookies: dict[str, str] | None = None) -> seats.Redeemed:
        link = access.find_link(self.token)
        assert link is not None
        return seats.redeem_link(link, cookies=cookies or {}, label="Phone")

    def agree(self) -> None:
        text = current_text("treatment", ["en"])
        assert text is not None
        seats.answer_consent(self.paul, text=text, decision="granted", capacity="self")

    def wait(self) -> None:
        self.redeem()
        seats.confirm_details(self.paul, **DETAILS)
        seats.record_device_check(self.paul, check=CHECK, relay_only=False)
        self.agree()
        seats.start_waiting(self.paul)

    def enter(self) -> None:
        visit.enter_visit(self.anna, acting_user=self.cast.anna)

    def admit(self, identity: str = "confirmed") -> None:
        visit.admit_participant(self.anna, target=self.paul.public_id, identity=identity, acting_user=self.cast.anna)


@pytest.fixture
def scene(cast: Cast) -> Scene:
    appointment = book_visit(
        clinic=cast.harbour,
        patient=cast.paul,
        practitioner=cast.anna.practitioner,
        visit_type=cast.talk,
        starts_at=soon(5),
        zone="Europe/Berlin",
        acting_user=cast.ivy,
    )
    room = Room.objects.get(appointment=appointment)
    scene = Scene(cast, room, "")
    scene.token = mint_link(scene.paul, acting_user=None)
    return scene


def refusal(code: str) -> object:
    return pytest.raises(Refused, match=f"^{code}$")


def test_nobody_waits_before_the_details_of_this_visit(scene: Scene) -> None:
    scene.redeem()
    scene.agree()
    with refusal("details_missing"):
        seats.start_waiting(scene.paul)
    assert scene.appointment.status == "booked"


def test_nobody_waits_without_consent(scene: Scene) -> None:
    scene.redeem()
    seats.confirm_details(scene.paul, **DETAILS)
    with refusal("consent_missing"):
        seats.start_waiting(scene.paul)


def test_an_unreviewed_text_is_never_offered(scene: Scene) -> None:
    ConsentText.objects.update(reviewed_at=None)
    assert current_text("treatment", ["en", "de"]) is None


def test_a_withdrawn_consent_blocks_admission(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    text = current_text("treatment", ["en"])
    assert text is not None
    seats.answer_consent(scene.paul, text=text, decision="refused", capacity="self")
    assert not is_granted(scene.appointment, scene.paul.public_id, "treatment")
    with refusal("consent_missing"):
        scene.admit()


def test_waiting_is_arrival_once(scene: Scene) -> None:
    scene.wait()
    seats.start_waiting(scene.paul)
    assert scene.appointment.status == "arrived"
    assert list(scene.appointment.status_changes.values_list("new", flat=True)) == ["booked", "arrived"]


@pytest.mark.parametrize("identity", ["", "not_confirmed", "sure"])
def test_nobody_is_admitted_without_an_identity(scene: Scene, identity: str) -> None:
    scene.enter()
    scene.wait()
    with refusal("identity_missing"):
        scene.admit(identity)
    assert scene.paul.state == "waiting"


def test_a_refused_identity_is_recorded_and_keeps_the_person_outside(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    visit.refuse_identity(scene.anna, target=scene.paul.public_id, acting_user=scene.cast.anna)
    assert (scene.paul.identity_outcome, scene.paul.state) == ("not_confirmed", "waiting")
    entry = AuditEntry.objects.get(event="room.admitted")
    assert entry.outcome == "refused"


def test_who_does_not_wait_is_not_admitted(scene: Scene) -> None:
    scene.enter()
    scene.redeem()
    with refusal("not_waiting"):
        scene.admit()


@pytest.mark.parametrize("who", ["carl", "sara", "ivy", "adam"])
def test_only_the_practitioner_of_the_visit_acts(scene: Scene, who: str) -> None:
    scene.enter()
    scene.wait()
    stranger = getattr(scene.cast, who)
    for act in (
        lambda: visit.enter_visit(scene.anna, acting_user=stranger),
        lambda: visit.admit_participant(
            scene.anna, target=scene.paul.public_id, identity="known", acting_user=stranger
        ),
        lambda: visit.remove_participant(scene.anna, target=scene.paul.public_id, reason="other", acting_user=stranger),
        lambda: visit.finish_visit(scene.anna, outcome="done", acting_user=stranger),
    ):
        with refusal("not_allowed"):
            act()
    assert access.find_staff_seat(stranger, scene.room.code) is None
    assert access.find_staff_seat(scene.cast.anna, scene.room.code) is not None


def test_a_practitioner_who_is_not_in_the_room_admits_nobody(scene: Scene) -> None:
    scene.wait()
    with refusal("not_allowed"):
        scene.admit()


def test_people_of_another_room_do_not_exist_here(scene: Scene, cast: Cast) -> None:
    scene.enter()
    other = book_visit(
        clinic=cast.harbour,
        patient=cast.nora,
        practitioner=cast.carl.practitioner,
        visit_type=cast.talk,
        starts_at=soon(5),
        zone="Europe/Berlin",
        acting_user=None,
    )
    nora = Participant.objects.get(room__appointment=other, role="patient")
    with refusal("unknown_person"):
        visit.admit_participant(scene.anna, target=nora.public_id, identity="known", acting_user=cast.anna)
    with refusal("unknown_person"):
        visit.remove_participant(scene.anna, target=nora.public_id, reason="other", acting_user=cast.anna)


def test_addresses_that_must_be_hidden_without_a_relay_refuse_the_visit(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.cast.harbour.relay_only = True
    scene.cast.harbour.save()
    with refusal("relay_required_but_missing"):
        scene.admit()
    assert scene.paul.state == "waiting"
    assert Room.objects.get().state == "open"


def test_admission_opens_the_visit_and_says_why_media_flow_so(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.admit()
    room = Room.objects.get()
    assert (room.state, room.route, scene.appointment.status) == ("live", "p2p", "in_visit")
    assert [reason["code"] for reason in room.route_reasons] == ["one_to_one", "no_relay_configured"]
    facts = load_room_facts(room.pk, with_details=False)
    join, refused = join_for(facts, scene.paul.public_id)
    assert refused is None
    assert join is not None
    snapshot = build_snapshot(facts, scene.paul.public_id, join=join)
    assert snapshot["join"]["peers"][0]["id"] == scene.anna.public_id
    assert access.is_in_live_visit(scene.cast.anna)
    assert not access.is_in_live_visit(scene.cast.carl)


def test_an_asking_device_sees_no_call_although_its_person_is_admitted(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.admit()
    facts = load_room_facts(scene.room.pk, with_details=True)
    join, _ = join_for(facts, scene.paul.public_id)
    snapshot = build_snapshot(facts, scene.paul.public_id, device_state="asking", join=join)
    assert snapshot["join"] is None
    assert "id" not in snapshot["participants"][0]
    assert "Example Lane" not in str(snapshot)
    assert "Paul" not in str(snapshot)


def test_only_the_practitioner_sees_where_somebody_is(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.admit()
    facts = load_room_facts(scene.room.pk, with_details=True)
    assert "Example Lane" in str(build_snapshot(facts, scene.anna.public_id))
    assert "Example Lane" not in str(build_snapshot(facts, scene.paul.public_id))


def test_who_left_is_let_straight_back_in_for_five_minutes(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.admit()
    visit.leave_visit(scene.paul)
    assert scene.paul.state == "left"
    seats.start_waiting(scene.paul)
    assert scene.paul.state == "admitted"
    visit.leave_visit(scene.paul)
    with time_machine.travel(timezone.now() + timedelta(minutes=8)):
        seats.start_waiting(scene.paul)
    assert scene.paul.state == "waiting"


def test_who_leaves_the_waiting_room_is_expected_again(scene: Scene) -> None:
    scene.wait()
    visit.leave_visit(scene.paul)
    assert scene.appointment.status == "booked"
    seats.start_waiting(scene.paul)
    assert (scene.paul.state, scene.appointment.status) == ("waiting", "arrived")


def test_a_visit_does_not_end_without_an_outcome(scene: Scene) -> None:
    scene.enter()
    for outcome in ("", "finished"):
        with refusal("outcome_missing"):
            visit.finish_visit(scene.anna, outcome=outcome, acting_user=scene.cast.anna)
    assert Room.objects.get().state == "open"


@pytest.mark.parametrize(
    "outcome, came, status",
    [
        ("follow_up", True, "completed"),
        ("technical", True, "completed"),
        ("not_reached", False, "no_show"),
        ("not_reached", True, "completed"),
        ("done", False, "completed"),
    ],
)
def test_the_outcome_settles_the_appointment(scene: Scene, outcome: str, came: bool, status: str) -> None:
    scene.enter()
    if came:
        scene.wait()
        scene.admit()
    visit.finish_visit(scene.anna, outcome=outcome, acting_user=scene.cast.anna)
    visit.finish_visit(scene.anna, outcome="done", acting_user=scene.cast.anna)
    room = Room.objects.get()
    assert (room.state, room.outcome, scene.appointment.status) == ("ended", outcome, status)
    assert AuditEntry.objects.filter(event="room.finished").count() == 1
    with refusal("visit_ended"):
        seats.start_waiting(scene.paul)


def test_the_same_browser_gets_its_seat_back_and_another_one_asks(scene: Scene) -> None:
    first = scene.redeem()
    cookies = {access.cookie_name(scene.room.code): first.secret}
    again = scene.redeem(cookies)
    assert (again.device.pk, again.secret) == (first.device.pk, "")
    second = scene.redeem()
    assert second.device.state == "asking"
    assert SeatDevice.objects.get(pk=first.device.pk).state == "active"
    assert first.secret not in SeatDevice.objects.get(pk=first.device.pk).secret_hash


def test_a_handful_of_devices_may_ask(scene: Scene) -> None:
    for _ in range(8):
        scene.redeem()
    assert SeatDevice.objects.filter(state="asking").count() == seats.MAX_ASKING_DEVICES
    assert SeatDevice.objects.filter(state="active").count() == 1


def test_an_idle_device_is_logged_off_unless_its_person_is_in_the_visit(scene: Scene) -> None:
    first = scene.redeem()
    cookies = {access.cookie_name(scene.room.code): first.secret}
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert access.find_device(cookies, scene.room.code) is None
        assert scene.redeem(cookies).secret == ""  # the link brings the same browser back to the same seat
        assert access.find_device(cookies, scene.room.code) is not None
    with time_machine.travel(timezone.now() + timedelta(minutes=90)):
        Participant.objects.filter(pk=scene.paul.pk).update(state="admitted")
        Room.objects.update(state="live")
        assert access.find_device(cookies, scene.room.code) is not None


def test_a_cookie_opens_its_own_visit_only(scene: Scene) -> None:
    secret = scene.redeem().secret
    assert access.find_device({access.cookie_name("other"): secret}, "other") is None
    assert access.find_device({access.cookie_name(scene.room.code): "x" * 43}, scene.room.code) is None


@pytest.mark.parametrize("minutes, status", [(-40, "early"), (-31, "open"), (-20, "open"), (36, "open"), (40, "late")])
def test_a_link_works_from_half_an_hour_before_to_a_quarter_after(scene: Scene, minutes: int, status: str) -> None:
    # Two minutes of skew between clocks are forgiven; the visit lasts 20 minutes.
    link = access.find_link(scene.token)
    assert link is not None
    with time_machine.travel(scene.appointment.starts_at + timedelta(minutes=minutes)):
        assert access.link_status(link) == status


def test_links_of_removed_people_and_made_up_tokens_are_unknown(scene: Scene) -> None:
    assert access.find_link("") is None
    assert access.find_link("x" * 43) is None
    assert access.find_link("ü" * 43) is None
    Participant.objects.filter(pk=scene.paul.pk).update(state="removed")
    assert access.find_link(scene.token) is None


def test_a_cancelled_visit_says_so(scene: Scene) -> None:
    cancel_visit(scene.appointment, acting_user=scene.cast.ivy)
    link = access.find_link(scene.token)
    assert link is not None
    assert access.link_status(link) == "cancelled"


def test_notes_are_added_never_overwritten(scene: Scene) -> None:
    first = notes.save_note(scene.anna, text="One.", number=0, acting_user=scene.cast.anna)
    assert notes.save_note(scene.anna, text="One.", number=0, acting_user=scene.cast.anna).pk == first.pk
    notes.save_note(scene.anna, text="Two.", number=1, acting_user=scene.cast.anna)
    with refusal("note_changed"):
        notes.save_note(scene.anna, text="From an old page.", number=1, acting_user=scene.cast.anna)
    with refusal("note_too_long"):
        notes.save_note(scene.anna, text="x" * 50_001, number=2, acting_user=scene.cast.anna)
    assert list(NoteVersion.objects.values_list("number", "text")) == [(1, "One."), (2, "Two.")]


def test_the_audit_log_holds_no_name_and_no_place(scene: Scene) -> None:
    scene.enter()
    scene.wait()
    scene.admit()
    visit.finish_visit(scene.anna, outcome="done", acting_user=scene.cast.anna)
    events = list(AuditEntry.objects.order_by("seq").values_list("event", flat=True))
    for event in (
        "room.opened",
        "details.confirmed",
        "consent.granted",
        "seat.waiting",
        "room.admitted",
        "room.finished",
    ):
        assert event in events
    written = str(list(AuditEntry.objects.values_list("details", "subject", "object", "actor")))
    for private in ("Paul", "Example Lane", "+49 30 1", "Jonas", "Anna"):
        assert private not in written


def test_every_change_raises_the_revision(scene: Scene) -> None:
    seen = [Room.objects.get().revision]
    for step in (scene.enter, scene.wait, scene.admit, lambda: visit.leave_visit(scene.paul)):
        step()
        seen.append(Room.objects.get().revision)
    assert seen == sorted(set(seen))
