"""The one table of clinical thresholds: complete, in order, safe; a clinic's own limits take the place of ours only within bounds."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.api import BOUNDS, CEILINGS, NAMES, PROFILES, is_limit, limits_for


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_every_limit_and_each_is_one(profile: str) -> None:
    limits = PROFILES[profile].limits
    assert set(limits) == set(NAMES) == set(BOUNDS)
    assert all(is_limit(name, limit) for name, limit in limits.items())


def test_the_general_limits_are_those_of_the_sources() -> None:
    limits = PROFILES["general"].limits
    assert limits["rtt_ms"] == (200, 300)
    assert limits["video_loss"] == (0.02, 0.06)
    assert limits["audio_loss"] == (0.025, 0.075)
    assert limits["jitter_ms"] == (30, 35)
    assert limits["freeze"] == (0.02, 0.05)
    assert limits["out_bps"] == (768_000, 384_000)
    assert limits["fps"][1] == 15


def test_profiles_differ_where_the_visit_does() -> None:
    general, talking = PROFILES["general"], PROFILES["talking"]
    assert talking.watches == ("audio",)
    assert talking.limits["concealed"] < general.limits["concealed"]
    assert talking.limits["out_bps"] < general.limits["out_bps"]
    assert PROFILES["neurology"].frames_count
    assert PROFILES["neurology"].limits["fps"] > general.limits["fps"]
    assert PROFILES["dermatology"].limits["out_bps"][1] == 512_000
    assert PROFILES["dermatology"].limits["fps"] < general.limits["fps"]


@given(st.sampled_from(NAMES), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_only_a_limit_within_bounds_takes_the_place_of_ours(name: str, fair: float, poor: float) -> None:
    limits = limits_for("general", {name: (fair, poor)})
    least, most = BOUNDS[name]
    safe = least <= fair <= most and least <= poor <= most and (fair < poor if name in CEILINGS else fair > poor)
    assert limits[name] == ((fair, poor) if safe else PROFILES["general"].limits[name])
    assert {other: limits[other] for other in NAMES if other != name} == {
        other: PROFILES["general"].limits[other] for other in NAMES if other != name
    }


def test_an_unknown_limit_is_left_out() -> None:
    assert set(limits_for("general", {"mood": (1, 2)})) == set(NAMES)


def test_the_document_prints_the_general_limits_of_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "ROUTING.md").read_text().split("## 7.")[1]
    for name, (fair, poor) in PROFILES["general"].limits.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        scale = (
            100 if name in {"audio_loss", "video_loss", "concealed", "freeze"} else 0.001 if name == "out_bps" else 1
        )
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", row.split("|")[2])]
        assert numbers == pytest.approx([fair * scale, poor * scale]), name
