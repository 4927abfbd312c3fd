"""The grammar of SDP (RFC 8866 §5, §9) without meaning: text in, typed lines per section out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from media_routing.sdp.errors import SdpError

MAX_BYTES: Final = 32 * 1024
MAX_SECTIONS: Final = 40
_MAX_LINE_CHARS: Final = 2048
_LINE: Final = re.compile(r"[a-z]=[^\x00-\x1f\x7f]*")
_SESSION_TYPES: Final = frozenset("vosiuepcbrzta")
_MEDIA_TYPES: Final = frozenset("micba")
_ONCE: Final = frozenset("vost")


@dataclass(slots=True)
class Block:
    """The session part, or one m-line with what belongs to it. `attributes` are (name, value), "" for a flag."""

    head: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> Iterator[str]:
        return (value for key, value in self.attributes if key == name)

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.attributes)

    def one(self, name: str) -> str | None:
        """None without it; a second one that says something else is an error."""
        found = set(self.values(name))
        if len(found) > 1:
            raise SdpError("contradiction")
        return found.pop() if found else None


def split(text: str) -> tuple[Block, list[Block]]:
    """(session part, media sections). Raises SdpError: too_large, bad_line, too_many_sections, insecure_keys."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SdpError("bad_line") from None
    if size > MAX_BYTES:
        raise SdpError("too_large")
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0":
        raise SdpError("bad_line")
    session = Block()
    sections: list[Block] = []
    seen: set[str] = set()
    block = session
    for line in lines:
        if len(line) > _MAX_LINE_CHARS or not _LINE.fullmatch(line):
            raise SdpError("bad_line")
        kind, value = line[0], line[2:]
        if kind == "m":
            if len(sections) == MAX_SECTIONS:
                raise SdpError("too_many_sections")
            block = Block(head=value)
            sections.append(block)
            continue
        _check_type(kind, seen, in_session=block is session)
        if kind == "a":
            name, _, rest = value.partition(":")
            block.attributes.append((name, rest))
    if not seen >= _ONCE:
        raise SdpError("bad_line")
    return session, sections


def _check_type(kind: str, seen: set[str], *, in_session: bool) -> None:
    if kind == "k":
        raise SdpError("insecure_keys")
    if kind not in (_SESSION_TYPES if in_session else _MEDIA_TYPES) or (kind in _ONCE and kind in seen):
        raise SdpError("bad_line")
    seen.add(kind)
