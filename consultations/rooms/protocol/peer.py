"""What two browsers say to each other through the server while they connect: SDP and candidates."""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from consultations.rooms.protocol.fields import ANY_TEXT, MAX_SEQ, STREAM_PATTERN, Fields, ProtocolError

MAX_SDP_BYTES: Final = 32 * 1024
MAX_MEDIA_LINES: Final = 8
MAX_CANDIDATES: Final = 64
MAX_CANDIDATE_CHARS: Final = 1024

_SDP_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class Description:
    """An SDP description (RFC 8829); its text is checked for shape and size, not for sense."""

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": "description", "type": self.type, "sdp": self.sdp}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trickled candidate (RFC 8840); an empty `candidate` is the browser's end-of-candidates for one section."""

    candidate: str
    mid: str | None
    line_index: int | None
    username_fragment: str | None

    def as_json(self) -> dict[str, Any]:
        candidate = {
            "candidate": self.candidate,
            "sdpMid": self.mid,
            "sdpMLineIndex": self.line_index,
            "usernameFragment": self.username_fragment,
        }
        return {"kind": "candidate", "candidate": candidate}


@dataclass(frozen=True, slots=True)
class NoMoreCandidates:
    def as_json(self) -> dict[str, Any]:
        return {"kind": "candidate", "candidate": None}


@dataclass(frozen=True, slots=True)
class Restart:
    def as_json(self) -> dict[str, Any]:
        return {"kind": "restart"}


@dataclass(frozen=True, slots=True)
class Hidden:
    """Stands for a candidate the server withheld, so the receiver's numbering has no gap. Never accepted from a client."""

    def as_json(self) -> dict[str, Any]:
        return {"kind": "hidden"}


Body = Description | Candidate | NoMoreCandidates | Restart | Hidden


@dataclass(frozen=True, slots=True)
class Signal:
    to: str
    stream: str
    seq: int
    body: Body


@dataclass(frozen=True, slots=True)
class Ack:
    to: str
    stream: str
    seq: int


@dataclass(frozen=True, slots=True)
class PathReport:
    state: str
    route: str
    local: str
    remote: str
    rtt_ms: int | None
    # Host name of the clinic's relay that this end uses; never an address of a person.
    relay: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    report: PathReport


def read_signal(fields: Fields) -> Signal:
    return Signal(
        to=fields.public_id("to"),
        stream=fields.text("stream", STREAM_PATTERN),
        seq=fields.number("seq", 1, MAX_SEQ),
        body=_body(fields.inner("body")),
    )


def _body(fields: Fields) -> Body:
    kind = fields.choice("kind", frozenset({"description", "candidate", "restart"}))
    if kind == "restart":
        return Restart()
    if kind == "description":
        return _description(fields)
    if fields.is_null("candidate"):
        return NoMoreCandidates()
    inner = fields.inner("candidate")
    candidate = inner.text("candidate", limit=MAX_CANDIDATE_CHARS)
    if candidate and not candidate.removeprefix("a=").startswith("candidate:"):
        raise ProtocolError("bad_field")
    return Candidate(
        candidate=candidate,
        mid=inner.optional_text("sdpMid", limit=64),
        line_index=inner.optional_number("sdpMLineIndex", 0, MAX_MEDIA_LINES - 1),
        username_fragment=inner.optional_text("usernameFragment", limit=256),  # RFC 8839 §5.4: at most 256
    )


def _description(fields: Fields) -> Description:
    type_ = fields.choice("type", frozenset({"offer", "answer", "pranswer", "rollback"}))
    sdp = fields.text("sdp", ANY_TEXT, limit=MAX_SDP_BYTES)
    if type_ == "rollback":
        if sdp:
            raise ProtocolError("bad_field")
    else:
        check_sdp(sdp)
    return Description(type=type_, sdp=sdp)  # type: ignore[arg-type]


def check_sdp(sdp: str, *, max_bytes: int = MAX_SDP_BYTES, max_media_lines: int = MAX_MEDIA_LINES) -> None:
    """Raise ProtocolError unless `sdp` has the shape of one (RFC 8866 §5) within our limits (SEC-11)."""
    if len(sdp.encode()) > max_bytes:
        raise ProtocolError("bad_field")
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0" or not all(_SDP_LINE.fullmatch(line) for line in lines):
        raise ProtocolError("bad_field")
    if sum(line.startswith("m=") for line in lines) > max_media_lines:
        raise ProtocolError("bad_field")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise ProtocolError("bad_field")


def read_ack(fields: Fields) -> Ack:
    return Ack(
        to=fields.public_id("to"), stream=fields.text("stream", STREAM_PATTERN), seq=fields.number("seq", 0, MAX_SEQ)
    )


_TYPES = frozenset({"host", "srflx", "prflx", "relay", ""})


def read_path(fields: Fields) -> Path:
    report = fields.inner("report")
    return Path(
        PathReport(
            state=report.choice("state", frozenset({"connecting", "connected", "lost", "failed"})),
            route=report.choice("route", frozenset({"direct", "relay", "server", ""})),
            local=report.choice("local", _TYPES),
            remote=report.choice("remote", _TYPES),
            rtt_ms=report.milliseconds("rtt_ms"),
            relay=report.optional_text("relay", limit=200) or "",
        )
    )
