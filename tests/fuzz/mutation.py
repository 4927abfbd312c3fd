"""Makes wrong inputs out of right ones: bytes, lines of text, JSON. All chance comes in as a seeded Random."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

MAX_BYTES = 64 * 1024
EDGES_8 = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
EDGES_16 = (0, 1, 4, 0x1FFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
EDGES_32 = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WORDS = (
    *("0", "1", "-1", "14", "15", "127", "128", "255", "256", "65535", "65536", "4294967295", "4294967296", "9" * 40),
    *("", " ", "*", "~", ";", ":", "/", "=", "a=", "m=", "\0", "\r", "\u00b2", "\u0661", "\ud800", "\ufeff", "\u202e"),
    *("x" * 300, "sendrecv", "sendonly", "recvonly", "inactive", "actpass", "passive", "sha-1", "send", "recv", "0.0.0.0"),
    *("::", "fe80::1%eth0", "1e9", "NaN", "%s", "{}", "null", "BUNDLE", "opus/48000/2", "VP8/90000", "rtx/90000", "apt=96"),
)  # fmt: skip
ATOMS = (
    None,
    True,
    False,
    -1,
    0,
    1,
    2**31,
    2**63,
    10**400,
    1.5,
    -0.0,
    1e308,
    "",
    "\ud800",
    "\0",
    "x" * 400,
    [],
    {},
    [[]],
)

Mutate = Callable[[bytes, Sequence[bytes], Random], bytes]


def mutate_bytes(data: bytes, corpus: Sequence[bytes], chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(1 + int(chance.expovariate(0.7))):
        chance.choice(_BYTE_STEPS)(changed, corpus, chance)
    return bytes(changed[:MAX_BYTES])


def mutate_rtcp(data: bytes, corpus: Sequence[bytes], chance: Random) -> bytes:
    """Mostly with the lengths of the headers put right again, so that what was bent inside is read."""
    bent = mutate_bytes(data, corpus, chance)
    if chance.random() < 0.3:
        return bent
    fixed = bytearray(bent + bytes(-len(bent) % 4))
    at = 0
    while at + 4 <= len(fixed):
        words = int.from_bytes(fixed[at + 2 : at + 4])
        left = (len(fixed) - at) // 4 - 1
        if words > left or chance.random() < 0.2:
            words = left
            fixed[at + 2 : at + 4] = words.to_bytes(2)
        fixed[at] = fixed[at] & 0x3F | 0x80
        at += 4 + 4 * words
    return bytes(fixed)


def _at(data: bytearray, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _flip(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _edge(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    """A number of one, two or four bytes becomes one at the edge of its range; mostly where numbers stand."""
    size, edges = chance.choice(((1, EDGES_8), (2, EDGES_16), (4, EDGES_32)))
    if len(data) >= size:
        at = chance.randrange(len(data) - size + 1)
        at -= at % size if chance.random() < 0.7 else 0
        data[at : at + size] = chance.choice(edges).to_bytes(size)


def _step(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    """A number becomes one more or less: lengths and counts that are off by one."""
    if data:
        at = chance.randrange(len(data))
        data[at] = data[at] + chance.choice((-4, -1, 1, 4)) & 0xFF


def _cut(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    at = _at(data, chance)
    if chance.random() < 0.5:
        del data[at:]
    else:
        del data[at : at + chance.choice((1, 2, 4, 8, 32))]


def _insert(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    at = _at(data, chance)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 3, 4, 8, 64)))


def _repeat(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    at = _at(data, chance)
    data[at:at] = bytes(data[at : at + chance.choice((1, 2, 4, 8, 40))]) * chance.choice((1, 2, 40))


def _splice(data: bytearray, corpus: Sequence[bytes], chance: Random) -> None:
    other = chance.choice(corpus)
    start, at = chance.randrange(len(other) + 1), _at(data, chance)
    data[at : at + (0 if chance.random() < 0.5 else 400)] = other[start : start + chance.choice((4, 16, 100, 1000))]


_BYTE_STEPS = (_flip, _flip, _edge, _edge, _edge, _step, _step, _cut, _insert, _repeat, _splice)


def encode(text: str) -> bytes:
    """Text of a stranger may hold halves of characters: JSON can say them."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape") if _is_broken(data) else data.decode("utf-8", "surrogatepass")


def _is_broken(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return True
    return False


_TOKENS = re.compile(r"([ :;/=,.\r\n]+)")


def mutate_text(data: bytes, corpus: Sequence[bytes], chance: Random) -> bytes:
    """By lines, by words, and now and then by bytes."""
    if chance.random() < 0.05:
        return mutate_bytes(data, corpus, chance)
    text = decode(data)
    for _ in range(1 + int(chance.expovariate(0.7))):
        text = chance.choice((_change_word, _change_word, _change_word, _change_lines))(text, corpus, chance)
    return encode(text[:MAX_BYTES])


def _change_word(text: str, corpus: Sequence[bytes], chance: Random) -> str:
    tokens = _TOKENS.split(text)
    at = chance.randrange(len(tokens))
    other = _TOKENS.split(decode(chance.choice(corpus)))
    tokens[at] = chance.choice(
        (chance.choice(WORDS), chance.choice(other), tokens[at] * 2, chance.choice(tokens), tokens[at][:-1])
    )
    return "".join(tokens)


def _change_lines(text: str, corpus: Sequence[bytes], chance: Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    what = chance.randrange(6)
    if what == 0:
        del lines[at : at + chance.choice((1, 1, 1, 4, 30))]
    elif what == 1:
        lines[at:at] = [lines[at]] * chance.choice((1, 2, 70))
    elif what == 2:
        lines.insert(chance.randrange(len(lines) + 1), lines.pop(at))
    elif what == 3:
        other = decode(chance.choice(corpus)).split("\n")
        start = chance.randrange(len(other))
        lines[at:at] = other[start : start + chance.choice((1, 1, 5, 40))]
    elif what == 4:
        lines[at] = lines[chance.randrange(len(lines))]
    else:
        lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    return "\n".join(lines)


def mutate_json(data: bytes, corpus: Sequence[bytes], chance: Random) -> bytes:
    """Keeps the shape of JSON mostly, and changes values, names and nesting inside it."""
    if chance.random() < 0.15:
        return mutate_text(data, corpus, chance)
    try:
        value = json.loads(decode(data))
    except (ValueError, RecursionError):
        return mutate_text(data, corpus, chance)
    for _ in range(1 + int(chance.expovariate(0.7))):
        value = _change_value(value, corpus, chance)
    try:
        return encode(json.dumps(value, ensure_ascii=chance.random() < 0.5))[:MAX_BYTES]
    except (ValueError, RecursionError):
        return data


def _change_value(value: Any, corpus: Sequence[bytes], chance: Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        what = chance.random()
        if what < 0.1:
            return {name: one for name, one in value.items() if name != key}
        if what < 0.2:
            return {**value, chance.choice((*list(value), "x", "")): value[key]}
        return {**value, key: _change_value(value[key], corpus, chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        at = chance.randrange(len(value))
        if chance.random() < 0.2:
            return value * chance.choice((2, 50))
        return [*value[:at], _change_value(value[at], corpus, chance), *value[at + 1 :]]
    if isinstance(value, str) and chance.random() < 0.6:
        return decode(mutate_text(encode(value), corpus, chance))
    return chance.choice((chance.choice(ATOMS), chance.choice(ATOMS), [value], {"kind": value}))
