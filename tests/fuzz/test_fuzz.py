"""SEC-12, briefly: the same inputs in every run (make fuzz: others, and for as long as you like)."""

from pathlib import Path

import pytest

from tests.fuzz.engine import Target, check, fuzz, store, stored
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_nothing_escapes_but_what_may(target: Target) -> None:
    result = fuzz(target, seed=1, runs=target.runs)
    files = [store(finding) for finding in result.findings]
    assert files == [], "\n".join(finding.story or finding.what for finding in result.findings)
    # It got past the first check of the parser: more was reached than the seeds reach is kept.
    assert result.kept > len(target.seeds)


@pytest.mark.parametrize("file", stored(), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_what_once_crashed_does_no_more(file: Path) -> None:
    assert check(TARGETS[file.parent.name], file.read_bytes()) is None


def test_every_hostile_input_has_a_target() -> None:
    assert set(TARGETS) == {
        *("stun", "demux", "rtp", "vp8", "rtcp", "room"),
        *("sdp", "candidate", "signaling"),
    }
