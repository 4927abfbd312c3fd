"""What a visit's socket asks of the database: one call per need, each run in the database thread.

Every call begins by examining the ticket, so nothing is shown or done for a proof that no longer holds (SEC-4).
"""

from dataclasses import dataclass
from typing import Any

from consultations.rooms import lifecycle, protocol
from consultations.rooms.actions import consents, moving, routing, seats, story, visit
from consultations.rooms.actions.people import missing_consent
from consultations.rooms.asking import texts_to_ask
from consultations.rooms.facts import RoomFacts, load_room_facts
from consultations.rooms.models import Participant, SeatDevice
from consultations.rooms.nudges import clinic_group, nudge_seats, send_to_groups
from consultations.rooms.presence import mark_gone, mark_present
from consultations.rooms.refusals import Refused
from consultations.rooms.route import ice_servers_for, join_for, room_size, switching_for
from consultations.rooms.signaling import Viewer
from consultations.rooms.snapshot import build_snapshot, build_viewer
from consultations.rooms.tickets import Ticket, examine
from media_routing.api import NOTHING_SHOWN, ServerRefusal, Shown


@dataclass(frozen=True)
class View:
    """What one socket shows and may do, read at one moment."""

    revision: int
    device_state: str
    snapshot: dict[str, Any]
    viewer: Viewer
    facts: RoomFacts
    shown: Shown = NOTHING_SHOWN


@dataclass(frozen=True, slots=True)
class MediaTerms:
    """On which terms somebody joins the media server. `revision`: the room's when this was read."""

    room_size: int
    keep_layer: bool
    revision: int


class Desk:
    """One per socket; holds the ticket and nothing that changes."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    def device_state(self) -> str:
        """Return `active` or `asking`; raise NoEntry."""
        return examine(self.ticket).device_state

    def arrive(self, page: str, *, server_refusal: ServerRefusal = "", shown: Shown = NOTHING_SHOWN) -> View:
        """Somebody's page says hello: sit down as far as the steps allow, be present, look."""
        standing = examine(self.ticket)
        if standing.device_state == SeatDevice.State.ACTIVE:
            if self.ticket.user is not None:
                visit.enter_visit(self.ticket.participant, acting_user=self.ticket.user, server_refusal=server_refusal)
            else:
                self._wait_if_ready()
        view = self.look(page, shown=shown)
        if view.viewer.device_active and mark_present(self.ticket.participant_id, page):
            self.tell_who_sees_me(view)
        return view

    def look(self, page: str, *, shown: Shown = NOTHING_SHOWN) -> View:
        """Return what the socket may show and do now. Ten queries at most. `shown`: of `switch_desk`."""
        standing = examine(self.ticket)
        me = self.ticket.participant_id
        facts = load_room_facts(self.ticket.participant.room_id, with_details=self.ticket.user is not None)
        join, refusal = join_for(facts, me, shown)
        snapshot = build_snapshot(
            facts,
            me,
            device_state=standing.device_state,
            join=join,
            refusal=refusal,
            asks=texts_to_ask(facts, me),
            switching=switching_for(facts, me, shown),
        )
        viewer = build_viewer(facts, me, page=page, device_state=standing.device_state, shown=shown)
        return View(facts.revision, standing.device_state, snapshot, viewer, facts, shown)

    def step_away(self, view: View, page: str) -> None:
        """The socket is gone. Nothing but presence changes: a dropped socket never ends a visit."""
        if mark_gone(self.ticket.participant_id, page):
            self.tell_who_sees_me(view)

    def media_terms(self, *, warm: str = "") -> MediaTerms:
        """Return the terms for an offer to the media server; raise Refused or NoEntry. Decided anew each time (SEC-4).

        `warm`: the path that is tried beside the one in use.
        """
        standing = examine(self.ticket)
        seat = (
            Participant.objects.select_related("room").only("state", "role", "room").get(pk=self.ticket.participant.pk)
        )
        room = seat.room
        inside = seat.state == lifecycle.ADMITTED and room.state == lifecycle.LIVE
        if not inside or standing.device_state != SeatDevice.State.ACTIVE:
            raise Refused("not_admitted")
        if room.route != "sfu" and (room.route, warm) != ("p2p", "sfu"):
            raise Refused("wrong_route")
        interprets = seat.role == Participant.Role.INTERPRETER
        return MediaTerms(room_size(room.seats), keep_layer=interprets, revision=room.revision)

    def act(self, message: protocol.Message, *, server_refusal: ServerRefusal = "") -> dict[str, Any]:
        """Do what a message asks and return what the reply carries; raise Refused or NoEntry.

        `server_refusal`: what the media server of this process said about taking in this visit.
        """
        examine(self.ticket)
        own, user = self.ticket.participant, self.ticket.user
        match message:
            case protocol.IceServers():
                return self._ice_servers()
            case protocol.Path(report):
                routing.record_path(own, report=report)
            case protocol.Quality(measured, age_s):
                story.record_quality(own, measured, age_s=age_s)
            case protocol.Trouble(_, kind):
                moving.report_trouble(own, kind=kind, acting_user=user)
            case protocol.MoveAnswer(_, answer):
                moving.answer_move(own, answer=answer, acting_user=user)
            case protocol.Consent(_, purpose, decision, version, capacity):
                consents.answer_capture(
                    own, purpose=purpose, decision=decision, version=version, capacity=capacity, acting_user=user
                )
            case protocol.Leave():
                visit.leave_visit(own, acting_user=user)
            case _ if user is None:
                raise Refused("not_allowed")
            case protocol.Admit(_, target, "not_confirmed", _):
                visit.refuse_identity(own, target=target, acting_user=user)
                raise Refused("identity_not_confirmed")
            case protocol.Admit(_, target, identity, accept_unencrypted):
                visit.admit_participant(
                    own,
                    target=target,
                    identity=identity,
                    acting_user=user,
                    accept_unencrypted=accept_unencrypted,
                    server_refusal=server_refusal,
                )
            case protocol.AdmitDevice(_, target, device):
                visit.admit_device(own, target=target, device=device, acting_user=user)
            case protocol.Remove(_, target, reason):
                visit.remove_participant(own, target=target, reason=reason, acting_user=user)
            case protocol.Recording(_, "request"):
                consents.request_recording(own, acting_user=user, server_refusal=server_refusal)
            case protocol.Recording():
                consents.stop_recording(own, acting_user=user)
            case protocol.Invite(_, role, name, language, contact):
                invited = visit.invite_into_visit(
                    own, role=role, name=name, language=language, contact=contact, acting_user=user
                )
                return {"url": invited.url, "sent": invited.message is not None}
            case protocol.Finish(_, outcome):
                visit.finish_visit(own, outcome=outcome, acting_user=user)
        return {}

    def _ice_servers(self) -> dict[str, Any]:
        seat = Participant.objects.select_related("room__appointment__clinic").get(pk=self.ticket.participant.pk)
        if seat.state != lifecycle.ADMITTED or seat.room.state != lifecycle.LIVE:
            raise Refused("not_admitted")
        return ice_servers_for(seat)

    def _wait_if_ready(self) -> None:
        """A page that reloads between the last step and the waiting room still ends up in it."""
        seat = Participant.objects.select_related("room__appointment__visit_type").get(pk=self.ticket.participant.pk)
        ready = seat.details_confirmed_at is not None and bool(seat.device_check) and not missing_consent(seat)
        if seat.state == lifecycle.PREPARING and seat.room.state != lifecycle.ENDED and ready:
            seats.start_waiting(seat)

    def tell_who_sees_me(self, view: View) -> None:
        """Nudge those whose picture of the room holds this person, and nobody else."""
        me = view.facts.person(self.ticket.participant_id)
        everybody = me.role == "practitioner"
        inside = me.state == lifecycle.ADMITTED
        seen_by = [
            person.id
            for person in view.facts.people
            if person.id != me.id
            and (everybody or person.role == "practitioner" or (inside and person.state == lifecycle.ADMITTED))
        ]
        nudge_seats(seen_by)
        if not everybody:
            send_to_groups([clinic_group(view.facts.clinic_id)], {"type": "day.changed", "event": "changed"})
