"""Which message is legal when, and who gets it. Pure: what a socket may do comes in, effects come out.

    parse (protocol/) ──▶ decide(viewer, message) ──▶   Relay   to the one addressed seat
                                                        Spread  to several of the admitted
                                                        ToRecorder  keys for the recorder of this visit
                                                        Act     an action, which checks everything again in its transaction
                                                        Refuse  with a stable code
                                                        Close   the socket

`Viewer` is the socket's own cached view, refreshed by nudges and by a sweep: relaying costs no query.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from consultations.rooms import protocol
from consultations.rooms.protocol import Ack, Body, Candidate, Description, Hidden, Message, Say, Signal

CLOSE_BAD_MESSAGE: Final = 4400
CLOSE_NOT_SIGNED_IN: Final = 4401
CLOSE_NOT_ALLOWED: Final = 4403
CLOSE_UNKNOWN: Final = 4404
CLOSE_HELLO_TIMEOUT: Final = 4408
CLOSE_REPLACED: Final = 4409
CLOSE_ENDED: Final = 4410
CLOSE_TOO_LARGE: Final = 4413
CLOSE_MOVED: Final = 4421
CLOSE_TOO_MANY: Final = 4429


@dataclass(frozen=True, slots=True)
class Viewer:
    """One socket's rights at this moment. `peers` are the other admitted people; `hide_addresses` counts for all (PRIV-6)."""

    participant: str
    role: str
    state: str
    page: str
    device_active: bool
    room_state: str
    peers: frozenset[str]
    hide_addresses: bool = False
    route: str = "p2p"
    # A recorder holds keys of this visit now.
    recorder: bool = False
    # The path that is tried beside the one in use.
    warm: str = ""

    @property
    def admitted(self) -> bool:
        return self.state == "admitted" and self.device_active and self.room_state == "live"


@dataclass(frozen=True, slots=True)
class Relay:
    to: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Spread:
    to: frozenset[str]
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToRecorder:
    """What a page says about its keys to the recorder of this process."""

    keys: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Act:
    message: Message


@dataclass(frozen=True, slots=True)
class Refuse:
    code: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    code: int


Effect = Relay | Spread | ToRecorder | Act | Refuse | Close


def gate(viewer: Viewer) -> Close | None:
    """Return why this socket may not stay open at all, or None."""
    if viewer.state == "removed":
        return Close(CLOSE_NOT_ALLOWED)
    if viewer.room_state == "ended":
        return Close(CLOSE_ENDED)
    return None


def decide(viewer: Viewer, message: Message) -> Effect:
    """Return what is to be done about one message of this socket (SEC-4: for every message anew)."""
    closed = gate(viewer)
    if closed:
        return closed
    request_id = str(getattr(message, "id", ""))
    match message:
        case protocol.Hello():
            return Refuse("hello_twice")
        case protocol.Ping():
            return Act(message)
        case Signal() | Ack():
            return _relay(viewer, message)
        case protocol.Path() | protocol.Quality() | protocol.IceServers() | protocol.Trouble() | protocol.MoveAnswer():
            return Act(message) if viewer.admitted else Refuse("not_admitted", request_id)
        case protocol.Consent():
            return Act(message) if viewer.admitted else Refuse("not_admitted", request_id)
        case protocol.SfuOffer() | protocol.SfuView():
            return _not_on_server(viewer, request_id) or Act(message)
        case protocol.Say("recorder", protocol.Keys(keys)) if viewer.admitted and viewer.recorder:
            return ToRecorder(keys)
        case protocol.Say(_, protocol.Keys()):
            return _spread(viewer, message) if viewer.admitted else Refuse("not_admitted")
        case protocol.Say():
            return _not_on_server(viewer) or _spread(viewer, message)
        case protocol.Leave():
            return Act(message) if viewer.device_active else Refuse("not_allowed", request_id)
        case (
            protocol.Admit()
            | protocol.AdmitDevice()
            | protocol.Remove()
            | protocol.Finish()
            | protocol.Invite()
            | protocol.Recording()
        ):
            seated = viewer.role == "practitioner" and viewer.state == "admitted" and viewer.device_active
            return Act(message) if seated else Refuse("not_allowed", request_id)


def _relay(viewer: Viewer, message: Signal | Ack) -> Effect:
    if not viewer.admitted:
        return Refuse("not_admitted")
    # One answer for "not there" and "not admitted": nobody learns who else is waiting (CLIN-2).
    if message.to not in viewer.peers:
        return Refuse("unknown_person")
    sender_page, receiver_page, *_ = message.stream.split(".")
    own_page = sender_page if isinstance(message, Signal) else receiver_page
    if own_page != viewer.page:
        return Refuse("wrong_stream")
    relayed: dict[str, Any] = {"from": viewer.participant, "stream": message.stream, "seq": message.seq}
    if isinstance(message, Ack):
        return Relay(message.to, {"type": "ack", **relayed})
    body = hide_addresses(message.body) if viewer.hide_addresses else message.body
    return Relay(message.to, {"type": "signal", **relayed, "body": body.as_json()})


def _not_on_server(viewer: Viewer, request_id: str = "") -> Refuse | None:
    """Two browsers on their own path have data channels: what they say to each other is none of the server's business."""
    if not viewer.admitted:
        return Refuse("not_admitted", request_id)
    return None if "sfu" in (viewer.route, viewer.warm) else Refuse("wrong_route", request_id)


def _spread(viewer: Viewer, message: Say) -> Effect:
    to = viewer.peers if message.to is None else viewer.peers & {message.to}
    if message.to is not None and not to:
        return Refuse("unknown_person")
    return Spread(to, {"type": "said", "from": viewer.participant, "body": message.body.as_json()})


# --- Hiding network addresses (PRIV-6) ------------------------------------------------------------------------------------

# RFC 8839 §5.1 names these for an agent that does not tell its related address; Firefox wants the attribute to be there.
_MASKED_ADDRESS: Final = "0.0.0.0"  # noqa: S104  text for SDP, nothing is bound
_MASKED_PORT: Final = "9"
_ADDRESS_LINE = re.compile(r"IN IP[46] .*")
# Lines without a place for an address; a candidate line is judged by itself.
_NO_ADDRESS: Final = ("a=remote-candidates:", "a=alt:", "a=tcap", "a=acap", "i=", "u=", "e=", "p=")


def hide_addresses(body: Body) -> Body:
    """Return the body with nothing in it that tells where its sender is, except relay addresses."""
    if isinstance(body, Description):
        return replace(body, sdp=strip_sdp(body.sdp))
    if isinstance(body, Candidate) and body.candidate:
        stripped = strip_candidate(body.candidate)
        return replace(body, candidate=stripped) if stripped else Hidden()
    return body


def strip_candidate(candidate: str) -> str | None:
    """Return a relay candidate (RFC 8839 §5.1) with its related address masked, None for every other kind.

    Only what the grammar places is kept: an address in an unknown extension must not slip through.
    """
    words = candidate.removeprefix("a=").split(" ")
    if len(words) < 8 or words[6] != "typ" or words[7] != "relay" or not words[0].startswith("candidate:"):
        return None
    kept = [*words[:8], "raddr", _MASKED_ADDRESS, "rport", _MASKED_PORT]
    extensions = words[8:]
    for name, value in zip(extensions[::2], extensions[1::2], strict=False):
        if name in {"ufrag", "generation", "tcptype"}:
            kept += [name, value]
    return " ".join(kept)


def strip_sdp(sdp: str) -> str:
    """Return the SDP with relay candidates only and every default address masked (RFC 8866 §5.2, §5.7; RFC 8839 §4.2.1)."""
    lines = []
    for line in sdp.replace("\r\n", "\n").removesuffix("\n").split("\n"):
        if line.startswith("a=candidate:"):
            stripped = strip_candidate(line)
            if stripped:
                lines.append("a=" + stripped)
        elif line.startswith("a=rtcp:"):
            lines.append(f"a=rtcp:{_MASKED_PORT} IN IP4 {_MASKED_ADDRESS}")
        elif line.startswith(("c=", "o=")):
            lines.append(_ADDRESS_LINE.sub(f"IN IP4 {_MASKED_ADDRESS}", line))
        elif line.startswith("m="):
            lines.append(_mask_port(line))
        elif not line.startswith(_NO_ADDRESS):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n" if sdp else ""


def _mask_port(line: str) -> str:
    """Port 0 means the section is refused and stays; any other is replaced by the discard port."""
    words = line.split(" ")
    if len(words) > 1 and words[1] != "0":
        words[1] = _MASKED_PORT
    return " ".join(words)
