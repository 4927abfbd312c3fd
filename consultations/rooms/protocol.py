"""The messages of docs/PROTOCOL.md: bytes from a stranger in, typed values or one `ProtocolError` out.

Whatever is relayed is built again from these types, so a field that is not named here never reaches another person.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

VERSION: Final = 1
MAX_SDP_BYTES: Final = 32 * 1024
MAX_MEDIA_LINES: Final = 8
MAX_CANDIDATES: Final = 64
MAX_CANDIDATE_CHARS: Final = 1024
MAX_SEQ: Final = 2**31

IDENTITIES: Final = frozenset({"confirmed", "known", "not_confirmed"})
OUTCOMES: Final = frozenset(
    {"done", "follow_up", "referral", "prescription", "crisis_plan", "not_reached", "technical"}
)
REMOVE_REASONS: Final = frozenset({"wrong_person", "not_invited", "behaviour", "other"})

_PAGE = r"[A-Za-z0-9_-]{8,36}"
PAGE_PATTERN: Final = re.compile(_PAGE)
STREAM_PATTERN: Final = re.compile(rf"{_PAGE}\.{_PAGE}")
_PUBLIC_ID = re.compile(r"[0-9A-Za-z]{22}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,36}")
_SDP_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]*")


class ProtocolError(Exception):
    """The peer sent what docs/PROTOCOL.md does not allow. `fatal`: this is not our protocol at all (close 4400)."""

    def __init__(self, code: str, *, request_id: str = "", fatal: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id
        self.fatal = fatal


@dataclass(frozen=True, slots=True)
class Hello:
    page: str
    rev: int


@dataclass(frozen=True, slots=True)
class Ping:
    rev: int


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


@dataclass(frozen=True, slots=True)
class Path:
    report: PathReport


@dataclass(frozen=True, slots=True)
class IceServers:
    id: str


@dataclass(frozen=True, slots=True)
class Leave:
    id: str


@dataclass(frozen=True, slots=True)
class Admit:
    id: str
    participant: str
    identity: str


@dataclass(frozen=True, slots=True)
class AdmitDevice:
    id: str
    participant: str
    device: str


@dataclass(frozen=True, slots=True)
class Remove:
    id: str
    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    id: str
    outcome: str


Request = IceServers | Leave | Admit | AdmitDevice | Remove | Finish
Message = Hello | Ping | Signal | Ack | Path | Request


def parse(text: str) -> Message:
    """Return the message in `text`; raise ProtocolError and nothing else, whatever the text is."""
    data = _load(text)
    kind = data.get("type")
    if not isinstance(kind, str):
        raise ProtocolError("bad_message", fatal=True)
    reader = _READERS.get(kind)
    request_id = data.get("id")
    if not isinstance(request_id, str) or not _REQUEST_ID.fullmatch(request_id):
        request_id = ""
    if reader is None:
        raise ProtocolError("unknown_type", request_id=request_id)
    try:
        return reader(_Fields(data))
    except ProtocolError as error:
        raise ProtocolError(error.code, request_id=request_id, fatal=error.fatal) from None


def _load(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ProtocolError("bad_json", fatal=True) from None
    if not isinstance(data, dict):
        raise ProtocolError("bad_message", fatal=True)
    return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key appears twice")  # two readers could see two different messages
    return data


class _Fields:
    """Reads one JSON object field by field; every mismatch is ProtocolError("bad_field")."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise ProtocolError("bad_field")
        self._data: dict[str, object] = data

    def text(self, name: str, pattern: re.Pattern[str] = _PLAIN, *, limit: int = 256) -> str:
        value = self._data.get(name)
        # Lone surrogates are valid JSON and cannot be sent on as UTF-8.
        if not isinstance(value, str) or len(value) > limit or not pattern.fullmatch(value) or _has_surrogate(value):
            raise ProtocolError("bad_field")
        return value

    def optional_text(self, name: str, *, limit: int) -> str | None:
        return None if self._data.get(name) is None else self.text(name, limit=limit)

    def number(self, name: str, low: int, high: int) -> int:
        value = self._data.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ProtocolError("bad_field")
        return value

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        return None if self._data.get(name) is None else self.number(name, low, high)

    def milliseconds(self, name: str) -> int | None:
        value = self._data.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 600_000:
            raise ProtocolError("bad_field")
        return round(value)

    def choice(self, name: str, choices: frozenset[str]) -> str:
        value = self._data.get(name)
        if not isinstance(value, str) or value not in choices:
            raise ProtocolError("bad_field")
        return value

    def inner(self, name: str) -> "_Fields":
        return _Fields(self._data.get(name))

    def is_null(self, name: str) -> bool:
        return name in self._data and self._data[name] is None

    def public_id(self, name: str) -> str:
        return self.text(name, _PUBLIC_ID)

    def request_id(self) -> str:
        return self.text("id", _REQUEST_ID)


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value) if not value.isascii() else False


def _hello(fields: _Fields) -> Hello:
    try:
        fields.number("v", VERSION, VERSION)
    except ProtocolError:
        raise ProtocolError("bad_message", fatal=True) from None
    return Hello(page=fields.text("page", PAGE_PATTERN), rev=fields.number("rev", 0, MAX_SEQ))


def _signal(fields: _Fields) -> Signal:
    return Signal(
        to=fields.public_id("to"),
        stream=fields.text("stream", STREAM_PATTERN),
        seq=fields.number("seq", 1, MAX_SEQ),
        body=_body(fields.inner("body")),
    )


def _body(fields: _Fields) -> Body:
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


def _description(fields: _Fields) -> Description:
    type_ = fields.choice("type", frozenset({"offer", "answer", "pranswer", "rollback"}))
    sdp = fields.text("sdp", re.compile(r"[\s\S]*"), limit=MAX_SDP_BYTES)
    if type_ == "rollback":
        if sdp:
            raise ProtocolError("bad_field")
    else:
        check_sdp(sdp)
    return Description(type=type_, sdp=sdp)  # type: ignore[arg-type]


def check_sdp(sdp: str) -> None:
    """Raise ProtocolError unless `sdp` has the shape of one (RFC 8866 §5) within our limits (SEC-11)."""
    if len(sdp.encode()) > MAX_SDP_BYTES:
        raise ProtocolError("bad_field")
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0" or not all(_SDP_LINE.fullmatch(line) for line in lines):
        raise ProtocolError("bad_field")
    if sum(line.startswith("m=") for line in lines) > MAX_MEDIA_LINES:
        raise ProtocolError("bad_field")
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise ProtocolError("bad_field")


def _ack(fields: _Fields) -> Ack:
    return Ack(
        to=fields.public_id("to"), stream=fields.text("stream", STREAM_PATTERN), seq=fields.number("seq", 0, MAX_SEQ)
    )


_TYPES = frozenset({"host", "srflx", "prflx", "relay", ""})


def _path(fields: _Fields) -> Path:
    report = fields.inner("report")
    return Path(
        PathReport(
            state=report.choice("state", frozenset({"connecting", "connected", "lost", "failed"})),
            route=report.choice("route", frozenset({"direct", "relay", ""})),
            local=report.choice("local", _TYPES),
            remote=report.choice("remote", _TYPES),
            rtt_ms=report.milliseconds("rtt_ms"),
        )
    )


_READERS: Final[dict[str, Callable[[_Fields], Message]]] = {
    "hello": _hello,
    "ping": lambda fields: Ping(rev=fields.number("rev", 0, MAX_SEQ)),
    "signal": _signal,
    "ack": _ack,
    "path": _path,
    "ice_servers": lambda fields: IceServers(fields.request_id()),
    "leave": lambda fields: Leave(fields.request_id()),
    "admit": lambda fields: Admit(
        fields.request_id(), fields.public_id("participant"), fields.choice("identity", IDENTITIES)
    ),
    "admit_device": lambda fields: AdmitDevice(
        fields.request_id(), fields.public_id("participant"), fields.public_id("device")
    ),
    "remove": lambda fields: Remove(
        fields.request_id(), fields.public_id("participant"), fields.choice("reason", REMOVE_REASONS)
    ),
    "finish": lambda fields: Finish(fields.request_id(), fields.choice("outcome", OUTCOMES)),
}
