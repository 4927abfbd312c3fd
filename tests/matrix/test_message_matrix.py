"""SEC-3 and SEC-4: every signaling message against everybody who can hold a socket, here and in a foreign visit.

The rows are generated from the protocol's own table of readers: a new message without a row fails.
"""

from dataclasses import replace

import pytest

from consultations.rooms import protocol
from consultations.rooms.actions import visit
from consultations.rooms.desk import Desk
from consultations.rooms.models import Participant, Room, SeatDevice
from consultations.rooms.refusals import Refused
from consultations.rooms.signaling import Act, Close, Refuse, Relay, Spread, Viewer, decide
from consultations.rooms.tickets import NoEntry, Ticket, take_ticket
from tests.base import Cast
from tests.matrix.world import World, make_world, patient_seat

ME, PEER, PAGE = "me" + "0" * 20, "peer" + "0" * 18, "page0000"
_INSIDE = Viewer(ME, "patient", "admitted", PAGE, True, "live", frozenset({PEER}))
VIEWERS = {
    "waiting": replace(_INSIDE, state="waiting", room_state="open", peers=frozenset()),
    "inside": _INSIDE,
    "second_device": replace(_INSIDE, device_active=False),
    "left": replace(_INSIDE, state="left"),
    "removed": replace(_INSIDE, state="removed"),
    "after_the_end": replace(_INSIDE, room_state="ended"),
    "relative_inside": replace(_INSIDE, role="relative"),
    "practitioner": replace(_INSIDE, role="practitioner"),
    "practitioner_alone": replace(_INSIDE, role="practitioner", room_state="open", peers=frozenset()),
    "inside_by_server": replace(_INSIDE, route="sfu"),
    "waiting_by_server": replace(_INSIDE, state="waiting", route="sfu"),
    "second_device_by_server": replace(_INSIDE, device_active=False, route="sfu"),
    "practitioner_by_server": replace(_INSIDE, role="practitioner", route="sfu"),
    "inside_while_tried": replace(_INSIDE, warm="sfu"),
    "waiting_while_tried": replace(_INSIDE, state="waiting", warm="sfu"),
    "practitioner_outside": replace(_INSIDE, role="practitioner", state="invited", room_state="scheduled"),
}
QUALITY = protocol.QualityReport(
    False, "p2p", 90, 80, "", "frames", 40, 5, 0.0, 0.0, 0.0, 0.0, 25.0, 900_000, 900_000, None, ""
)
GONE = {"removed": "close", "after_the_end": "close"}


def _row(**answers: str) -> dict[str, str]:
    return {**dict.fromkeys(VIEWERS, "refuse"), **GONE, **answers}


_PRACTITIONER = _row(practitioner="act", practitioner_alone="act", practitioner_by_server="act")
_BY_SERVER = {"inside_by_server": "act", "practitioner_by_server": "act", "inside_while_tried": "act"}
_INSIDE_ONLY = {"inside": "act", "relative_inside": "act", "practitioner": "act", **_BY_SERVER}
_RELAYED = _row(**dict.fromkeys(_INSIDE_ONLY, "relay"))
MESSAGES = {
    "hello": (protocol.Hello(PAGE, 0), _row()),
    "ping": (protocol.Ping(0), {**dict.fromkeys(VIEWERS, "act"), **GONE}),
    "signal": (protocol.Signal(PEER, f"{PAGE}.page1111", 1, protocol.Restart()), _RELAYED),
    "ack": (protocol.Ack(PEER, f"page1111.{PAGE}", 1), _RELAYED),
    "path": (protocol.Path(protocol.PathReport("lost", "", "", "", None)), _row(**_INSIDE_ONLY)),
    "quality": (protocol.Quality(QUALITY), _row(**_INSIDE_ONLY)),
    "trouble": (protocol.Trouble("1", "no_sound"), _row(**_INSIDE_ONLY)),
    "move": (protocol.MoveAnswer("1", "yes"), _row(**_INSIDE_ONLY)),
    "ice_servers": (protocol.IceServers("1"), _row(**_INSIDE_ONLY)),
    "leave": (
        protocol.Leave("1"),
        {**dict.fromkeys(VIEWERS, "act"), "second_device": "refuse", "second_device_by_server": "refuse", **GONE},
    ),
    "admit": (protocol.Admit("1", PEER, "confirmed"), _PRACTITIONER),
    "admit_device": (protocol.AdmitDevice("1", PEER, PEER), _PRACTITIONER),
    "remove": (protocol.Remove("1", PEER, "other"), _PRACTITIONER),
    "finish": (protocol.Finish("1", "done"), _PRACTITIONER),
    "invite": (protocol.Invite("1", "interpreter", "Ina Iver", "", ""), _PRACTITIONER),
    "consent": (protocol.Consent("1", "recording", "granted", 1), _row(**_INSIDE_ONLY)),
    "recording": (protocol.Recording("1", "request"), _PRACTITIONER),
    "sfu_offer": (protocol.SfuOffer("1", PAGE, "v=0", {"0": "microphone"}), _row(**_BY_SERVER)),
    "sfu_view": (protocol.SfuView((protocol.Want(PEER, "camera", 360, False),)), _row(**_BY_SERVER)),
    "say": (
        protocol.Say(None, protocol.MediaState(True, True, False, False, ("audio",))),
        _row(**dict.fromkeys(_BY_SERVER, "relay")),
    ),
}
ANSWERS = {Act: "act", Refuse: "refuse", Relay: "relay", Spread: "relay", Close: "close"}


def test_every_message_is_declared() -> None:
    assert set(MESSAGES) == set(protocol.READERS)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_viewer_is_answered_as_declared(name: str) -> None:
    message, expected = MESSAGES[name]
    assert {who: ANSWERS[type(decide(viewer, message))] for who, viewer in VIEWERS.items()} == expected


@pytest.mark.parametrize("name", ["signal", "ack"])
def test_nothing_is_relayed_to_people_of_another_visit_or_in_anothers_name(name: str) -> None:
    message = MESSAGES[name][0]
    assert isinstance(decide(_INSIDE, replace(message, to="other" + "0" * 17)), Refuse)
    assert isinstance(decide(_INSIDE, replace(message, stream="other111.page1111")), Refuse)
    assert isinstance(decide(_INSIDE, message), Relay), "control"


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


def _staff_ticket(world: World, role: str, code: str) -> Ticket:
    return take_ticket(cookies={}, session_key=world.client(role).session.session_key or "", code=code, seat_only=False)


def test_a_socket_opens_for_the_seats_own_people_only(world: World) -> None:
    for role in ("colleague", "assistant", "clinic_admin", "stranger", "foreign_admin", "superuser", "anonymous"):
        with pytest.raises(NoEntry):
            _staff_ticket(world, role, world.code)
    assert _staff_ticket(world, "practitioner", world.code).participant.role == "practitioner"
    for role, may in (("patient", True), ("other_patient", False)):
        cookies = {name: morsel.value for name, morsel in world.client(role).cookies.items()}
        try:
            take_ticket(cookies=cookies, session_key="", code=world.code, seat_only=True)
            assert may
        except NoEntry:
            assert not may


def test_no_action_reaches_a_person_of_another_visit(world: World) -> None:
    """Anna's socket names people of her own other visit and of a foreign clinic; neither exists for her here."""
    desk = Desk(_staff_ticket(world, "practitioner", world.code))
    visit.enter_visit(desk.ticket.participant, acting_user=world.cast.anna)
    for appointment in (world.nora_appointment, world.pete_appointment):
        other = patient_seat(appointment)
        Participant.objects.filter(pk=other.pk).update(state="waiting")
        device = SeatDevice.objects.filter(participant=other).first()
        device_id = device.public_id if device else other.public_id
        for message in (
            protocol.Admit("1", other.public_id, "confirmed"),
            protocol.AdmitDevice("1", other.public_id, device_id),
            protocol.Remove("1", other.public_id, "other"),
        ):
            with pytest.raises(Refused):
                desk.act(message)
        other.refresh_from_db()
        assert other.state == "waiting"


def test_a_patients_socket_does_nothing_of_the_practitioners(world: World) -> None:
    cookies = {name: morsel.value for name, morsel in world.client("patient").cookies.items()}
    desk = Desk(take_ticket(cookies=cookies, session_key="", code=world.code, seat_only=True))
    own = desk.ticket.participant_id
    for message in (
        protocol.Admit("1", own, "confirmed"),
        protocol.AdmitDevice("1", own, own),
        protocol.Remove("1", own, "other"),
        protocol.Finish("1", "done"),
        protocol.IceServers("1"),
    ):
        with pytest.raises(Refused):
            desk.act(message)
    assert Room.objects.get(code=world.code).state != "ended"
