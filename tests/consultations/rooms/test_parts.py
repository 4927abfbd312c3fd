"""Small parts: origins, words, checks, presence."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import cache

from consultations.rooms import checks, presence, reasons, refusals
from consultations.rooms.origins import origin_is_allowed, serialise_origin
from media_routing.api import REASON_CODES, SWITCH_REASONS

OWN = frozenset({b"https://visits.example", b"http://localhost:8000"})


@pytest.mark.parametrize(
    "setting, serialised",
    [
        ("https://Visits.Example", "https://visits.example"),
        ("https://visits.example:443/", "https://visits.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_setting_becomes_what_a_browser_sends(setting: str, serialised: str) -> None:
    assert serialise_origin(setting) == serialised


@pytest.mark.parametrize(
    "setting", ["visits.example", "wss://visits.example", "https://user@visits.example", "https://[::", "*"]
)
def test_a_setting_that_is_no_origin_stops_the_start(setting: str) -> None:
    with pytest.raises(ValueError):
        serialise_origin(setting)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"origin", b"null")],
        [(b"origin", b"http://visits.example")],
        [(b"origin", b"https://visits.example:8443")],
        [(b"origin", b"https://visits.example.evil.example")],
        [(b"origin", b"https://[::")],
        [(b"origin", b"\xff\xfe")],
        [(b"origin", b"https://visits.example"), (b"origin", b"https://evil.example")],
    ],
)
def test_only_one_exact_origin_is_allowed(headers: list[tuple[bytes, bytes]]) -> None:
    assert not origin_is_allowed(headers, OWN)
    assert origin_is_allowed([(b"Origin", b"https://visits.example")], OWN)


def test_every_reason_of_the_engine_has_words() -> None:
    assert set(REASON_CODES) == set(reasons.TEXTS)
    assert set(SWITCH_REASONS) == set(reasons.STEPS)
    assert not set(reasons.TEXTS) & set(reasons.STEPS)


def test_every_documented_code_has_a_sentence() -> None:
    text = Path("docs/PROTOCOL.md").read_text().split("### Error codes")[1].split("### Close codes")[0]
    codes = set(re.findall(r"`(\w+)`", text))
    assert codes
    assert codes <= set(refusals.SENTENCES)


def test_python_without_assertions_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_assertions_run() == []
    monkeypatch.setattr(checks, "sys", SimpleNamespace(flags=SimpleNamespace(optimize=1)))
    assert [message.id for message in checks.check_assertions_run()] == ["rooms.E001"]
    assert not sys.flags.optimize


def test_a_newer_page_is_not_forgotten_with_the_older_one() -> None:
    cache.clear()
    assert presence.mark_present("a" * 22, "page-1")
    assert not presence.mark_present("a" * 22, "page-1")
    assert presence.mark_present("a" * 22, "page-2")
    assert not presence.mark_gone("a" * 22, "page-1")
    assert presence.present_pages(["a" * 22, "b" * 22]) == {"a" * 22: "page-2"}
    assert presence.mark_gone("a" * 22, "page-2")
    assert presence.present_pages(["a" * 22]) == {}
