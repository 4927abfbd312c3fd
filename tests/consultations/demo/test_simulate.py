"""`manage.py simulate` end to end: a demo of its own, aiortc participants, the real media server."""

import json
import os
import subprocess
import sys

import pytest

from tests.e2e.server import OWN_SETTINGS, ROOT


def simulate(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SETTINGS}
    command = [sys.executable, "manage.py", "simulate", *words]
    return subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [
        ("good", "6"),
        pytest.param("lossy", "10", marks=pytest.mark.soak),
        pytest.param("phone", "20", marks=pytest.mark.soak),
    ],
)
def test_three_people_decode_each_other(profile: str, seconds: str) -> None:
    """Over bad lines, too: each of `lossy` loses a twentieth each way, so one picture in ten waits for its repair."""
    done = simulate("--participants", "3", "--seconds", seconds, "--profile", profile)
    summary = json.loads(done.stdout)
    assert done.returncode == 0, summary
    assert summary["ok"]
    assert summary["missing"] == []
    assert [person["phase"] for person in summary["people"]] == ["in visit"] * 3
    assert all(person["up_kbps"] > 10 and person["down_kbps"] > 10 for person in summary["people"])
    assert "frames decoded" in done.stderr


def test_it_fails_when_media_cannot_flow() -> None:
    """The control: an address nobody is at (RFC 5737) leaves everybody in the visit and nobody seen."""
    done = simulate("--participants", "2", "--seconds", "3", SFU_ADVERTISED_ADDRESSES="192.0.2.1")
    summary = json.loads(done.stdout)
    assert done.returncode == 1
    assert not summary["ok"]
    assert len(summary["missing"]) == 4


@pytest.mark.parametrize(
    "words", [("--profile", "perfect"), ("--participants", "9"), ("--base-url", "http://localhost:1")]
)
def test_it_says_what_is_wrong_with_its_arguments(words: tuple[str, str]) -> None:
    done = simulate(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: ")
