"""record(): adds one entry to the log, in the transaction of the change it tells of.

Theory of operation
    An entry is hashed as a leaf of one growing Merkle tree (RFC 9162): its canonical JSON holds the number, time,
    event, who, where, about whom, what and the outcome (leaf.py). AuditHead holds the size and the peaks of that tree
    (merkle.py), each entry also the root of the tree that ends with it:

        audit_entry   1      2      3      4      5      6          audit_head
        leaf_hash     h1     h2     h3     h4     h5     h6         size  6
        tree_root     r1     r2     r3     r4     r5     r6         peaks root(1-4), root(5-6)

    (size, tree_root) is exactly what a C2SP checkpoint signs. Signing them later, at any size, changes no row.

    A writer locks the head row (PostgreSQL: FOR UPDATE; SQLite: the transaction already is the only writer), reads size
    and peaks, inserts entry size + 1 and moves the head. Numbers therefore have no gap: a transaction that rolls
    back takes its number, its entry and its change with it. All writers queue at that row from here to their commit, which
    is why record() comes last. Cost: three queries (head and keys in one, insert, update), two more for the first
    entry of a person.

    People appear as pseudonyms only (pseudonyms.py), personal values as keyed commitments (`Private`). Plain text in
    `details` has to look like a code, so that a name does not slip in; everything else raises.

    A failure to record must never leave an unrecorded change behind (invariant I11): whatever goes wrong in here
    also marks the transaction for rollback, even when a caller swallows the exception.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from telemed.audit import leaf, merkle, pseudonyms
from telemed.audit.leaf import Scalar
from telemed.audit.private import Private
from telemed.audit.pseudonyms import Owner
from telemed.vault.keyring import current_ring

if TYPE_CHECKING:
    from telemed.accounts.models import User

# Objects that are people are pseudonymised like people.
_PERSON_OBJECTS = {"user": "user", "participant": "seat", "seat": "seat", "patient": "subject"}


def record(
    event: str,
    *,
    actor: "User | None" = None,
    actor_seat: str = "",
    clinic: str = "",
    subject: str = "",
    object: str = "",
    outcome: Literal["ok", "refused"] = "ok",
    details: Mapping[str, object] | None = None,
    using: str = "default",
) -> int:
    """Add one entry and return its number. Must be the last statement of a transaction.atomic block.

    `actor` is a member of staff, `actor_seat` the public id of a participant, neither the system itself. `clinic` and
    `subject` are public ids; `object` is "<kind>:<public id>". `details` maps snake_case names to whole numbers,
    booleans, None, codes, lists of those, or Private(value). Anything else raises TypeError or ValueError, outside of
    a transaction RuntimeError; the transaction is rolled back in each case.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record() must run in the transaction.atomic block of the change it tells of")
    try:
        return _append(
            connection,
            _Draft(event, _actor_owner(actor, actor_seat), clinic, subject, object, outcome, details or {}),
        )
    except BaseException:
        transaction.set_rollback(True, using=using)
        raise


class _Draft:
    """The arguments of one call, checked and not yet pseudonymised."""

    def __init__(
        self,
        event: str,
        actor: Owner | None,
        clinic: str,
        subject: str,
        object: str,
        outcome: str,
        details: Mapping[str, object],
    ) -> None:
        self.now = datetime.now(UTC)
        self.event = leaf.require_event(event)
        self.actor = actor
        self.clinic = leaf.require_opaque_id(clinic, "clinic")
        self.subject: Owner | None = ("subject", leaf.require_opaque_id(subject, "subject")) if subject else None
        self.object_kind, self.object_id = leaf.split_object(object)
        if outcome not in leaf.OUTCOMES:
            raise ValueError(f"no such outcome: {outcome!r}")
        self.outcome = outcome
        self.details = {leaf.require_key(name): _checked(name, value) for name, value in details.items()}
        self.value_owner = self.subject or self.actor or pseudonyms.month_owner(self.now)

    @property
    def object_owner(self) -> Owner | None:
        kind = _PERSON_OBJECTS.get(self.object_kind)
        return (kind, self.object_id) if kind else None

    def owners(self) -> set[Owner]:
        """Return everybody whose key this entry needs."""
        owners = {owner for owner in (self.actor, self.subject, self.object_owner) if owner}
        if any(isinstance(value, Private) for value in self.details.values()):
            owners.add(self.value_owner)
        return owners

    def columns(self, keys: Mapping[Owner, bytes]) -> dict[str, str]:
        """Return the text columns of the entry."""

        def name(owner: Owner) -> str:
            return pseudonyms.pseudonym(keys[owner], owner)

        object_id = name(self.object_owner) if self.object_owner else self.object_id
        plain = {
            key: pseudonyms.commitment(keys[self.value_owner], key, value.reveal())
            if isinstance(value, Private)
            else value
            for key, value in self.details.items()
        }
        return {
            "event": self.event,
            "actor": f"{self.actor[0]}:{name(self.actor)}" if self.actor else "",
            "clinic": self.clinic,
            "subject": name(self.subject) if self.subject else "",
            "object": f"{self.object_kind}:{object_id}" if self.object_kind else "",
            "outcome": self.outcome,
            "details": leaf.canonical_json(plain),
        }


def _actor_owner(actor: "User | None", actor_seat: str) -> Owner | None:
    if actor is not None and actor_seat:
        raise ValueError("an entry has one actor: a user or a seat, not both")
    if actor is not None:
        public_id = getattr(actor, "public_id", None)
        if not isinstance(public_id, str) or not public_id:
            raise TypeError("actor must be a saved User")
        return ("user", leaf.require_opaque_id(public_id, "actor"))
    if actor_seat:
        return ("seat", leaf.require_opaque_id(actor_seat, "actor_seat"))
    return None


def _checked(name: str, value: object) -> Scalar | Private | list[Scalar]:
    if isinstance(value, Private):
        return value
    if isinstance(value, list | tuple):
        return [leaf.plain_scalar(name, item) for item in value]
    return leaf.plain_scalar(name, value)


def _append(connection: BaseDatabaseWrapper, draft: _Draft) -> int:
    from telemed.audit.models import AuditEntry, AuditHead

    using = connection.alias
    size, peaks, keys = _lock_head(connection, draft.owners())
    seq = size + 1
    columns = draft.columns(keys)
    leaf_hash = merkle.hash_leaf(leaf.leaf_bytes(seq=seq, recorded_at=draft.now, **columns))
    peaks = merkle.append_leaf(peaks, size, leaf_hash)
    AuditEntry(
        seq=seq,
        recorded_at=draft.now,
        leaf_hash=leaf_hash.hex(),
        tree_root=merkle.tree_root(peaks).hex(),
        **columns,
    ).save(force_insert=True, using=using)
    AuditHead.objects.using(using).filter(pk=1).update(size=seq, peaks=merkle.peaks_to_text(peaks))
    return seq


def _lock_head(connection: BaseDatabaseWrapper, owners: set[Owner]) -> tuple[int, list[bytes], dict[Owner, bytes]]:
    """Lock the head and return size, peaks and the keys of `owners`, made now where they have none."""
    found = _read_head(connection, owners)
    if found is None:
        _create_head(connection)
        found = _read_head(connection, owners)
        assert found is not None
    missing = owners - found[2].keys()
    if missing:
        pseudonyms.create_keys(sorted(missing), connection.alias)
        found = _read_head(connection, owners)
        assert found is not None
        assert owners <= found[2].keys()
    return found


def _read_head(
    connection: BaseDatabaseWrapper, owners: set[Owner]
) -> tuple[int, list[bytes], dict[Owner, bytes]] | None:
    # One round trip for both. After waiting for the lock PostgreSQL reads the head's newest version (READ COMMITTED);
    # the keys may be a moment older, which at worst makes them look missing and be looked up again.
    wanted = sorted(owners)
    match = " OR ".join(["(k.kind = %s AND k.owner = %s)"] * len(wanted)) or "1 = 0"
    lock = " FOR UPDATE OF h" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT h.size, h.peaks, k.kind, k.owner, k.key FROM audit_head h "  # noqa: S608  constants only
            f"LEFT JOIN audit_pseudonym_key k ON {match} WHERE h.id = 1{lock}",
            [part for owner in wanted for part in owner],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    ring = current_ring()
    keys = {
        (kind, owner): bytes.fromhex(ring.decrypt(stored, pseudonyms.KEY_CONTEXT))
        for _, _, kind, owner, stored in rows
        if kind is not None
    }
    return rows[0][0], merkle.peaks_from_text(rows[0][1]), keys


def _create_head(connection: BaseDatabaseWrapper) -> None:
    """Make the head of a new log, once: of two first writers the second waits here and finds the first one's."""
    from telemed.audit.models import AuditEntry, AuditHead

    AuditHead.objects.using(connection.alias).bulk_create([AuditHead(id=1)], ignore_conflicts=True)
    found = _read_head(connection, set())
    # Looked at under the lock only: before it, entries may be those of a writer who just made the head.
    if found is not None and found[0] == 0 and AuditEntry.objects.using(connection.alias).exists():
        raise RuntimeError("the audit log has entries and no head: it was tampered with; run verify_audit")
