"""System checks of the rooms."""

from typing import Any

import pytest

from consultations.rooms.checks import check_listening_program, check_rtc_address


@pytest.mark.parametrize(
    "url", ["wss://clinic.example:{port}", "wss://clinic.example/rtc/{index}", "wss://clinic.example/b/rtc/{index}"]
)
def test_rtc_addresses_on_the_pages_host_are_fine(settings, url: str) -> None:
    settings.PUBLIC_BASE_URL, settings.RTC_URL = "https://clinic.example", url
    assert check_rtc_address() == []


@pytest.mark.parametrize(
    "url",
    [
        "wss://rtc{index}.clinic.example",  # host-only cookies would not go there
        "ws://clinic.example:{port}",
        "https://clinic.example:{port}",
        "wss://clinic.example/{number}",
        "wss://clinic.example/{",
        "wss://clinic.example/?process={index}",
        "",
    ],
)
def test_others_stop_the_start(settings, url: str) -> None:
    settings.PUBLIC_BASE_URL, settings.RTC_URL = "https://clinic.example", url
    assert [error.id for error in check_rtc_address()] == ["rooms.E002"]


def test_a_listening_program_that_is_not_there_is_an_error(settings: Any) -> None:
    for name in ("", "level_meter"):
        settings.LISTENING_PROGRAM = name
        assert check_listening_program() == []
    settings.LISTENING_PROGRAM = "transcriber"
    assert [error.id for error in check_listening_program()] == ["rooms.E003"]
