"""One m-line of an offer with its attributes read: codecs, header extensions, rids, sources."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from media_routing.sdp.errors import SdpError
from media_routing.sdp.lines import Block

PROFILE: Final = "UDP/TLS/RTP/SAVPF"
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_MAX_SSRCS: Final = 16
_MAX_RIDS: Final = 3
_MAX_EXTENSIONS: Final = 32

_HEAD: Final = re.compile(
    r"(?P<kind>[a-z]{1,16}) (?P<port>[0-9]{1,5})(?:/[0-9]+)? (?P<profile>[A-Z/]{1,32})(?P<formats>(?: [^ ]+)+)"
)
_MID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")  # RFC 9143 allows more; sixteen bytes fit into a header extension
_RTPMAP: Final = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9_.-]{1,32})/([0-9]{1,6})(?:/([0-9]{1,2}))?")
_FEEDBACK: Final = re.compile(r"([0-9]{1,3}|\*) ([a-z0-9-]{1,32}(?: [a-z0-9:=-]{1,32}){0,3})")
_FMTP: Final = re.compile(r"([0-9]{1,3}) (.+)")
_APT: Final = re.compile(r"(?:^|;) *apt=([0-9]{1,3}) *(?:;|$)")
_EXTMAP: Final = re.compile(r"([0-9]{1,5})(?:/(sendrecv|sendonly|recvonly|inactive))? ([^ ]{1,256})(?: .*)?")
_RID: Final = re.compile(r"([A-Za-z0-9]{1,16}) (send|recv)(?: .+)?")
_SSRC: Final = re.compile(r"([0-9]{1,10}) [a-z-]{1,32}(?::.*)?")
_FID: Final = re.compile(r"FID ([0-9]{1,10}) ([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Codec:
    payload_type: int
    name: str  # lower case
    clock_hz: int
    channels: int
    feedback: frozenset[str]
    apt: int  # -1: none


@dataclass(frozen=True, slots=True)
class Extension:
    id: int
    direction: str


@dataclass(frozen=True, slots=True)
class Section:
    """`formats` is the end of the m-line as it was written: a refusal repeats it."""

    kind: str
    profile: str
    formats: str
    mid: str
    direction: str
    rejected: bool
    codecs: tuple[Codec, ...] = ()
    extensions: Mapping[str, Extension] | None = None
    rids: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()  # media only; `rtx_of` names the repair source of some of them
    rtx_of: Mapping[int, int] | None = None
    reduced_size: bool = False

    @property
    def carries_media(self) -> bool:
        return not self.rejected and self.kind in ("audio", "video")


def read_section(block: Block) -> Section:
    """Raises SdpError: bad_line, bad_media, bad_profile, bad_mid, no_mux, bad_codec, bad_extension, bad_rid, bad_ssrc ..."""
    head = _HEAD.fullmatch(block.head)
    if not head:
        raise SdpError("bad_line")
    kind, profile, formats = head["kind"], head["profile"], head["formats"][1:]
    mid = block.one("mid")
    if mid is None or not _MID.fullmatch(mid):
        raise SdpError("bad_mid")
    if block.has("crypto"):
        raise SdpError("insecure_keys")
    if kind not in ("audio", "video", "application"):
        raise SdpError("bad_media")
    # Port 0 without bundle-only is a section that ended (RFC 8829 §5.2.2, RFC 9143 §6).
    rejected = kind == "application" or (int(head["port"]) == 0 and not block.has("bundle-only"))
    if rejected:
        return Section(kind, profile, formats, mid, "inactive", rejected=True)
    if profile != PROFILE:
        raise SdpError("bad_profile")
    if not block.has("rtcp-mux"):
        raise SdpError("no_mux")
    ssrcs, rtx_of = _sources(block)
    return Section(
        kind,
        profile,
        formats,
        mid,
        _direction(block),
        rejected=False,
        codecs=_codecs(block, formats),
        extensions=_extensions(block),
        rids=_rids(block),
        ssrcs=ssrcs,
        rtx_of=rtx_of,
        reduced_size=block.has("rtcp-rsize"),
    )


def _direction(block: Block) -> str:
    found = {name for name in DIRECTIONS if block.has(name)}
    if len(found) > 1:
        raise SdpError("contradiction")
    return found.pop() if found else "sendrecv"


def _codecs(block: Block, formats: str) -> tuple[Codec, ...]:
    order = [_number(text, 127, "bad_codec") for text in formats.split(" ")]
    if len(set(order)) != len(order):
        raise SdpError("bad_codec")
    maps = _by_payload_type(block, "rtpmap", _RTPMAP)
    parameters = _by_payload_type(block, "fmtp", _FMTP)
    feedback = _feedback(block)
    # Lines about a format that the m-line does not name mean nothing; Firefox leaves some after setCodecPreferences.
    codecs = []
    for payload_type in order:
        if payload_type not in maps:
            continue  # a static payload type (RFC 3551 §6): none that we use
        mapped = maps[payload_type]
        apt = _APT.search(parameters[payload_type][2]) if payload_type in parameters else None
        codecs.append(
            Codec(
                payload_type,
                mapped[2].lower(),
                int(mapped[3]),
                int(mapped[4] or 1),
                frozenset(feedback.get(payload_type, set()) | feedback.get(-1, set())),
                int(apt[1]) if apt else -1,
            )
        )
    return tuple(codecs)


def _by_payload_type(block: Block, name: str, pattern: re.Pattern[str]) -> dict[int, re.Match[str]]:
    found: dict[int, re.Match[str]] = {}
    for value in block.values(name):
        match = pattern.fullmatch(value)
        if not match or int(match[1]) in found:
            raise SdpError("bad_codec")
        found[int(match[1])] = match
    return found


def _feedback(block: Block) -> dict[int, set[str]]:
    """What each payload type asks for; -1 stands for all of them."""
    found: dict[int, set[str]] = {}
    for value in block.values("rtcp-fb"):
        match = _FEEDBACK.fullmatch(value)
        if not match:
            raise SdpError("bad_codec")
        found.setdefault(-1 if match[1] == "*" else int(match[1]), set()).add(match[2])
    return found


def _extensions(block: Block) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    ids: set[int] = set()
    for value in block.values("extmap"):
        match = _EXTMAP.fullmatch(value)
        if not match or len(ids) == _MAX_EXTENSIONS:
            raise SdpError("bad_extension")
        number, uri = _number(match[1], 4351, "bad_extension"), match[3]
        # The same extension may come twice, once in clear and once encrypted (RFC 6904) under another URI, never alike.
        if not number or number in ids or uri in found:
            raise SdpError("bad_extension")
        ids.add(number)
        found[uri] = Extension(number, match[2] or "sendrecv")
    return found


def _rids(block: Block) -> tuple[str, ...]:
    """The rids that the peer would send, in the order of its simulcast line (RFC 8853 §5.1, RFC 8851)."""
    named = {}
    for value in block.values("rid"):
        match = _RID.fullmatch(value)
        if not match or match[1] in named:
            raise SdpError("bad_rid")
        named[match[1]] = match[2]
    line = block.one("simulcast")
    if line is None:
        return ()
    words = line.split(" ")
    # One direction only: whoever sends layers does not receive any from us.
    if len(words) != 2 or words[0] != "send":
        raise SdpError("bad_rid")
    rids = tuple(rid.removeprefix("~") for rid in words[1].split(";"))
    if len(rids) > _MAX_RIDS or len(set(rids)) != len(rids) or any(named.get(rid) != "send" for rid in rids):
        raise SdpError("bad_rid")
    return rids


def _sources(block: Block) -> tuple[tuple[int, ...], dict[int, int]]:
    ssrcs: dict[int, None] = {}
    for value in block.values("ssrc"):
        match = _SSRC.fullmatch(value)
        if not match or len(ssrcs) > _MAX_SSRCS:
            raise SdpError("bad_ssrc")
        ssrcs[_number(match[1], 2**32 - 1, "bad_ssrc")] = None
    rtx_of: dict[int, int] = {}
    for value in block.values("ssrc-group"):
        match = _FID.fullmatch(value)
        if not match:
            if value.startswith("FID "):
                raise SdpError("bad_ssrc")
            continue
        media, rtx = _number(match[1], 2**32 - 1, "bad_ssrc"), _number(match[2], 2**32 - 1, "bad_ssrc")
        if not {media, rtx} <= set(ssrcs) or media in rtx_of or rtx in rtx_of.values() or media == rtx:
            raise SdpError("bad_ssrc")
        rtx_of[media] = rtx
    repairs = set(rtx_of.values())
    if len(ssrcs) > _MAX_SSRCS or set(rtx_of) & repairs:
        raise SdpError("bad_ssrc")
    return tuple(ssrc for ssrc in ssrcs if ssrc not in repairs), rtx_of


def _number(text: str, high: int, code: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > high:
        raise SdpError(code)
    return int(text)
