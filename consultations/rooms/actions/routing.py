"""Asks the routing engine and keeps its answer with the visit."""

from django.utils import timezone

from consultations.clinics.models import TurnServer
from consultations.rooms.models import Participant, Room, RouteDecision
from consultations.rooms.policy_facts import ASKED_ROLES, policy_facts
from consultations.rooms.protocol import PathReport
from consultations.rooms.recorder.port import recordings
from media_routing import api

# Reports of media paths beyond this are not stored: a visit's story, not a log.
MAX_PATH_REPORTS = 200


def weigh_route(
    room: Room,
    *,
    joining: int = 0,
    newcomer: Participant | None = None,
    server_refusal: api.ServerRefusal = "",
    recording: bool | None = None,
    evidence: api.Evidence = "",
    server_load_percent: int = 0,
    if_agreed: bool = False,
) -> api.Decision:
    """Return what the engine would decide with `joining` more people inside, or with the `newcomer`. Writes nothing; three queries.

    `server_refusal` is what the media server of this process said about taking in one more visit. `recording`: were it
    recorded; None asks whether it is. `evidence`: what was measured of the paths. `if_agreed`: of `policy_facts`.
    """
    recorded = recordings().goes_on(room.pk) if recording is None else recording
    people = list(Participant.objects.filter(room=room, kind=Participant.Kind.BROWSER))
    inside = [person for person in people if person.state == Participant.State.ADMITTED]
    present = [*inside, newcomer] if newcomer else inside
    clinic, visit_type = room.appointment.clinic, room.appointment.visit_type
    return api.decide(
        policy_facts(
            people,
            present,
            joining=joining,
            seats=room.seats,
            visit_is_group=visit_type.is_group,
            privacy_class=visit_type.privacy_class,
            profile=clinic.profile,
            recorded=recorded,
            relay_only_by_clinic=clinic.relay_only,
            turn_available=bool(clinic.offered_relays()),
            server_refusal=server_refusal,
            server_load_percent=server_load_percent,
            on_server=room.state == Room.State.LIVE and room.route == "sfu",
            evidence=evidence,
            if_agreed=if_agreed,
        )
    )


def must_encrypt(room: Room) -> bool:
    """True where nobody may come in without end-to-end encryption (PRIV-1)."""
    appointment = room.appointment
    return appointment.clinic.profile == "kbv" or appointment.visit_type.privacy_class == "maximum"


def keeps_patient_out(room: Room, seat: Participant) -> bool:
    """True for a guest who would come before the patient where a third needs the patient's yes: only who is in can say it."""
    if room.appointment.visit_type.privacy_class != "maximum" or seat.role in ASKED_ROLES:
        return False
    return not room.participants.filter(role=Participant.Role.PATIENT, admitted_at__isnull=False).exists()


def choose_route(
    room: Room,
    *,
    trigger: str,
    server_refusal: api.ServerRefusal = "",
    evidence: api.Evidence = "",
    server_load_percent: int = 0,
) -> api.Decision:
    """Ask the engine and store its answer with the visit. Called inside the transaction of what caused it.

    Who is inside has changed, or may have: a recording pauses, goes on or stops first.
    """
    recordings().settle(room)
    decision = weigh_route(
        room, server_refusal=server_refusal, evidence=evidence, server_load_percent=server_load_percent
    )
    stored = _keep(room, decision, trigger)
    if room.route == "sfu" and decision.route == "p2p":
        # One yes, one stay on the server.
        Participant.objects.filter(room=room, server_answer=Participant.ServerAnswer.YES).update(server_answer="")
    room.route, room.route_reasons = decision.route, stored
    room.save(update_fields=["route", "route_reasons"])
    return decision


def record_refused_route(room: Room, decision: api.Decision) -> None:
    """Add to the visit's story that somebody could not be let in, and why. The route of those inside stays."""
    _keep(room, decision, "admission_refused")


def _keep(room: Room, decision: api.Decision, trigger: str) -> list[dict[str, object]]:
    stored = [reason.as_dict() for reason in decision.reasons]
    RouteDecision.objects.create(
        room=room,
        at=timezone.now(),
        trigger=trigger,
        route=decision.route,
        refused=decision.refusal,
        reasons=stored,
    )
    return stored


def record_path(participant: Participant, *, report: PathReport) -> None:
    """Add what a browser saw of its media path to the visit's story. Metadata: purged per retention (PRIV-4).

    Not audited: it tells of a network, not of what somebody did.
    """
    story = RouteDecision.objects.filter(room_id=participant.room_id, trigger__startswith="path.")
    if story.count() >= MAX_PATH_REPORTS:
        return
    RouteDecision.objects.create(
        room_id=participant.room_id,
        at=timezone.now(),
        trigger=f"path.{report.state}",
        route=report.route,
        reasons=[
            {
                "participant": participant.public_id,
                "local": report.local,
                "remote": report.remote,
                "rtt_ms": report.rtt_ms,
                "region": _region_of(participant, report.relay),
            }
        ],
    )


def _region_of(participant: Participant, relay_host: str) -> str:
    """Return where the clinic's relay of that name stands; '' for none, and for a name that is not the clinic's."""
    if not relay_host:
        return ""
    relays = TurnServer.objects.filter(clinic__appointments__room=participant.room_id, host=relay_host)
    return relays.values_list("region", flat=True).first() or ""
