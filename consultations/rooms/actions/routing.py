"""Asks the routing engine and keeps its answer with the visit."""

from typing import Literal, cast

from django.conf import settings
from django.utils import timezone

from consultations.clinics.models import TurnServer
from consultations.rooms.encryption import REQUIRED, can_encrypt, frame_encryption
from consultations.rooms.models import Participant, Room, RouteDecision
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
) -> api.Decision:
    """Return what the engine would decide with `joining` more people inside, or with the `newcomer`. Writes nothing; three queries.

    `server_refusal` is what the media server of this process said about taking in one more visit. `recording`: were it
    recorded; None asks whether it is.
    """
    recorded = recordings().goes_on(room.pk) if recording is None else recording
    people = list(Participant.objects.filter(room=room, kind=Participant.Kind.BROWSER))
    inside = [person for person in people if person.state == Participant.State.ADMITTED]
    present = [*inside, newcomer] if newcomer else inside
    clinic, visit_type = room.appointment.clinic, room.appointment.visit_type
    return api.decide(
        api.Facts(
            participants=len(present) + joining,
            seats=room.seats,
            visit_is_group=visit_type.is_group,
            privacy_class=cast(Literal["standard", "maximum"], visit_type.privacy_class),
            profile=cast(Literal["kbv", "hipaa", "gdpr"], clinic.profile),
            recording=recorded,
            relay_only_by_clinic=clinic.relay_only,
            relay_only_by_patient=any(person.relay_only for person in people),
            turn_available=bool(clinic.offered_relays()),
            sfu_available=settings.SFU_ENABLED,
            server_refusal=server_refusal,
            # A recorder has keys.
            sfu_is_blind=not recorded
            and all(can_encrypt(person.device_check) for person in present)
            and frame_encryption(people) == REQUIRED,
            on_server=room.state == Room.State.LIVE and room.route == "sfu",
        )
    )


def must_encrypt(room: Room) -> bool:
    """True where nobody may come in without end-to-end encryption (PRIV-1)."""
    appointment = room.appointment
    return appointment.clinic.profile == "kbv" or appointment.visit_type.privacy_class == "maximum"


def choose_route(room: Room, *, trigger: str, server_refusal: api.ServerRefusal = "") -> api.Decision:
    """Ask the engine and store its answer with the visit. Called inside the transaction of what caused it.

    Who is inside has changed, or may have: a recording pauses, goes on or stops first.
    """
    recordings().settle(room)
    decision = weigh_route(room, server_refusal=server_refusal)
    stored = _keep(room, decision, trigger)
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
