"""HTTP ranges (RFC 9110 §14) as far as players use them: one range of bytes. Pure."""

import re

_ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class NotSatisfiable(Exception):
    """The range begins behind the end: 416 (RFC 9110 §15.5.17)."""


def parse_range(header: str, size: int, *, most_bytes: int) -> tuple[int, int] | None:
    """Return (start, end) with `end` not included and at most `most_bytes` apart; None: no range, or none that we answer.

    Several ranges and other units may be ignored (§14.2): the whole is sent. A shorter answer than asked for is allowed,
    and players ask for the rest.
    """
    found = _ONE_RANGE.fullmatch(header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size
        if int(last) == 0:
            raise NotSatisfiable
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        end = min(size, int(last) + 1) if last else size
    if start >= size:
        raise NotSatisfiable
    return start, min(end, start + most_bytes)
