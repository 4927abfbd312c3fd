"""What a page asks of the media server: to join it, and which pictures it needs in which size."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from consultations.rooms.protocol.fields import ANY_TEXT, PAGE_PATTERN, Fields, ProtocolError
from consultations.rooms.protocol.peer import check_sdp

# Eight people: 3 of one's own, 7 voices and 8 pictures of others, with every codec the browser has. The frame's own
# limit of 64 KiB holds for the whole message.
MAX_OFFER_BYTES: Final = 56 * 1024
MAX_OFFER_MEDIA_LINES: Final = 20
MAX_WANTS: Final = 16
# A picture as tall as a 4K screen; more is no tile.
MAX_HEIGHT_PX: Final = 4320

SOURCES: Final = frozenset({"microphone", "camera", "screen"})
_MID = re.compile(r"[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,16}")  # RFC 5888 §4 token, as short as RFC 8843 §15.1 wants it


@dataclass(frozen=True, slots=True)
class SfuOffer:
    """`sources` says what each of the sender's own media lines (by mid) shows. `connection`: random id of its connection."""

    id: str
    connection: str
    sdp: str
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Want:
    """`height` in device pixels; 0 is not shown now."""

    participant: str
    source: str
    height: int
    pinned: bool


@dataclass(frozen=True, slots=True)
class SfuView:
    wants: tuple[Want, ...]


def read_sfu_offer(fields: Fields) -> SfuOffer:
    sdp = fields.text("sdp", ANY_TEXT, limit=MAX_OFFER_BYTES)
    check_sdp(sdp, max_bytes=MAX_OFFER_BYTES, max_media_lines=MAX_OFFER_MEDIA_LINES)
    return SfuOffer(
        id=fields.request_id(),
        connection=fields.text("connection", PAGE_PATTERN),
        sdp=sdp,
        sources=fields.map_of("sources", _MID, SOURCES),
    )


def read_sfu_view(fields: Fields) -> SfuView:
    wants = tuple(_want(item) for item in fields.items("wants", limit=MAX_WANTS))
    if len({(want.participant, want.source) for want in wants}) != len(wants):
        raise ProtocolError("bad_field")
    return SfuView(wants)


def _want(fields: Fields) -> Want:
    return Want(
        participant=fields.public_id("participant"),
        source=fields.choice("source", SOURCES),
        height=fields.number("height", 0, MAX_HEIGHT_PX),
        pinned=fields.flag("pinned"),
    )
