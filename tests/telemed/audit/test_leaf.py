"""The bytes that are hashed. Frozen: signed checkpoints depend on them."""

import enum
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from telemed.audit import leaf


def _leaf(**changes: object) -> bytes:
    values: dict = {
        "seq": 1,
        "recorded_at": datetime(2026, 11, 22, 17, 3, 46, tzinfo=UTC),
        "event": "room.admitted",
        "actor": "user:aa",
        "clinic": "c1",
        "subject": "bb",
        "object": "room:r1",
        "outcome": "ok",
        "details": '{"n":1}',
    }
    return leaf.leaf_bytes(**{**values, **changes})


def test_the_format_is_frozen() -> None:
    assert _leaf() == (
        b'{"actor":"user:aa","clinic":"c1","details":{"n":1},"event":"room.admitted","object":"room:r1",'
        b'"outcome":"ok","recorded_at":"2026-11-22T17:03:46.000000Z","seq":1,"subject":"bb","v":1}'
    )


def test_every_field_counts() -> None:
    changed = [
        _leaf(seq=2),
        _leaf(recorded_at=datetime(2026, 11, 22, 17, 3, 46, 1, tzinfo=UTC)),
        *[_leaf(**{name: "x:y"}) for name in ("event", "actor", "clinic", "subject", "object", "outcome")],
        _leaf(details='{"n":2}'),
        _leaf(actor="user:aac1", clinic=""),
    ]
    assert len({_leaf(), *changed}) == len(changed) + 1


def test_the_same_instant_in_another_zone_is_the_same_leaf() -> None:
    there = timezone(timedelta(hours=5, minutes=45))
    assert _leaf(recorded_at=datetime(2026, 11, 22, 22, 48, 46, tzinfo=there)) == _leaf()


@pytest.mark.parametrize(
    "details", ['{"n": 1}', '{"n":1} ', '{"b":1,"a":2}', '{"n":1.0e0}', '{"n":1,"n":1}', "[]", "1"]
)
def test_details_have_one_spelling(details: str) -> None:
    with pytest.raises(ValueError, match="canonical"):
        _leaf(details=details)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        _leaf(recorded_at=datetime(2026, 11, 22))  # noqa: DTZ001


class Shade(TextChoices):
    DARK = "dark", "Dark"


class Plain(str, enum.Enum):  # noqa: UP042  both kinds are in use
    DARK = "dark"


@pytest.mark.parametrize("value", [None, True, False, 0, -5, 2**53 - 1, "", "follow_up", "2026-11-22T17:03:46+00:00"])
def test_codes_numbers_and_truth_values_pass(value: object) -> None:
    assert leaf.plain_scalar("x", value) == value


def test_enum_members_become_their_value() -> None:
    for member in (Shade.DARK, Plain.DARK):
        assert json.loads(leaf.canonical_json(leaf.plain_scalar("x", member))) == "dark"


@pytest.mark.parametrize("value", ["Paul Patient", "paul@home.example", "Zoë", "a\nb", "x" * 129, '"', "{}"])
def test_text_that_could_be_personal_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValueError, match="wrap personal values") as caught:
        leaf.plain_scalar("x", value)
    assert "Paul" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [1.5, Decimal(1), date(2000, 1, 1), datetime.now(UTC), uuid4(), b"x", {"a": 1}, {1}, object(), gettext_lazy("x")],
)
def test_unknown_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be logged"):
        leaf.plain_scalar("x", value)


def test_numbers_that_other_languages_would_round_are_refused() -> None:
    with pytest.raises(ValueError, match="53 bits"):
        leaf.plain_scalar("x", 2**53)


@pytest.mark.parametrize(
    "event", ["room", "Room.admitted", "room.", ".x", "room admitted.x", "a." + "b" * 70, "room.x\n"]
)
def test_events_have_a_shape(event: str) -> None:
    with pytest.raises(ValueError, match="event name"):
        leaf.require_event(event)


@pytest.mark.parametrize("value", ["Paul Patient", "paul@home.example", "+49 30 1", "x" * 65, "zz9\n"])
def test_ids_have_a_shape_and_are_not_shown(value: str) -> None:
    for check in (lambda: leaf.require_opaque_id(value, "subject"), lambda: leaf.split_object(f"patient:{value}")):
        with pytest.raises(ValueError) as caught:
            check()
        assert value.strip() not in str(caught.value)


def test_keys_are_names() -> None:
    for key in ("", "Upper", "1x", "a b", 5, None):
        with pytest.raises(ValueError, match="key"):
            leaf.require_key(key)
