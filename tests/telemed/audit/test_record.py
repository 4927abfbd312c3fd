"""record(): one entry per change, in the change's own transaction, without personal data (SEC-7, SEC-20)."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import FieldError
from django.db import IntegrityError, connections, transaction
from django.db.utils import DatabaseError

from consultations.clinics.models import Clinic
from telemed import audit
from telemed.audit import recording
from telemed.audit.models import AuditEntry, AuditHead, PseudonymKey
from telemed.audit.verification import verify
from tests.telemed.audit.log import ANNA, fill


def _record(alias: str, event: str = "thing.done", **arguments: Any) -> AuditEntry:
    with transaction.atomic(using=alias):
        seq = audit.record(event, using=alias, **arguments)
    return AuditEntry.objects.using(alias).get(seq=seq)


def test_it_numbers_from_one_without_a_gap(fresh_sqlite: str) -> None:
    fill(fresh_sqlite, 20)
    assert list(AuditEntry.objects.using(fresh_sqlite).values_list("seq", flat=True)) == list(range(1, 21))
    assert verify(fresh_sqlite).size == 20


def test_outside_of_a_transaction_it_refuses(both: str) -> None:
    before = AuditEntry.objects.using(both).count()
    with pytest.raises(RuntimeError, match="atomic"):
        audit.record("thing.done", using=both)
    assert AuditEntry.objects.using(both).count() == before


def test_an_exception_after_it_leaves_neither_change_nor_entry(both: str) -> None:
    before = AuditHead.objects.using(both).filter(pk=1).values_list("size", flat=True).first() or 0

    def change_and_fail() -> None:
        with transaction.atomic(using=both):
            Clinic.objects.using(both).create(name="Phantom")
            audit.record("clinic.created", using=both)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert not Clinic.objects.using(both).filter(name="Phantom").exists()
    assert _record(both).seq == before + 1
    verify(both)


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"details": {"name": "Paul Patient"}}, ValueError),
        ({"details": {"when": 1.5}}, TypeError),
        ({"details": {"deep": {"a": 1}}}, TypeError),
        ({"details": {"deep": [["a"]]}}, TypeError),
        ({"details": {"deep": [audit.Private("x")]}}, TypeError),
        ({"details": {"Bad Key": 1}}, ValueError),
        ({"outcome": "maybe"}, ValueError),
        ({"subject": "Paul Patient"}, ValueError),
        ({"clinic": "Harbour Clinic"}, ValueError),
        ({"object": "room"}, ValueError),
        ({"actor": ANNA, "actor_seat": "s1"}, ValueError),
        ({"actor": AnonymousUser()}, TypeError),
        ({"actor": SimpleNamespace(public_id="")}, TypeError),
        ({"actor": "anna"}, TypeError),
    ],
)
def test_a_refused_entry_takes_its_change_along_even_when_swallowed(
    fresh_sqlite: str, arguments: dict, error: type[Exception]
) -> None:
    """I11: if audit cannot be decided, the answer is no."""
    with transaction.atomic(using=fresh_sqlite):
        Clinic.objects.using(fresh_sqlite).create(name="Phantom")
        with pytest.raises(error):
            audit.record("thing.done", using=fresh_sqlite, **arguments)
    assert not Clinic.objects.using(fresh_sqlite).exists()
    assert not AuditEntry.objects.using(fresh_sqlite).exists()


def test_a_failing_database_takes_the_change_along(fresh_sqlite: str) -> None:
    with connections[fresh_sqlite].cursor() as cursor:
        cursor.execute("CREATE TRIGGER broken BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'disk'); END")
    with transaction.atomic(using=fresh_sqlite):
        Clinic.objects.using(fresh_sqlite).create(name="Phantom")
        with pytest.raises(DatabaseError):
            audit.record("thing.done", using=fresh_sqlite)
    assert not Clinic.objects.using(fresh_sqlite).exists()


def test_it_costs_three_queries(both: str, django_assert_num_queries: Any) -> None:
    def record_full() -> None:
        audit.record(
            "patient.read", actor=ANNA, subject="p1", object="patient:p1", details={"a": audit.Private("x")}, using=both
        )

    with transaction.atomic(using=both):
        record_full()
    with transaction.atomic(using=both), django_assert_num_queries(3, connection=connections[both]):
        record_full()


def test_several_entries_of_one_transaction_stay_in_order(both: str) -> None:
    with transaction.atomic(using=both):
        first, second = audit.record("a.one", using=both), audit.record("a.two", using=both)
    assert second == first + 1
    verify(both)


def test_nothing_personal_and_no_id_of_a_person_is_in_the_table(both: str) -> None:
    entry = _record(
        both,
        actor=ANNA,
        subject="paul00",
        object="patient:paul00",
        details={"email": audit.Private("paul@home.example"), "age": audit.Private(44)},
    )
    row = json.dumps(AuditEntry.objects.using(both).filter(pk=entry.pk).values().get(), default=str)
    for canary in ("paul", "anna", "example", "44,", "44}"):
        assert canary not in row.replace(entry.leaf_hash, "").replace(entry.tree_root, "")
    assert re.fullmatch(r"user:[0-9a-f]{64}", entry.actor)
    assert entry.object == f"patient:{entry.subject}"
    keys = connections[both].cursor()
    keys.execute("SELECT key FROM audit_pseudonym_key")
    assert all(":" in key for (key,) in keys.fetchall())  # the keys themselves are encrypted


def test_objects_that_are_no_people_keep_their_id(both: str) -> None:
    assert _record(both, object="room:r1").object == "room:r1"


def test_one_person_has_one_pseudonym_per_kind(both: str) -> None:
    first, second = _record(both, subject="p1"), _record(both, subject="p1")
    other, seat = _record(both, subject="p2"), _record(both, actor_seat="p1")
    assert first.subject == second.subject
    assert len({first.subject, other.subject, seat.actor.removeprefix("seat:")}) == 3


def test_private_values_are_told_apart_by_person_and_name(both: str) -> None:
    def committed(subject: str, **details: Any) -> list[str]:
        values = json.loads(_record(both, subject=subject, details=details).details)
        return [values[name] for name in details]

    same, again = audit.Private("x"), audit.Private("x")
    (first,), (second,) = committed("p1", email=same), committed("p1", email=again)
    assert first == second
    (other_person,) = committed("p2", email=same)
    other_name, number, text = committed("p1", phone=same, a=audit.Private(1), b=audit.Private("1"))
    assert len({first, other_person, other_name, number, text}) == 5


def test_a_private_value_without_a_person_belongs_to_the_month(both: str) -> None:
    entry = _record(both, event="login.refused", outcome="refused", details={"email": audit.Private("a@b.example")})
    assert entry.actor == entry.subject == ""
    assert PseudonymKey.objects.using(both).filter(kind="month", owner=f"{entry.recorded_at:%Y-%m}").exists()


def test_lists_of_codes_are_kept(both: str) -> None:
    entry = _record(both, details={"reasons": ("two_people", "clinic_rule"), "none": None, "n": 3})
    assert entry.details == '{"n":3,"none":null,"reasons":["two_people","clinic_rule"]}'


def test_private_shows_nothing() -> None:
    assert "paul" not in repr(audit.Private("paul")) + str({"x": audit.Private("paul")})
    with pytest.raises(TypeError):
        audit.Private(object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET outcome = 'ok' WHERE seq = 1",
        "UPDATE audit_entry SET seq = 9000000 WHERE seq = 1",
        "DELETE FROM audit_entry WHERE seq = 1",
        "DELETE FROM audit_entry",
        "UPDATE audit_head SET size = size - 1",
        "UPDATE audit_head SET size = size",
        "UPDATE audit_head SET size = size + 2",
        "DELETE FROM audit_head",
    ],
)
def test_the_database_refuses_to_change_history(both: str, sql: str) -> None:
    fill(both, 2)
    with pytest.raises(IntegrityError, match="audit"), transaction.atomic(using=both):
        connections[both].cursor().execute(sql)
    verify(both)


def test_sqlite_refuses_insert_or_replace(fresh_sqlite: str) -> None:
    fill(fresh_sqlite, 2)
    replace = "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE seq = 1"
    with pytest.raises(IntegrityError, match="replaced"):
        connections[fresh_sqlite].cursor().execute(replace)


def test_postgresql_refuses_truncate(fresh_postgres: str) -> None:
    with pytest.raises(IntegrityError, match="replaced"):
        connections[fresh_postgres].cursor().execute("TRUNCATE audit_entry")


def test_the_orm_refuses_too(both: str) -> None:
    fill(both, 1)
    entry = AuditEntry.objects.using(both).earliest("seq")
    with pytest.raises(TypeError, match="cannot be deleted"):
        entry.delete()
    entry.event = "another.thing"
    with pytest.raises(IntegrityError):
        entry.save()
    with pytest.raises(IntegrityError):
        AuditEntry.objects.using(both).all().update(outcome="ok")
    with pytest.raises(IntegrityError):
        AuditEntry.objects.using(both).all().delete()


def test_a_log_without_its_head_takes_no_entry(fresh_sqlite: str) -> None:
    fill(fresh_sqlite, 2)
    with connections[fresh_sqlite].cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_head_no_delete")
        cursor.execute("DELETE FROM audit_head")
    with pytest.raises(RuntimeError, match="tampered"):
        _record(fresh_sqlite)


def test_a_head_that_another_first_writer_just_made_is_taken(both: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL: two writers find no head; the slower one comes back to a log that has entries."""
    fill(both, 2)
    read, answers = recording._read_head, [None]
    monkeypatch.setattr(recording, "_read_head", lambda *args: answers.pop() if answers else read(*args))
    before = AuditEntry.objects.using(both).count()
    assert _record(both).seq == before + 1
    assert not answers
    verify(both)


def test_keys_cannot_be_searched(fresh_sqlite: str) -> None:
    with pytest.raises(FieldError):
        PseudonymKey.objects.using(fresh_sqlite).filter(key="x")
