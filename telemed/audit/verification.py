"""verify(): proves that the log is whole, or names the first entry that is not.

Trusts nothing but SHA-256: each leaf is hashed again from the columns, each tree root is grown again from these leaves, and
the end has to meet the head row. Whoever rewrites entries, roots and head consistently can only be caught by
a (size, root) that left the database: pass those as `anchors`.

Reads in chunks by number without a long transaction: entries never change, so a log that grows meanwhile is
verified up to the size it had at the start.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import DatabaseError, connections

from telemed.audit import leaf, merkle
from telemed.audit.models import AuditHead

CHUNK_ENTRIES = 2000
_COLUMNS = "event, actor, clinic, subject, object, outcome, details, leaf_hash, tree_root"
# A cast hides the column's type from sqlite3, whose converter accepts many spellings of one instant.
_RECORDED_AT = {"sqlite": "CAST(recorded_at AS TEXT)", "postgresql": "recorded_at"}
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class LogState:
    """A sound log: its size and the root (hex) of its tree, worth writing down elsewhere."""

    size: int
    tree_root: str


class BadLog(Exception):
    """The log was tampered with. `seq` is the first bad entry (0 when it is the head itself)."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"entry {seq}: {reason}" if seq else f"row audit_head: {reason}")
        self.seq = seq
        self.reason = reason


def verify(using: str = "default", anchors: Mapping[int, str] | None = None) -> LogState:
    """Return the state of a sound log; raise BadLog for the first thing wrong with it.

    `anchors` maps a size to the root (hex) that was noted outside when the log had that size.
    """
    anchors = anchors or {}
    # In this order: entries that a writer adds in between are in the head, too.
    lowest, highest = _seq_range(using)
    size, head_peaks = _head(using)
    if lowest is not None and lowest < 1:
        raise BadLog(lowest, "was inserted: numbers start at 1")
    peaks: list[bytes] = []
    expected = 0
    for row in _rows(using, size):
        expected += 1
        if row[0] != expected:
            raise BadLog(expected, "is missing")
        peaks = _grow(peaks, expected, row)
        _compare_anchor(anchors, expected, row[10])
    if expected < size:
        raise BadLog(expected + 1, f"is missing: the head counts {size} entries")
    if highest is not None and highest > size:
        raise BadLog(size + 1, f"is not counted by the head, which ends at {size}")
    if merkle.peaks_to_text(peaks) != head_peaks:
        raise BadLog(0, "the head does not match the entries: the head, or the log up to its end, was rewritten")
    if any(anchor > size for anchor in anchors):
        raise BadLog(size + 1, f"is missing: the log is shorter than the anchored size {max(anchors)}")
    return LogState(size, merkle.tree_root(peaks).hex())


def _compare_anchor(anchors: Mapping[int, str], size: int, root: object) -> None:
    if size in anchors and anchors[size] != root:
        raise BadLog(size, "has another tree root than the anchored one: it or an entry before it was rewritten")


def _grow(peaks: list[bytes], seq: int, row: Row) -> list[bytes]:
    try:
        leaf_hash = merkle.hash_leaf(_leaf_bytes(row))
    except (TypeError, ValueError) as error:
        raise BadLog(seq, f"was changed: {error}") from None
    if leaf_hash.hex() != row[9]:
        raise BadLog(seq, "was changed: its content does not match its leaf hash")
    peaks = merkle.append_leaf(peaks, seq - 1, leaf_hash)
    if merkle.tree_root(peaks).hex() != row[10]:
        raise BadLog(seq, "does not fit the tree: it or the entry before it was rewritten")
    return peaks


def _leaf_bytes(row: Row) -> bytes:
    seq, recorded_at, event, actor, clinic, subject, object_, outcome, details = row[:9]
    texts = (event, actor, clinic, subject, object_, outcome, details)
    if not isinstance(seq, int) or not all(isinstance(text, str) for text in texts):
        raise TypeError("a column has another type")
    return leaf.leaf_bytes(
        seq=seq,
        recorded_at=_instant(recorded_at),
        event=str(event),
        actor=str(actor),
        clinic=str(clinic),
        subject=str(subject),
        object=str(object_),
        outcome=str(outcome),
        details=str(details),
    )


def _instant(stored: object) -> datetime:
    if isinstance(stored, str):
        # SQLite keeps text. Many texts mean the same instant; only the one that was written is unchanged.
        naive = datetime.fromisoformat(stored)
        if str(naive) != stored:
            raise ValueError("recorded_at was written differently")
        return naive.replace(tzinfo=UTC)
    if isinstance(stored, datetime):
        return stored if stored.tzinfo else stored.replace(tzinfo=UTC)
    raise TypeError("recorded_at has another type")


def _head(using: str) -> tuple[int, str]:
    head = AuditHead.objects.using(using).filter(pk=1).values_list("size", "peaks").first()
    return (0, "") if head is None else head


def _seq_range(using: str) -> tuple[int | None, int | None]:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT min(seq), max(seq) FROM audit_entry")
        lowest, highest = cursor.fetchone()
    return lowest, highest


def _rows(using: str, size: int) -> Iterator[Row]:
    """Yield entries 1 … size as stored, in order, the missing ones left out."""
    for first in range(1, size + 1, CHUNK_ENTRIES):
        last = min(first + CHUNK_ENTRIES - 1, size)
        chunk = _read_chunk(using, first, last)
        yield from chunk
        if len(chunk) < last - first + 1:
            return  # a number is missing in here: the caller has seen it, or will at the end


def _read_chunk(using: str, first: int, last: int) -> list[Row]:
    try:
        return _read(using, first, last)
    except (DatabaseError, ValueError):
        # One unreadable value (bytes that are not UTF-8) hides the whole chunk: find the entry.
        rows: list[Row] = []
        for seq in range(first, last + 1):
            try:
                rows += _read(using, seq, seq)
            except (DatabaseError, ValueError):
                rows.append((seq, *[None] * 10))
                return rows
        raise


def _read(using: str, first: int, last: int) -> list[Row]:
    # Raw on purpose: Django's converters would repair what has to be found.
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT seq, {_RECORDED_AT[connection.vendor]}, {_COLUMNS} FROM audit_entry "  # noqa: S608  constants
            "WHERE seq BETWEEN %s AND %s ORDER BY seq",
            [first, last],
        )
        return list(cursor.fetchall())
