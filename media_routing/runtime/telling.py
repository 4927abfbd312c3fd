"""Events of a room as what its pages are told: dictionaries ready for JSON (docs/PROTOCOL.md)."""

from __future__ import annotations

from media_routing.sfu.events import LegQuality, SlotsMapped, Speakers

Message = dict[str, object]

# ITU-T G.114 and LiveKit's scorer (media-facts.md §5): up to which round trip and loss a connection is good, or fair.
GOOD_RTT_S, FAIR_RTT_S = 0.2, 0.3
GOOD_LOSS, FAIR_LOSS = 0.02, 0.06


def slots(connection: str, event: SlotsMapped) -> Message:
    rows = [{"mid": mid, "participant": person, "source": source} for mid, person, source in event.slots]
    return {"type": "sfu_slots", "connection": connection, "slots": rows}


def speakers(event: Speakers) -> Message:
    return {"type": "sfu_speakers", "order": list(event.order), "speaking": sorted(event.speaking)}


def presence(participant: str, silence_s: float, *, lost: bool) -> Message:
    state = "lost" if lost else "alive"
    return {"type": "sfu_presence", "participant": participant, "state": state, "silence_ms": round(silence_s * 1000)}


def closed(connection: str, reason: str) -> Message:
    return {"type": "sfu_closed", "connection": connection, "reason": reason}


def quality(own: LegQuality, everybody: dict[str, LegQuality]) -> Message:
    """How everyone is connected, and what this receiver gets of each video line."""
    return {
        "type": "sfu_quality",
        "participants": {key: _of(one) for key, one in everybody.items()},
        "layers": [{"mid": mid, "height": height} for mid, height in own.layers],
        "target_bps": own.target_bps,
    }


def _of(one: LegQuality) -> Message:
    loss = max(one.up_loss, one.down_loss)
    if one.rtt_s > FAIR_RTT_S or loss > FAIR_LOSS:
        word = "poor"
    elif one.rtt_s > GOOD_RTT_S or loss > GOOD_LOSS:
        word = "fair"
    else:
        word = "good"
    return {"word": word, "rtt_ms": round(one.rtt_s * 1000), "loss": round(loss, 4)}
