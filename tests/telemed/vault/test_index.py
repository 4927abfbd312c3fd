import base64
import hashlib
import hmac
import os

import pytest
from pytest_django import Settings

from telemed.vault.index import blind_index
from telemed.vault.keyring import KeyRingError


def test_equal_values_of_one_purpose_have_one_index() -> None:
    index = blind_index("a@example.org", "patient.email")
    assert index == blind_index("a@example.org", "patient.email")
    assert len(index) == 64
    assert index != blind_index("b@example.org", "patient.email")


def test_purposes_cannot_be_joined() -> None:
    assert blind_index("a@example.org", "patient.email") != blind_index("a@example.org", "message.recipient")


def test_it_is_hmac_under_an_hkdf_subkey(settings: Settings) -> None:
    """Written out with the standard library: stored indexes have to stay findable after any refactoring."""
    key = os.urandom(32)
    settings.BLIND_INDEX_KEY = base64.b64encode(key).decode()
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    subkey = hmac.new(extracted, b"blind-index/1/patient.email\x01", hashlib.sha256).digest()
    assert blind_index("Zoë", "patient.email") == hmac.new(subkey, "Zoë".encode(), hashlib.sha256).hexdigest()


def test_another_key_gives_another_index(settings: Settings) -> None:
    before = blind_index("a@example.org", "patient.email")
    settings.BLIND_INDEX_KEY = base64.b64encode(os.urandom(32)).decode()
    assert blind_index("a@example.org", "patient.email") != before


def test_nothing_stays_nothing() -> None:
    assert blind_index("", "patient.email") == ""


def test_a_purpose_is_needed() -> None:
    with pytest.raises(ValueError, match="purpose"):
        blind_index("a", "")


def test_a_weak_key_is_refused(settings: Settings) -> None:
    settings.BLIND_INDEX_KEY = base64.b64encode(b"changeme" * 4).decode()
    with pytest.raises(KeyRingError):
        blind_index("a", "patient.email")
