"""A publisher's clocks against ours."""

import pytest

from media_routing.sfu.clock import NTP_UNIT, SenderClock, StreamClock, ntp_time, round_trip_s

EPOCH = 3_900_000_000.0  # what a browser's NTP clock shows, seconds


def test_microphone_and_camera_of_one_person_share_one_time():
    sender = SenderClock()
    voice, picture = StreamClock(48_000, sender), StreamClock(90_000, sender)
    assert voice.captured_at(0) is None and picture.timestamp_at(1.0) is None
    voice.observe(int(EPOCH * NTP_UNIT), 1000, -1, 100.040)
    picture.observe(int((EPOCH + 1) * NTP_UNIT), 500, -1, 101.090)  # this report took 50 ms longer
    assert voice.captured_at(1000 + 48_000) == pytest.approx(picture.captured_at(500), abs=1e-4)
    assert voice.captured_at(1000) == pytest.approx(100.040, abs=1e-3)
    assert picture.timestamp_at(102.040) == pytest.approx(500 + 90_000, abs=10)


def test_the_fastest_report_tells_the_offset_and_a_jump_replaces_it():
    sender = SenderClock()
    for delay in (0.05, 0.03, 0.08):
        sender.observe(1000.0, 2000 + delay)
    assert sender.to_ours(1000.0) == pytest.approx(2000.03, abs=0.001)
    sender.observe(1000.0, 2500.0)
    assert sender.to_ours(1000.0) == pytest.approx(2500.0)


def test_a_report_about_another_time_than_the_streams_is_not_believed():
    clock = StreamClock(90_000, SenderClock())
    clock.observe(int(EPOCH * NTP_UNIT), 2**31, 5000, 100.0)
    assert clock.captured_at(5000) is None
    assert clock.last_sr  # but it is acknowledged


def test_timestamps_wrap():
    clock = StreamClock(90_000, SenderClock())
    clock.observe(int(EPOCH * NTP_UNIT), 2**32 - 45_000, 2**32 - 1, 100.0)
    assert clock.captured_at(45_000) == pytest.approx(101.0)


@pytest.mark.parametrize(
    ("sent_at", "delay", "now", "expected"), [(100.0, 0.5, 100.6, 0.1), (65535.9, 0.0, 65536.1, 0.2)]
)
def test_round_trip(sent_at, delay, now, expected):
    last_sr = ntp_time(sent_at) >> 16 & 0xFFFFFFFF
    assert round_trip_s(last_sr, round(delay * 65536), now) == pytest.approx(expected, abs=1e-3)


def test_an_impossible_round_trip_is_none():
    last_sr = ntp_time(100.0) >> 16 & 0xFFFFFFFF
    assert round_trip_s(0, 0, 100.0) is None
    assert round_trip_s(last_sr, 65536, 100.5) is None  # held longer than it took
