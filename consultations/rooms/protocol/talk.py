"""What people on the media server say to each other's pages: chat, and the state of their devices. Nothing is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consultations.rooms.protocol.fields import Fields, ProtocolError

MAX_TEXT_CHARS: Final = 4000  # as in static/js/lib/chat_log.js
MAX_HISTORY: Final = 100  # messages in one `say`; a longer history comes in several
MAX_AT_MS: Final = 2**53 - 1

# Who the recorder is to pages (docs/PROTOCOL.md); it takes keys and nothing else.
RECORDER: Final = "recorder"

MAX_KEYS_BYTES: Final = 4096
MAX_SEALED_CHARS: Final = 24_000  # 12 kB of history (static/js/lib/chat_share.js) in base64, and room to spare

# 30 kB of a picture (static/js/lib/still_parts.js), twice in base64; a frame holds 64 KiB.
MAX_PART_CHARS: Final = 58_000

_KINDS = frozenset({"media", "chat", "history", "keys", "sealed", "part"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_SLOTS = frozenset({"audio", "video"})
_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
# Chat has lines; other control characters have no business in it.
_CHAT = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class MediaState:
    """`sends`: the slots there is a device for, muted or not. `hand_at_ms`: since when the hand is up; 0 if not, or not said."""

    mic: bool
    camera: bool
    screen: bool
    hand: bool
    sends: tuple[str, ...]
    hand_at_ms: int = 0

    def as_json(self) -> dict[str, Any]:
        media = {
            "mic": self.mic,
            "camera": self.camera,
            "screen": self.screen,
            "hand": self.hand,
            "hand_at_ms": self.hand_at_ms,
            "sends": list(self.sends),
        }
        return {"kind": "media", "media": media}


@dataclass(frozen=True, slots=True)
class ChatLine:
    """`at_ms` is the writer's wall clock. `author` is '' for the sender's own line: the server names the sender."""

    id: str
    at_ms: int
    text: str
    author: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    line: ChatLine

    def as_json(self) -> dict[str, Any]:
        return {"kind": "chat", "message": {"id": self.line.id, "at_ms": self.line.at_ms, "text": self.line.text}}


@dataclass(frozen=True, slots=True)
class History:
    """Lines handed to a page that was reloaded or came late; what the sender says about their authors is not proved."""

    lines: tuple[ChatLine, ...]

    def as_json(self) -> dict[str, Any]:
        lines = [{"id": line.id, "from": line.author, "at_ms": line.at_ms, "text": line.text} for line in self.lines]
        return {"kind": "history", "messages": lines}


@dataclass(frozen=True, slots=True)
class Keys:
    """What two pages agree on keys with (docs/PRIVACY.md): public keys, and secrets wrapped for one page. Nothing to read here."""

    keys: Mapping[str, object]

    def as_json(self) -> dict[str, Any]:
        return {"kind": "keys", "keys": dict(self.keys)}


@dataclass(frozen=True, slots=True)
class Sealed:
    """Chat, history or the state of devices, encrypted between the pages."""

    data: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": "sealed", "data": self.data}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture, encrypted between two pages."""

    data: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": "part", "data": self.data}


SayBody = MediaState | Chat | History | Keys | Sealed | Part


@dataclass(frozen=True, slots=True)
class Say:
    """`to` None is everybody; a history, keys and a part always go to one."""

    to: str | None
    body: SayBody


def read_say(fields: Fields) -> Say:
    to = None if fields.is_null("to") else fields.public_id_or("to", RECORDER)
    body = _body(fields.inner("body"))
    if to is None and isinstance(body, History | Keys | Part):
        raise ProtocolError("bad_field")
    if to == RECORDER and not isinstance(body, Keys):
        raise ProtocolError("bad_field")
    return Say(to, body)


def _body(fields: Fields) -> SayBody:
    kind = fields.choice("kind", _KINDS)
    if kind == "media":
        return _media(fields.inner("media"))
    if kind == "keys":
        return Keys(fields.small_object("keys", max_bytes=MAX_KEYS_BYTES))
    if kind == "sealed":
        return Sealed(fields.text("data", _BASE64URL, limit=MAX_SEALED_CHARS))
    if kind == "part":
        return Part(fields.text("data", _BASE64URL, limit=MAX_PART_CHARS))
    if kind == "chat":
        return Chat(_line(fields.inner("message")))
    lines = fields.items("messages", limit=MAX_HISTORY)
    return History(tuple(_line(line, author=line.public_id("from")) for line in lines))


def _media(fields: Fields) -> MediaState:
    return MediaState(
        mic=fields.flag("mic"),
        camera=fields.flag("camera"),
        screen=fields.flag("screen"),
        hand=fields.flag("hand"),
        sends=fields.choices("sends", _SLOTS),
        hand_at_ms=fields.optional_number("hand_at_ms", 0, MAX_AT_MS) or 0,
    )


def _line(fields: Fields, *, author: str = "") -> ChatLine:
    return ChatLine(
        id=fields.text("id", _TOKEN, limit=64),
        at_ms=fields.number("at_ms", 0, MAX_AT_MS),
        text=fields.text("text", _CHAT, limit=MAX_TEXT_CHARS),
        author=author,
    )
