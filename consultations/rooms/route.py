"""Between the visit and the routing engine: shapes the stored decision for one person, and mints what they connect with."""

import time
from typing import Any

from django.conf import settings
from django.utils import translation

from consultations.clinics.models import Clinic
from consultations.rooms import reasons
from consultations.rooms.facts import RoomFacts
from consultations.rooms.models import Participant
from consultations.rooms.snapshot import admitted_people
from media_routing import api


def stored_decision(facts: RoomFacts) -> api.Decision | None:
    """Return the decision that holds for the room, None before there is one."""
    if not facts.route or not facts.route_reasons:
        return None
    return api.Decision(
        route=facts.route,  # type: ignore[arg-type]
        reasons=tuple(api.Reason(reason["code"], reason.get("params", {})) for reason in facts.route_reasons),
        ice_transport_policy="relay" if facts.hide_addresses and facts.route != "sfu" else "all",
    )


def join_for(facts: RoomFacts, viewer_id: str) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    """Return (descriptor, refusal) for one person in their language; at most one of them is set."""
    decision = stored_decision(facts)
    if decision is None:
        return None, None
    with translation.override(facts.person(viewer_id).language):
        if decision.refusal:
            reason = decision.reasons[0]
            return None, {"code": reason.code, "text": reasons.describe(reason.code, reason.params)}
        peers = [person.id for person in admitted_people(facts) if person.id != viewer_id]
        descriptor = api.join_descriptor(
            decision,
            viewer_id,
            peers,
            lambda reason: reasons.describe(reason.code, reason.params),
            room_size=room_size(facts.seats),
        )
    return descriptor, None


def room_size(seats: int) -> int:
    """Return for how many people a page makes places on the media server.

    Four or eight: somebody invited during the visit must not make everybody connect anew.
    """
    return 4 if seats <= 4 else 8


def relays_of(clinic: Clinic) -> list[api.TurnServer]:
    """Return the relays of the clinic's regions as the engine takes them, the best first. One query."""
    return [
        api.TurnServer(relay.host, relay.secret, relay.udp_port, relay.tcp_port, relay.tls_port)
        for relay in clinic.offered_relays()
    ]


def ice_servers_for(participant: Participant) -> dict[str, Any]:
    """Return fresh credentials for an admitted person (SEC-9). The caller has checked that they are admitted."""
    servers = api.ice_servers(
        relays_of(participant.room.appointment.clinic),
        participant.public_id,
        now_s=time.time(),
        ttl_s=settings.TURN_CREDENTIAL_TTL_S,
    )
    return {"ice_servers": servers, "ttl_s": settings.TURN_CREDENTIAL_TTL_S}
