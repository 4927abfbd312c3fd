"""An offer read strictly (RFC 8829 §5.2, §5.8): what is not understood in full is refused with a code.

One transport only: everything is bundled (RFC 9143), RTP and RTCP share it (RFC 5761), keys come from DTLS (RFC 5763) and
the certificate's fingerprint is enforced (SEC-2).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from media_routing.sdp.candidate import parse_candidate
from media_routing.sdp.errors import SdpError
from media_routing.sdp.lines import Block, split
from media_routing.sdp.section import Section, read_section

MAX_CANDIDATES: Final = 64
_DIGEST_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
# RFC 8122 §5 knows these as well; none is safe from a made-up certificate any more.
_WEAK: Final = frozenset({"sha-1", "sha-224", "md5", "md2"})
_FINGERPRINT: Final = re.compile(r"([A-Za-z0-9-]{1,16}) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)")
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 §5.4
_PASSWORD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_ROLES: Final = frozenset({"actpass", "active"})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`value` is upper case with colons."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Offer:
    """`fingerprints` are of one certificate, at most one per algorithm: every one of them must match it."""

    ufrag: str
    pwd: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str
    bundle: tuple[str, ...]
    sections: tuple[Section, ...]


def parse_offer(text: str) -> Offer:
    """Raises SdpError and nothing else, whatever the text is."""
    session, blocks = split(text)
    if session.has("ice-lite"):
        raise SdpError("peer_is_lite")  # two lite agents never send a check (RFC 8445 §6.1.1)
    sections = tuple(read_section(block) for block in blocks)
    _check_mids(sections)
    live = [(section, block) for section, block in zip(sections, blocks, strict=True) if section.carries_media]
    if not live:
        raise SdpError("no_media")
    bundle = _bundle(session, sections)
    _check_ids_agree([section for section, _ in live])
    _check_candidates([session, *blocks])
    # The transport is the one of the section that the group names first (RFC 9143 §7.2).
    tagged = next(block for section, block in live if section.mid == bundle[0])
    ufrag, pwd = _credentials(session, tagged)
    for _, block in live:
        _credentials(session, block)
    return Offer(
        ufrag=ufrag,
        pwd=pwd,
        fingerprints=_fingerprints(session, [block for _, block in live]),
        setup=_setup(session, [block for _, block in live]),
        bundle=bundle,
        sections=sections,
    )


def _check_mids(sections: tuple[Section, ...]) -> None:
    if len({section.mid for section in sections}) != len(sections):
        raise SdpError("bad_mid")


def _bundle(session: Block, sections: tuple[Section, ...]) -> tuple[str, ...]:
    """The group's sections that carry media, in its order."""
    groups = [value.split(" ")[1:] for value in session.values("group") if value.split(" ")[0] == "BUNDLE"]
    if len(groups) != 1 or len(set(groups[0])) != len(groups[0]):
        raise SdpError("no_bundle")
    live = {section.mid for section in sections if section.carries_media}
    if not live <= set(groups[0]) or not set(groups[0]) <= {section.mid for section in sections}:
        raise SdpError("no_bundle")
    # The section that names the transport must be one that we accept (RFC 9143 §7.2.1); Chromium insists on it.
    if groups[0][0] not in live:
        raise SdpError("bad_bundle")
    return tuple(mid for mid in groups[0] if mid in live)


def _check_ids_agree(sections: Iterable[Section]) -> None:
    """Bundled sections share their payload types, extension ids and sources (RFC 9143 §9.1, RFC 8285 §5)."""
    codecs: dict[int, tuple[str, int, int, int]] = {}
    extensions: dict[int, str] = {}
    ssrcs: set[int] = set()
    for section in sections:
        for codec in section.codecs:
            meaning = (codec.name, codec.clock_hz, codec.channels, codec.apt)
            if codecs.setdefault(codec.payload_type, meaning) != meaning:
                raise SdpError("bad_codec")
        for uri, extension in (section.extensions or {}).items():
            if extensions.setdefault(extension.id, uri) != uri:
                raise SdpError("bad_extension")
        own = {*section.ssrcs, *(section.rtx_of or {}).values()}
        if ssrcs & own:
            raise SdpError("bad_ssrc")
        ssrcs |= own


def _check_candidates(blocks: Iterable[Block]) -> None:
    """An ICE-lite server learns addresses from checks, so candidates are looked at and thrown away."""
    count = 0
    for block in blocks:
        for value in block.values("candidate"):
            count += 1
            if count > MAX_CANDIDATES:
                raise SdpError("too_many_candidates")
            parse_candidate(f"candidate:{value}")


def _credentials(session: Block, block: Block) -> tuple[str, str]:
    ufrag = block.one("ice-ufrag") or session.one("ice-ufrag") or ""
    pwd = block.one("ice-pwd") or session.one("ice-pwd") or ""
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(pwd):
        raise SdpError("bad_ice")
    return ufrag, pwd


def _fingerprints(session: Block, blocks: list[Block]) -> tuple[Fingerprint, ...]:
    """Every section has some, of its own or the session's, and all of them say the same."""
    found = {_fingerprints_of(block) or _fingerprints_of(session) for block in blocks}
    if frozenset() in found:
        raise SdpError("no_fingerprint")
    everything = frozenset().union(*found, _fingerprints_of(session))
    if len(found) != 1 or len({one.algorithm for one in everything}) != len(everything):
        raise SdpError("two_fingerprints")
    return tuple(sorted(found.pop(), key=lambda one: one.algorithm))


def _fingerprints_of(block: Block) -> frozenset[Fingerprint]:
    found = set()
    for value in block.values("fingerprint"):
        match = _FINGERPRINT.fullmatch(value)
        if not match:
            raise SdpError("bad_fingerprint")
        algorithm, digest = match[1].lower(), match[2].upper()
        if algorithm in _WEAK:
            raise SdpError("weak_fingerprint")
        if (len(digest) + 1) // 3 != _DIGEST_BYTES.get(algorithm):
            raise SdpError("bad_fingerprint")
        found.add(Fingerprint(algorithm, digest))
    return frozenset(found)


def _setup(session: Block, blocks: list[Block]) -> str:
    """We are the DTLS server, so the peer must be able to be the client."""
    roles = {block.one("setup") or session.one("setup") or "" for block in blocks}
    if len(roles) != 1 or not roles <= _ROLES:
        raise SdpError("bad_setup")
    return roles.pop()
