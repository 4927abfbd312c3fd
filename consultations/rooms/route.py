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


def join_for(
    facts: RoomFacts, viewer_id: str, shown: api.Shown = api.NOTHING_SHOWN
) -> tuple[dict[str, Any] | None, dict[str, str] | None]:
    """Return (descriptor, refusal) for one person in their language; at most one of them is set. `shown`: what is tried."""
    decision = stored_decision(facts)
    if decision is None:
        return None, None
    with translation.override(facts.person(viewer_id).language):
        if decision.refusal:
            reason = decision.reasons[0]
            return None, {"code": reason.code, "text": reasons.describe(reason.code, reason.params)}
        peers = [person.id for person in admitted_people(facts) if person.id != viewer_id]
        descriptor = _descriptor(facts, viewer_id, decision, peers)
        if descriptor is not None:
            descriptor["quality"] = {
                "profile": facts.quality_profile,
                "limits": {name: list(limit) for name, limit in facts.quality_limits.items()},
            }
            descriptor["warm"] = _warm(facts, viewer_id, decision, peers, shown)
    return descriptor, None


def _descriptor(facts: RoomFacts, viewer_id: str, decision: api.Decision, peers: list[str]) -> dict[str, Any] | None:
    return api.join_descriptor(
        decision,
        viewer_id,
        peers,
        lambda reason: reasons.describe(reason.code, reason.params),
        room_size=room_size(facts.seats),
    )


def _warm(
    facts: RoomFacts, viewer_id: str, decision: api.Decision, peers: list[str], shown: api.Shown
) -> dict[str, Any] | None:
    """The path to build beside the one in use, in the same shape; nobody decided for it yet."""
    if not shown.warm or shown.warm == decision.route:
        return None
    hidden = facts.hide_addresses and shown.warm == "p2p"
    tried = api.Decision(shown.warm, decision.reasons, "relay" if hidden else "all")
    descriptor = _descriptor(facts, viewer_id, tried, peers) or {}
    return {name: value for name, value in descriptor.items() if name != "decision"}


def switching_for(facts: RoomFacts, viewer_id: str, shown: api.Shown) -> dict[str, Any]:
    """Return `move` and `advice` of the snapshot in the viewer's language."""
    move = shown.move if shown.move is not None and shown.move.to != facts.route else None
    text = reasons.describe_question if move is not None and move.state == "asking" else reasons.describe
    with translation.override(facts.person(viewer_id).language):
        return {
            "move": {
                "to": move.to,
                "state": move.state,
                "reason": {"code": move.reason.code, "text": text(move.reason.code)},
                "asks": list(move.asks),
            }
            if move is not None
            else None,
            "advice": _advice(shown.advice, viewer_id) if shown.advice is not None else None,
        }


def _advice(advice: api.Reason, viewer_id: str) -> dict[str, Any]:
    participant = str(advice.params.get("participant", "")) or None
    return {
        "code": advice.code,
        "text": reasons.describe_advice(advice.code, own=participant == viewer_id),
        "participant": participant,
    }


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
