"""Inputs that are sequences: of datagrams, of things that happen in a room. One record: kind, who, size, data."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.fuzz.mutation import mutate_bytes

_HEAD = struct.Struct("!BBH")
MAX_RECORDS = 64


@dataclass(frozen=True)
class Record:
    kind: int
    who: int
    data: bytes


def pack(records: Iterable[Record]) -> bytes:
    return b"".join(_HEAD.pack(one.kind, one.who, len(one.data)) + one.data for one in records)


def unpack(data: bytes) -> list[Record]:
    """Whatever the bytes are: a size that says too much ends with the bytes."""
    records, at = [], 0
    while at + _HEAD.size <= len(data) and len(records) < MAX_RECORDS:
        kind, who, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        records.append(Record(kind, who, data[at : at + size]))
        at += size
    return records


def mutate_records(data: bytes, corpus: Sequence[bytes], chance: Random) -> bytes:
    """Records are dropped, doubled, moved, taken from other inputs, or bent inside."""
    records = unpack(data)
    for _ in range(1 + int(chance.expovariate(0.5))):
        others = unpack(chance.choice(corpus)) or [Record(0, 0, b"")]
        at = chance.randrange(len(records) + 1)
        what = chance.random()
        if what < 0.5 and records:
            at = min(at, len(records) - 1)
            bent = mutate_bytes(records[at].data, [other.data for other in others], chance)[:2000]
            records[at] = replace(records[at], data=bent)
        elif what < 0.6 and records:
            at = min(at, len(records) - 1)
            records[at] = replace(records[at], kind=chance.randrange(8), who=chance.randrange(4))
        elif what < 0.7:
            del records[at : at + chance.choice((1, 1, 5))]
        elif what < 0.8:
            records[at:at] = records[at : at + chance.choice((1, 2, 6))]
        else:
            start = chance.randrange(len(others))
            records[at:at] = others[start : start + chance.choice((1, 3, 10))]
    return pack(records[:MAX_RECORDS])
