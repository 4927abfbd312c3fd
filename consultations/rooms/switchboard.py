"""Whose media run through this process, and which socket hears about them.

    socket ── join, attach ──▶ Switchboard ── join, leave, set_wants ──▶ MediaService
       ▲                            │
       └── slots, speakers, … ──────┘  to the ONE socket that shows this person's page now

A leg belongs to a ticket (a device, or a member of staff), not to a socket: a dropped socket leaves the leg alone, and the
socket that comes back hears at once what it missed. A leg ends when its person is not inside any more. That is told at once
by whoever does it (`drop`, `keep_only`); the sweep asks the database about every leg, so a lost word costs two seconds.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from consultations.rooms.desk import MediaTerms
from consultations.rooms.media import media_service, running_media
from consultations.rooms.protocol import SfuOffer, Want
from consultations.rooms.sweeper import sweeper
from consultations.rooms.sweeps import answer_legs
from consultations.rooms.tickets import Ticket
from media_routing import api

Event = dict[str, Any]
Deliver = Callable[[Event], None]


@dataclass(eq=False)
class Leg:
    """One person's connection to the media server. `last`: the newest event of each kind, for the next socket.

    `revision` is the room's when they were found to be inside: an older look at the room says nothing about them.
    """

    code: str
    ticket: Ticket
    connection: str
    revision: int
    deliver: Deliver | None
    last: dict[str, Event] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.ticket.participant_id

    def is_of(self, ticket: Ticket) -> bool:
        """Return whether it is the same person's at the same device; members of staff may have signed in anew."""
        return self.ticket.participant == ticket.participant and self.ticket.device_id == ticket.device_id

    def hear(self, event: Event) -> None:
        """Keep what a socket that comes later has to know, and pass everything on."""
        kind = str(event["type"])
        if kind in {"sfu_slots", "sfu_speakers"}:
            self.last[kind] = event
        elif kind == "sfu_presence":
            name = f"{kind} {event['participant']}"
            if event["state"] == "lost":
                self.last[name] = event
            else:
                self.last.pop(name, None)
        if self.deliver is not None:
            self.deliver(event)


class Switchboard:
    """One per event loop. Looked at by the sweeper like a socket, while there are legs."""

    is_closed = False

    def __init__(self) -> None:
        self._legs: dict[tuple[str, str], Leg] = {}

    async def join(
        self, code: str, ticket: Ticket, offer: SfuOffer, terms: MediaTerms, deliver: Deliver
    ) -> api.JoinAnswer:
        """Answer the offer of somebody who may be inside. Raises MediaRefused: `closed` when they were put out meanwhile."""
        service = await media_service()
        before = self._legs.get((code, ticket.participant_id))
        leg = Leg(code, ticket, offer.connection, terms.revision, deliver)
        if before is not None and before.connection == offer.connection and before.is_of(ticket):
            leg = before  # an ICE restart, or the answer was lost
            leg.ticket, leg.revision, leg.deliver = ticket, terms.revision, deliver
        self._legs[leg.key] = leg
        sweeper().add(self)
        try:
            answer = await service.join(
                code,
                ticket.participant_id,
                offer.connection,
                sdp=offer.sdp,
                sources=offer.sources,
                room_size=terms.room_size,
                keep_layer=terms.keep_layer,
                listener=lambda event: self._hear(leg, event),
            )
        except api.MediaRefused:
            if self._legs.get(leg.key) is leg and leg is not before:
                self._forget(leg, instead=before)
            raise
        if self._legs.get(leg.key) is not leg:
            service.leave(code, ticket.participant_id, offer.connection)
            raise api.MediaRefused("closed")
        return answer

    def attach(self, code: str, ticket: Ticket, deliver: Deliver) -> None:
        """From now on `deliver` hears about this device's leg, if there is one; first of all what a page must know."""
        leg = self._legs.get((code, ticket.participant_id))
        if leg is not None and leg.is_of(ticket):
            leg.ticket, leg.deliver = ticket, deliver
            for event in leg.last.values():
                deliver(event)

    def detach(self, code: str, ticket: Ticket, deliver: Deliver) -> None:
        """The socket is gone; its person's media go on."""
        leg = self._legs.get((code, ticket.participant_id))
        if leg is not None and leg.deliver == deliver:
            leg.deliver = None

    def set_wants(self, code: str, ticket: Ticket, wants: Sequence[Want]) -> None:
        leg, service = self._legs.get((code, ticket.participant_id)), running_media()
        if leg is not None and leg.is_of(ticket) and service is not None:
            service.set_wants(
                code,
                ticket.participant_id,
                [api.Want(want.participant, want.source, want.height, want.pinned) for want in wants],
            )

    def drop(self, code: str, participant_id: str) -> None:
        """End this person's media now."""
        leg = self._legs.get((code, participant_id))
        if leg is not None:
            self._forget(leg)
            service = running_media()
            if service is not None:
                service.leave(code, participant_id)

    def drop_ticket(self, code: str, ticket: Ticket) -> None:
        """End the media of this very device or session."""
        leg = self._legs.get((code, ticket.participant_id))
        if leg is not None and leg.ticket == ticket:
            self.drop(*leg.key)

    def keep_only(self, code: str, participant_ids: Collection[str], *, revision: int) -> None:
        """End the media of everybody else in this visit, as the room was at `revision`."""
        for leg in list(self._legs.values()):
            stays = leg.ticket.participant_id in participant_ids or leg.revision > revision
            if leg.code == code and not stays:
                self.drop(*leg.key)

    def close_room(self, code: str) -> None:
        """End everybody's media in this visit."""
        for key in [leg.key for leg in self._legs.values() if leg.code == code]:
            self.drop(*key)
        service = running_media()
        if service is not None:
            service.close_room(code)

    # --- What the sweeper asks (sweeper.py) ---------------------------------------------------------------------------

    def question(self) -> list[tuple[str, Ticket]]:
        return [(leg.code, leg.ticket) for leg in self._legs.values()]

    @staticmethod
    def answer_all(questions: Sequence[list[tuple[str, Ticket]]]) -> list[list[Ticket] | None]:
        return answer_legs(questions)

    def hear(self, answer: list[Ticket]) -> None:
        """These tickets hold no more."""
        for leg in list(self._legs.values()):
            if leg.ticket in answer:
                self.drop(*leg.key)

    def give_up(self) -> None:
        """Nobody can be asked. A database that is away does not end calls (REL-7)."""

    # ------------------------------------------------------------------------------------------------------------------

    def _hear(self, leg: Leg, event: Event) -> None:
        if (
            event["type"] == "sfu_closed"
            and self._legs.get(leg.key) is leg
            and event.get("connection") == leg.connection
        ):
            self._forget(leg)
        leg.hear(event)

    def _forget(self, leg: Leg, *, instead: Leg | None = None) -> None:
        if instead is not None:
            self._legs[leg.key] = instead
            return
        self._legs.pop(leg.key, None)
        if not self._legs:
            sweeper().remove(self)


_switchboards: WeakKeyDictionary[asyncio.AbstractEventLoop, Switchboard] = WeakKeyDictionary()


def switchboard() -> Switchboard:
    """Return the switchboard of the running loop."""
    return _switchboards.setdefault(asyncio.get_running_loop(), Switchboard())
