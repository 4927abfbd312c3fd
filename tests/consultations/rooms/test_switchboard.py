"""Who hears about whose media, and when they end: the switchboard over a service that only writes down what it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from consultations.rooms import switchboard as switchboards
from consultations.rooms.desk import MediaTerms
from consultations.rooms.models import Participant
from consultations.rooms.protocol import SfuOffer, Want
from consultations.rooms.switchboard import Switchboard
from consultations.rooms.tickets import Ticket
from media_routing.api import JoinAnswer, MediaRefused

CODE = "room"
TERMS = MediaTerms(room_size=4, keep_layer=False, revision=5)


class Service:
    """Stands where MediaService stands; `refuses` is a code, `while_joining` runs while the answer is made."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.refuses = ""
        self.while_joining: Callable[[], None] = lambda: None

    async def join(self, room: str, participant: str, connection: str, *, listener: Any, **_: Any) -> JoinAnswer:
        await asyncio.sleep(0)
        self.while_joining()
        if self.refuses:
            raise MediaRefused(self.refuses)
        self.calls.append(("join", participant, connection))
        self.listeners[connection] = listener
        return JoinAnswer("v=0", [])

    def leave(self, room: str, participant: str, connection: str | None = None) -> None:
        self.calls.append(("leave", participant, connection))

    def set_wants(self, room: str, participant: str, wants: list[Any]) -> None:
        self.calls.append(("wants", participant, len(wants)))


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()

    async def running() -> Service:
        return service

    monkeypatch.setattr(switchboards, "media_service", running)
    monkeypatch.setattr(switchboards, "running_media", lambda: service)
    return service


def ticket(name: str, pk: int, device: str = "phone", session: str = "") -> Ticket:
    return Ticket(Participant(pk=pk, public_id=name), device_pk=pk, device_id=device, session_key=session)


PAUL, INA = ticket("paul", 1), ticket("ina", 2)


def offer(connection: str) -> SfuOffer:
    return SfuOffer("1", connection, "v=0", {"0": "microphone"})


async def join(board: Switchboard, who: Ticket, connection: str, heard: list[Any], terms: MediaTerms = TERMS) -> None:
    await board.join(CODE, who, offer(connection), terms, heard.append)


async def test_somebody_put_out_while_the_answer_was_made_gets_none(service: Service) -> None:
    board = Switchboard()
    service.while_joining = lambda: board.drop(CODE, "paul")
    with pytest.raises(MediaRefused, match="closed"):
        await join(board, PAUL, "first", [])
    assert service.calls[-1] == ("leave", "paul", "first")
    assert board.question() == []


async def test_a_refused_offer_leaves_the_connection_that_stands(service: Service) -> None:
    board, heard = Switchboard(), list[Any]()
    await join(board, PAUL, "first", heard)
    service.refuses = "bad_sdp"
    with pytest.raises(MediaRefused, match="bad_sdp"):
        await join(board, PAUL, "second", heard)
    service.listeners["first"]({"type": "sfu_quality"})
    assert heard == [{"type": "sfu_quality"}]
    assert len(board.question()) == 1


async def test_an_older_look_at_the_room_puts_nobody_out(service: Service) -> None:
    board = Switchboard()
    await join(board, INA, "first", [])
    board.keep_only(CODE, {"paul"}, revision=TERMS.revision - 1)
    board.keep_only("another room", (), revision=99)
    assert [call[0] for call in service.calls] == ["join"]
    board.keep_only(CODE, {"paul"}, revision=TERMS.revision)
    assert service.calls[-1] == ("leave", "ina", None)


async def test_a_socket_that_comes_back_hears_what_it_missed_and_nobody_else_does(service: Service) -> None:
    board, first, second, other = Switchboard(), list[Any](), list[Any](), list[Any]()
    await join(board, PAUL, "first", first)
    board.detach(CODE, PAUL, first.append)
    slots = {"type": "sfu_slots", "connection": "first", "slots": []}
    lost = {"type": "sfu_presence", "participant": "ina", "state": "lost", "silence_ms": 2600}
    for event in ({**slots, "slots": [1]}, slots, lost, {"type": "sfu_quality"}):
        service.listeners["first"](event)
    board.attach(CODE, ticket("paul", 1, device="tablet"), other.append)
    board.attach(CODE, PAUL, second.append)
    assert (first, second, other) == ([], [slots, lost], [])
    service.listeners["first"]({**lost, "state": "alive"})
    third: list[Any] = []
    board.attach(CODE, PAUL, third.append)
    assert third == [slots]


async def test_the_old_socket_that_closes_late_takes_nothing_away(service: Service) -> None:
    board, old, new = Switchboard(), list[Any](), list[Any]()
    await join(board, PAUL, "first", old)
    board.attach(CODE, PAUL, new.append)
    board.detach(CODE, PAUL, old.append)
    service.listeners["first"]({"type": "sfu_speakers"})
    assert (old, new) == ([], [{"type": "sfu_speakers"}])


async def test_a_member_of_staff_who_signed_in_anew_keeps_the_connection(service: Service) -> None:
    board = Switchboard()
    before, after = ticket("anna", 3, "staff", "old session"), ticket("anna", 3, "staff", "new session")
    await join(board, before, "first", [])
    board.attach(CODE, after, lambda event: None)
    board.drop_ticket(CODE, before)  # the old session's socket closes as signed out
    assert [call[0] for call in service.calls] == ["join"]
    board.drop_ticket(CODE, after)
    assert service.calls[-1] == ("leave", "anna", None)


async def test_a_closed_connection_is_forgotten_unless_another_took_its_place(service: Service) -> None:
    board, heard = Switchboard(), list[Any]()
    await join(board, PAUL, "first", heard)
    await join(board, PAUL, "second", heard)
    service.listeners["first"]({"type": "sfu_closed", "connection": "first", "reason": "replaced"})
    assert len(board.question()) == 1
    service.listeners["second"]({"type": "sfu_closed", "connection": "second", "reason": "timeout"})
    assert board.question() == []
    assert [event["connection"] for event in heard] == ["first", "second"]


async def test_only_who_has_the_seat_says_what_they_want_to_see(service: Service) -> None:
    board = Switchboard()
    await join(board, PAUL, "first", [])
    wants = (Want("ina", "camera", 180, False),)
    board.set_wants(CODE, ticket("paul", 1, device="tablet"), wants)
    board.set_wants(CODE, INA, wants)
    assert ("wants", "paul", 1) not in service.calls
    board.set_wants(CODE, PAUL, wants)
    assert service.calls[-1] == ("wants", "paul", 1)


async def test_the_sweep_ends_what_holds_no_more(service: Service) -> None:
    board = Switchboard()
    await join(board, PAUL, "first", [])
    await join(board, INA, "second", [])
    board.hear([INA])
    assert service.calls[-1] == ("leave", "ina", None)
    assert [one.participant_id for _, one in board.question()] == ["paul"]
