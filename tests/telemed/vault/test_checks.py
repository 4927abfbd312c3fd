"""Start-up fails on an unknown, malformed or guessable key."""

import base64
import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.core.management.base import SystemCheckError
from django.db import transaction
from pytest_django import Settings

from telemed import vault
from telemed.vault.checks import check_key_strength, check_keys_known
from telemed.vault.models import KeyUse
from telemed.vault.sealing import seal, unseal
from telemed.vault.used_keys import forget_known_keys
from tests.databases import child_environment


def _item(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"


def _ids(messages: list) -> list[str]:
    return [message.id for message in messages]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    forget_known_keys()


def test_sound_keys_pass(db: None) -> None:
    seal("x", "a.B.c")
    assert check_key_strength() == []
    assert check_keys_known(databases=["default"]) == []
    vault.check_keys()


@pytest.mark.parametrize(
    "keys, expected",
    [
        (["nonsense"], "vault.E002"),
        ([], "vault.E002"),
        (["k1:" + base64.b64encode(b"changeme" * 4).decode()], "vault.E003"),
        (["k1:" + base64.b64encode(os.urandom(16)).decode()], "vault.E003"),
    ],
)
def test_bad_field_keys_are_errors(db: None, settings: Settings, keys: list[str], expected: str) -> None:
    settings.FIELD_KEYS = keys
    assert _ids(check_key_strength()) == [expected]
    with pytest.raises(SystemCheckError, match=expected):
        vault.check_keys()


def test_a_bad_index_key_is_an_error(settings: Settings) -> None:
    settings.BLIND_INDEX_KEY = ""
    assert _ids(check_key_strength()) == ["vault.E003"]


def test_a_key_that_wrote_and_is_gone_stops_the_start(db: None, settings: Settings) -> None:
    seal("x", "a.B.c")
    lost = settings.FIELD_KEYS
    settings.FIELD_KEYS = [_item("brand-new")]
    (found,) = check_keys_known(databases=["default"])
    assert found.id == "vault.E001"
    assert lost[0].split(":")[0] in found.msg
    assert lost[0].split(":")[1] not in f"{found.msg}{found.hint}"
    with pytest.raises(SystemCheckError, match=r"vault\.E001"):
        vault.check_keys()
    settings.FIELD_KEYS = [_item("brand-new"), *lost]
    vault.check_keys()


def test_a_rolled_back_note_is_written_again(fresh_sqlite: str, settings: Settings) -> None:
    settings.FIELD_KEYS = [_item("k-rollback")]

    def noted() -> bool:
        return KeyUse.objects.using(fresh_sqlite).filter(pk="k-rollback").exists()

    for _ in range(2):
        with transaction.atomic(using=fresh_sqlite):
            seal("x", "a.B.c", fresh_sqlite)
            seal("y", "a.B.c", fresh_sqlite)
            transaction.set_rollback(True, using=fresh_sqlite)
        assert not noted()
    with transaction.atomic(using=fresh_sqlite):
        try:
            with transaction.atomic(using=fresh_sqlite):
                seal("x", "a.B.c", fresh_sqlite)
                raise ZeroDivisionError  # only the savepoint is rolled back
        except ZeroDivisionError:
            pass
        seal("y", "a.B.c", fresh_sqlite)
    assert noted()


def test_a_known_key_costs_no_query(fresh_sqlite: str, django_assert_num_queries) -> None:
    from django.db import connections

    seal("x", "a.B.c", fresh_sqlite)
    with django_assert_num_queries(0, connection=connections[fresh_sqlite]):
        assert unseal(seal("x", "a.B.c", fresh_sqlite), "a.B.c") == "x"


def test_the_command_line_check_fails_too(fresh_sqlite: str) -> None:
    KeyUse.objects.using(fresh_sqlite).create(key_id="lost-key")
    from django.db import connections

    url = f"sqlite://{connections[fresh_sqlite].settings_dict['NAME']}"
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        cwd=django_settings.BASE_DIR,
        env=child_environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "vault.E001" in done.stderr
    assert "lost-key" in done.stderr
