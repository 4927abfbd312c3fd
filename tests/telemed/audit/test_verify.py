"""verify_audit names the first bad entry, whatever somebody with the whole database in hand did (SEC-7)."""

import random
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from telemed.audit import merkle, verification
from telemed.audit.models import AuditEntry
from telemed.audit.verification import BadLog, verify
from tests.databases import run_manage
from tests.telemed.audit.log import attack, fill

ENTRIES = 21
COLUMNS = "recorded_at, event, actor, clinic, subject, object, outcome, details, leaf_hash, tree_root".split(", ")


@pytest.fixture
def log(fresh_sqlite: str) -> str:
    fill(fresh_sqlite, ENTRIES)
    verify(fresh_sqlite)
    return fresh_sqlite


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "CHUNK_ENTRIES", 8)  # attacks cross chunk borders, too


def _first_bad(alias: str, anchors: dict[int, str] | None = None) -> int:
    with pytest.raises(BadLog) as caught:
        verify(alias, anchors)
    return caught.value.seq


def _stored(alias: str, column: str, seq: int) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT CAST({column} AS TEXT) FROM audit_entry WHERE seq = %s", [seq])
        return str(cursor.fetchone()[0])


def _rewrite(alias: str, seq: int, *, also_root: bool) -> None:
    """Change an entry and give it the right leaf hash again (and the right root, as far as it goes)."""
    attack(alias, f"UPDATE audit_entry SET outcome = 'refused', clinic = 'other' WHERE seq = {seq}")
    rows = verification._read(alias, 1, seq)
    peaks: list[bytes] = []
    for size, row in enumerate(rows):
        leaf_hash = merkle.hash_leaf(verification._leaf_bytes(row))
        peaks = merkle.append_leaf(peaks, size, leaf_hash)
    attack(alias, ("UPDATE audit_entry SET leaf_hash = %s WHERE seq = %s", [leaf_hash.hex(), seq]))
    if also_root:
        root = merkle.tree_root(peaks).hex()
        attack(alias, ("UPDATE audit_entry SET tree_root = %s WHERE seq = %s", [root, seq]))


def _rewrite_all_from(alias: str, first: int, *, also_head: bool) -> None:
    for seq in range(first, ENTRIES + 1):
        _rewrite(alias, seq, also_root=True)
    if also_head:
        peaks: list[bytes] = []
        for size, row in enumerate(verification._read(alias, 1, ENTRIES)):
            peaks = merkle.append_leaf(peaks, size, bytes.fromhex(str(row[9])))
        attack(alias, ("UPDATE audit_head SET peaks = %s", [merkle.peaks_to_text(peaks)]))


def test_an_empty_log_is_whole(fresh_sqlite: str) -> None:
    assert verify(fresh_sqlite) == verification.LogState(0, merkle.EMPTY_ROOT.hex())


def test_an_untouched_log_is_whole(both: str) -> None:
    fill(both, 30)
    state = verify(both)
    assert state.size >= 30
    assert state.tree_root == AuditEntry.objects.using(both).latest("seq").tree_root


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 8, 9, ENTRIES])
def test_any_flipped_bit_of_any_field_is_found(log: str, column: str, seq: int) -> None:
    original = _stored(log, column, seq).encode()
    rng = random.Random(f"{column} {seq}")
    bits = range(len(original) * 8)
    # Times have many spellings: all their bits. A sample is enough where any change is another text.
    for bit in bits if column == "recorded_at" else rng.sample(bits, k=min(12, len(bits))):
        changed = bytearray(original)
        changed[bit // 8] ^= 1 << bit % 8
        # As text, even where the bytes are no UTF-8: what a flipped bit on disk looks like.
        write = f"UPDATE audit_entry SET {column} = CAST(%s AS TEXT) WHERE seq = %s"
        attack(log, (write, [bytes(changed), seq]))
        assert _first_bad(log) == seq, f"bit {bit} of {column}"
        attack(log, (write, [original, seq]))
    verify(log)  # the control: putting it back heals


@pytest.mark.parametrize("value", ["NULL", "5", "x'00ff'", "1.5"])
def test_a_value_of_another_type_is_found(log: str, value: str) -> None:
    if value == "NULL":
        attack(
            log,
            "ALTER TABLE audit_entry RENAME TO old",
            "CREATE TABLE audit_entry AS SELECT * FROM old",
        )
    attack(log, f"UPDATE audit_entry SET details = {value} WHERE seq = 5")
    assert _first_bad(log) == 5


@pytest.mark.parametrize("seq", [1, 8, 9, ENTRIES - 1])
def test_a_deleted_entry_is_named(log: str, seq: int) -> None:
    attack(log, f"DELETE FROM audit_entry WHERE seq = {seq}")
    assert _first_bad(log) == seq


@pytest.mark.parametrize("seq", [1, 8, 9, ENTRIES - 1])
def test_closing_the_gap_after_a_deletion_does_not_help(log: str, seq: int) -> None:
    attack(
        log,
        f"DELETE FROM audit_entry WHERE seq = {seq}",
        f"UPDATE audit_entry SET seq = -seq WHERE seq > {seq}",
        "UPDATE audit_entry SET seq = -seq - 1 WHERE seq < 0",
        f"UPDATE audit_head SET size = {ENTRIES - 1}",
    )
    assert _first_bad(log) == seq


@pytest.mark.parametrize("last", [0, 1, 7, 8, 9, ENTRIES - 1])
def test_a_truncated_log_is_shorter_than_its_head(log: str, last: int) -> None:
    attack(log, f"DELETE FROM audit_entry WHERE seq > {last}")
    assert _first_bad(log) == last + 1


def test_an_inserted_entry_is_named(log: str) -> None:
    copy = "INSERT INTO audit_entry SELECT {seq}, " + ", ".join(COLUMNS) + " FROM audit_entry WHERE seq = 3"
    for seq in (0, -4, ENTRIES + 1):
        attack(log, copy.format(seq=seq))
        assert _first_bad(log) == seq
        attack(log, f"DELETE FROM audit_entry WHERE seq = {seq}")
    attack(
        log,
        "UPDATE audit_entry SET seq = -seq WHERE seq >= 10",
        "UPDATE audit_entry SET seq = -seq + 1 WHERE seq < 0",
        copy.format(seq=10),
        f"UPDATE audit_head SET size = {ENTRIES + 1}",
    )
    assert _first_bad(log) == 10


@pytest.mark.parametrize("first, second", [(1, 2), (8, 9), (4, ENTRIES)])
def test_swapped_entries_are_found_at_the_first(log: str, first: int, second: int) -> None:
    attack(
        log,
        f"UPDATE audit_entry SET seq = -1 WHERE seq = {first}",
        f"UPDATE audit_entry SET seq = {first} WHERE seq = {second}",
        f"UPDATE audit_entry SET seq = {second} WHERE seq = -1",
    )
    assert _first_bad(log) == first


@pytest.mark.parametrize("seq", [1, 8, 9, ENTRIES])
def test_a_rewritten_leaf_does_not_fit_the_tree(log: str, seq: int) -> None:
    _rewrite(log, seq, also_root=False)
    assert _first_bad(log) == seq


def test_a_leaf_rewritten_with_its_root_is_found_one_later(log: str) -> None:
    _rewrite(log, 9, also_root=True)
    assert _first_bad(log) == 10  # which says: it or the entry before it


def test_a_rewritten_tail_does_not_meet_the_head(log: str) -> None:
    _rewrite_all_from(log, 9, also_head=False)
    with pytest.raises(BadLog, match="the head does not match"):
        verify(log)


def test_only_an_anchor_outside_finds_a_rewriting_of_everything(log: str) -> None:
    anchor = {12: _stored(log, "tree_root", 12), ENTRIES: _stored(log, "tree_root", ENTRIES)}
    verify(log, anchor)
    _rewrite_all_from(log, 9, also_head=True)
    verify(log)  # the limit of what the database can prove about itself
    assert _first_bad(log, anchor) == 12


def test_an_anchor_finds_a_rolled_back_log(log: str) -> None:
    anchor = {ENTRIES + 5: "00" * 32}
    assert _first_bad(log, anchor) == ENTRIES + 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_head SET peaks = upper(peaks)",
        "UPDATE audit_head SET peaks = ''",
        "UPDATE audit_head SET size = size - 1",
        "UPDATE audit_head SET size = size + 1",
        "DELETE FROM audit_head",
    ],
)
def test_a_changed_head_is_found(log: str, sql: str) -> None:
    attack(log, sql)
    with pytest.raises(BadLog):
        verify(log)


def test_the_attack_without_dropping_the_triggers_fails(log: str) -> None:
    """The control of this file: what the attacker does here, the triggers would have refused."""
    from django.db import IntegrityError

    with pytest.raises(IntegrityError):
        connections[log].cursor().execute("UPDATE audit_entry SET outcome = 'ok' WHERE seq = 3")


def test_the_command_prints_an_anchor_and_takes_it_back(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit", database=log)
    anchor = capsys.readouterr().out.split()[-1]
    assert anchor == f"{ENTRIES}:{_stored(log, 'tree_root', ENTRIES)}"
    call_command("verify_audit", "--anchor", anchor, database=log)
    with pytest.raises(CommandError):
        call_command("verify_audit", "--anchor", "nonsense", database=log)


def test_the_command_exits_with_1_and_names_the_entry(log: str) -> None:
    import subprocess

    url = f"sqlite://{connections[log].settings_dict['NAME']}"
    assert "whole: 21 entries" in run_manage("verify_audit", database_url=url).stdout
    attack(log, "UPDATE audit_entry SET outcome = 'ok' WHERE seq = 6")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_manage("verify_audit", database_url=url)
    assert caught.value.returncode == 1
    assert "First bad entry 6: was changed" in caught.value.stderr


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_log_that_grows_meanwhile_is_no_bad_log(log: str, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    def growing(read: Callable) -> Callable:
        def grow(*arguments: object) -> object:
            if when == "before":
                fill(log, 3)
            found = read(*arguments)
            if when == "between":
                fill(log, 3)
            return found

        return grow

    for name in ("_seq_range", "_head", "_read_chunk"):
        monkeypatch.setattr(verification, name, growing(getattr(verification, name)))
    assert verify(log).size >= ENTRIES
