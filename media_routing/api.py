"""The only module of media_routing that other packages import."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from media_routing.policy.decision import Decision, Reason
from media_routing.policy.facts import Evidence, Facts, ServerRefusal
from media_routing.policy.quality import BOUNDS, CEILINGS, NAMES, PROFILES, Limit, Limits, is_limit, limits_for
from media_routing.policy.rules import CONDITIONS, ROUTE_RULES, decide
from media_routing.policy.switch_terms import (
    ADVICE_CODES,
    SWITCH_REASONS,
    Asked,
    Effect,
    Measured,
    Move,
    Release,
    Shown,
    Tell,
    Times,
    Visit,
)
from media_routing.policy.switch_terms import NOTHING as NOTHING_SHOWN
from media_routing.policy.switching import Switching
from media_routing.runtime.terms import JoinAnswer, Listener, MediaRefused, MediaSettings, Sample
from media_routing.sfu.events import Want
from media_routing.turn import MAX_TTL_S, IceServer, TurnServer, ice_servers, turn_probe_servers
from media_routing.turn import credential as turn_credential

if TYPE_CHECKING:
    from media_routing.runtime.film import MadeFilm, make_film
    from media_routing.runtime.finalise import finalise as finalise_tracks
    from media_routing.runtime.finalise import recover as recover_tracks
    from media_routing.runtime.listening import Listening
    from media_routing.runtime.recorder import RecorderEvent, RecorderRefused, Recording
    from media_routing.runtime.recorder_keys import KeyRefused, RecorderKeys
    from media_routing.runtime.relay_check import relay_problems
    from media_routing.runtime.sealed_file import SealedFileError, SealedReader, new_key, seal_bytes
    from media_routing.runtime.service import MediaService

__all__ = [
    "ADVICE_CODES",
    "BOUNDS",
    "CEILINGS",
    "MAX_TTL_S",
    "NAMES",
    "NOTHING_SHOWN",
    "PROFILES",
    "REASON_CODES",
    "SWITCH_REASONS",
    "Asked",
    "Decision",
    "Effect",
    "Evidence",
    "Facts",
    "IceServer",
    "JoinAnswer",
    "KeyRefused",
    "Limit",
    "Limits",
    "Listener",
    "Listening",
    "MadeFilm",
    "Measured",
    "MediaRefused",
    "MediaService",
    "MediaSettings",
    "Move",
    "Reason",
    "RecorderEvent",
    "RecorderKeys",
    "RecorderRefused",
    "Recording",
    "Release",
    "Sample",
    "SealedFileError",
    "SealedReader",
    "ServerRefusal",
    "Shown",
    "Switching",
    "Tell",
    "Times",
    "TurnServer",
    "Visit",
    "Want",
    "decide",
    "finalise_tracks",
    "ice_servers",
    "is_limit",
    "join_descriptor",
    "limits_for",
    "make_film",
    "new_key",
    "recover_tracks",
    "relay_problems",
    "seal_bytes",
    "turn_credential",
    "turn_probe_servers",
]

# Every code a decision can carry: the caller proves with it that each has a translation.
REASON_CODES: tuple[str, ...] = tuple(rule.code for rule in ROUTE_RULES) + tuple(
    condition.code for condition in CONDITIONS
)

# Half a second and five misses: loss is known after 2.5 s, shown within 3 s (CLIN-3), for 2 packets/s each way.
HEARTBEAT_MS = 500
LOST_AFTER_MS = 2500

# The codec every browser shares, and the one whose frames can be encrypted with clear headers (RFC 9605).
CODECS = ("video/VP8",)


# What a sender makes of its camera (RFC 8853), lowest first: the heights of sfu/config.py. The two lower rates are what
# a narrow link leaves: 180p beside two voices in 250 kbit/s, 360p beside four in 600, after the estimate has backed off
# by 15 %. Higher: a better picture for whoever has the line, none for who has not.
LAYERS: tuple[dict[str, object], ...] = (
    {"rid": "l", "height": 180, "max_bps": 100_000},
    {"rid": "m", "height": 360, "max_bps": 350_000},
    {"rid": "h", "height": 720, "max_bps": 1_500_000},
)


_LATER = {
    "Listening": "media_routing.runtime.listening",
    "MediaService": "media_routing.runtime.service",
    "RecorderEvent": "media_routing.runtime.recorder",
    "RecorderRefused": "media_routing.runtime.recorder",
    "Recording": "media_routing.runtime.recorder",
    "MadeFilm": "media_routing.runtime.film",
    "make_film": "media_routing.runtime.film",
    "KeyRefused": "media_routing.runtime.recorder_keys",
    "RecorderKeys": "media_routing.runtime.recorder_keys",
    "SealedFileError": "media_routing.runtime.sealed_file",
    "SealedReader": "media_routing.runtime.sealed_file",
    "finalise_tracks": "media_routing.runtime.finalise:finalise",
    "new_key": "media_routing.runtime.sealed_file",
    "recover_tracks": "media_routing.runtime.finalise:recover",
    "relay_problems": "media_routing.runtime.relay_check",
    "seal_bytes": "media_routing.runtime.sealed_file",
}


def __getattr__(name: str) -> Any:
    """What is loaded when it is asked for: it brings aiortc or FFmpeg, which no management command needs."""
    module = _LATER.get(name)
    if module is not None:
        path, _, there = module.partition(":")
        return getattr(import_module(path), there or name)
    raise AttributeError(name)


def join_descriptor(
    decision: Decision,
    participant_id: str,
    peer_ids: Iterable[str],
    describe: Callable[[Reason], str],
    *,
    room_size: int = 2,
) -> dict[str, object] | None:
    """How one participant's browser joins the media, or None when the decision is a refusal.

    `describe` turns a reason into the sentence shown to this person. Of two peers on their own path exactly one is polite
    (perfect negotiation, W3C webrtc §10.7): the one whose id sorts first, so both sides agree without talking. Towards the
    server it is always the browser that offers, with places to receive `room_size` people.
    """
    if decision.refusal:
        return None
    others = [peer_id for peer_id in peer_ids if peer_id != participant_id]
    descriptor: dict[str, object] = {
        "engine": decision.route,
        "decision": {
            "route": decision.route,
            "reasons": [{"code": reason.code, "text": describe(reason)} for reason in decision.reasons],
        },
        "peers": [{"id": peer_id, "polite": participant_id < peer_id} for peer_id in others],
        "ice_transport_policy": decision.ice_transport_policy,
        "heartbeat_ms": HEARTBEAT_MS,
        "lost_after_ms": LOST_AFTER_MS,
        "codecs": list(CODECS),
    }
    if decision.route == "sfu":
        descriptor["peers"] = [{"id": peer_id} for peer_id in others]
        descriptor["room_size"] = room_size
        descriptor["layers"] = [dict(layer) for layer in LAYERS]
    return descriptor
