"""Counters for Prometheus. Rooms and legs appear under a hash with a key that dies with the process: no names, no codes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from media_routing.runtime.link import Link
from media_routing.runtime.seats import RunningRoom
from media_routing.runtime.terms import Sample

if TYPE_CHECKING:
    from media_routing.runtime.pump import Pump

_HASH_KEY = secrets.token_bytes(16)

_LEG_COUNTERS = {
    "received_packets": "SRTP and SRTCP packets accepted from the participant",
    "received_bytes": "their bytes",
    "sent_packets": "packets queued to the participant",
    "sent_bytes": "their bytes",
    "limited_packets": "packets dropped because the leg sent too many, or too many streams",
    "unauthentic_packets": "packets from the leg's address whose tag was wrong, or replayed",
}


def hashed(key: str) -> str:
    return hashlib.blake2s(key.encode(), key=_HASH_KEY, digest_size=6).hexdigest()


def collect(service: Any, rooms: Mapping[str, RunningRoom], pump: Pump) -> list[Sample]:
    return [*_process(service, rooms, pump), *(sample for room in rooms.values() for sample in _room(room))]


def _process(service: Any, rooms: Mapping[str, RunningRoom], pump: Pump) -> Iterator[Sample]:
    counters, sender = pump.counters, pump.outbox.sender
    yield Sample("sfu_rooms", "gauge", "rooms that have a leg or expect one", len(rooms))
    yield Sample("sfu_recordings", "gauge", "recordings that run or are held", service.recordings)
    for room, level in service.voice_levels:
        labels = {"room": hashed(room), "leg": hashed(f"{room}/{level.participant}")}
        yield Sample(
            "sfu_voice_dbfs", "gauge", "how loud it was in the last second (LISTENING_PROGRAM)", level.dbfs, labels
        )
    yield Sample("sfu_load", "gauge", "the engine thread's share of a core", service.load)
    yield Sample("sfu_draining", "gauge", "1 while no new rooms are taken", float(service.draining))
    yield Sample("sfu_datagrams_total", "counter", "datagrams received", counters.datagrams)
    yield Sample("sfu_unknown_datagrams_total", "counter", "datagrams that belong to nobody", counters.unknown)
    yield Sample("sfu_checks_total", "counter", "authenticated connectivity checks", counters.checks)
    yield Sample("sfu_refused_checks_total", "counter", "checks with a wrong integrity", pump.refused_checks)
    yield Sample("sfu_refused_claims_total", "counter", "checks from another leg's address", counters.claims_refused)
    yield Sample("sfu_faults_total", "counter", "legs ended by an error of the engine", counters.faults)
    yield Sample("sfu_unprotected_total", "counter", "packets that SRTP refused to send", pump.outbox.refused)
    if sender is not None:
        yield Sample("sfu_sent_datagrams_total", "counter", "datagrams given to the kernel", sender.sent)
        yield Sample("sfu_unsent_datagrams_total", "counter", "datagrams the kernel did not take", sender.dropped)
    for reason, count in service.closed_legs.items():
        yield Sample("sfu_closed_legs_total", "counter", "legs that ended, by reason", count, {"reason": reason})


def _room(room: RunningRoom) -> Iterator[Sample]:
    labels = {"room": hashed(room.key)}
    yield Sample(
        "sfu_room_legs", "gauge", "connected legs", sum(seat.link is not None for seat in room.seats.values()), labels
    )
    for seat in room.seats.values():
        if seat.link is not None:
            yield from _leg(seat.link, {**labels, "leg": hashed(f"{room.key}/{seat.link.participant}")})
            if (quality := seat.quality) is not None:
                leg = {**labels, "leg": hashed(f"{room.key}/{seat.link.participant}")}
                yield Sample("sfu_leg_target_bps", "gauge", "estimated bandwidth towards it", quality.target_bps, leg)
                yield Sample("sfu_leg_rtt_seconds", "gauge", "round trip", quality.rtt_s, leg)


def _leg(link: Link, labels: dict[str, str]) -> Iterator[Sample]:
    for field, text in _LEG_COUNTERS.items():
        yield Sample(f"sfu_leg_{field}_total", "counter", text, getattr(link, field), labels)
