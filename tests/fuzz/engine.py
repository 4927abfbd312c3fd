"""A small coverage-guided fuzzer: inputs that reach a line not reached before are kept and changed further.

With a number of runs it is deterministic (make test); with seconds it goes on until they are over (make fuzz).
"""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

from tests.fuzz.mutation import Mutate

ROOT = Path(__file__).resolve().parent.parent.parent
CRASHES = Path(__file__).parent / "crashes"
# CPU time of one input; the slowest honest one takes some milliseconds.
SLOW_S = 1.0
_MINIMISING_RUNS = 600


@dataclass(frozen=True)
class Target:
    """`run` may raise `allowed` and nothing else; what else must hold it asserts itself."""

    name: str
    run: Callable[[bytes], object]
    allowed: tuple[type[Exception], ...]
    make_seeds: Callable[[], Sequence[bytes]]
    mutate: Mutate
    runs: int = 3000
    watched: tuple[str, ...] = ("media_routing",)
    traced: float = 1.0
    """Share of the runs whose coverage is looked at: tracing a room costs seven times what running it does."""

    @cached_property
    def seeds(self) -> Sequence[bytes]:
        return self.make_seeds()


@dataclass(frozen=True)
class Finding:
    """`what` tells findings apart: the error and the line of ours that it came from."""

    target: str
    what: str
    data: bytes
    story: str = field(compare=False, repr=False, default="")


@dataclass
class Result:
    runs: int
    lines: int
    corpus: list[bytes]
    """The seeds, and what reached a line that nothing before it had reached."""
    findings: list[Finding]

    @property
    def kept(self) -> int:
        return len(self.corpus)


def check(target: Target, data: bytes) -> Finding | None:
    """Runs one input; None when it did what it may."""
    began = time.process_time()
    try:
        target.run(data)
    except target.allowed:
        pass
    except Exception as error:
        return Finding(target.name, f"{type(error).__name__} at {_origin(error)}", data, traceback.format_exc())
    if time.process_time() - began > SLOW_S:
        return Finding(target.name, "slow", data)
    return None


def _origin(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(ROOT)) and "/.venv/" not in frame.filename]
    last = (ours or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


class Coverage:
    """Which lines of the watched packages ran."""

    def __init__(self, watched: Sequence[str]) -> None:
        self._prefixes = tuple(str(ROOT / part) for part in watched)
        self._wanted: dict[CodeType, bool] = {}
        self.lines: set[tuple[CodeType, int]] = set()

    def call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        wanted = self._wanted.get(code)
        if wanted is None:
            wanted = self._wanted[code] = code.co_filename.startswith(self._prefixes)
        return self._line if wanted else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.lines.add((frame.f_code, frame.f_lineno))
        return self._line

    def watch(self, target: Target, data: bytes) -> Finding | None:
        before = sys.gettrace()
        sys.settrace(self.call)
        try:
            return check(target, data)
        finally:
            sys.settrace(before)


def fuzz(target: Target, *, seed: int, runs: int = 0, seconds: float = 0.0, remembered: Sequence[bytes] = ()) -> Result:
    """At most one finding per place; each is made as small as it gets. Seeds run first, then what earlier runs kept."""
    chance = Random(seed)
    coverage = Coverage(target.watched)
    corpus: list[bytes] = []
    findings: dict[str, Finding] = {}
    until = time.monotonic() + seconds
    done = 0
    for data in dict.fromkeys([*target.seeds, *remembered]):
        done += 1
        known = len(coverage.lines)
        if found := coverage.watch(target, data):
            findings.setdefault(found.what, found)
        if len(coverage.lines) > known or data in target.seeds:
            corpus.append(data)
    while done < runs or time.monotonic() < until:
        done += 1
        # Half of the time what was found last: new ground is where new ground is near.
        parent = chance.choice(corpus[-24:] if chance.random() < 0.5 else corpus)
        data = target.mutate(parent, corpus, chance)
        known = len(coverage.lines)
        found = coverage.watch(target, data) if chance.random() < target.traced else check(target, data)
        # Tracing makes everything slow; what is slow without it is.
        if found and found.what == "slow":
            found = check(target, data)
        if found:
            findings.setdefault(found.what, found)
        elif len(coverage.lines) > known:
            corpus.append(data)
    smallest = [minimise(target, finding) for finding in findings.values()]
    return Result(done, len(coverage.lines), corpus, smallest)


def minimise(target: Target, finding: Finding) -> Finding:
    """The same finding with as little input as blunt cutting gets."""
    best, left = finding, _MINIMISING_RUNS
    size = len(best.data) // 2
    while size and left and best.what != "slow":
        at, shrunk = 0, False
        while at < len(best.data) and left:
            left -= 1
            found = check(target, best.data[:at] + best.data[at + size :])
            if found and found.what == finding.what:
                best, shrunk = found, True
            else:
                at += size
        if not shrunk:
            size //= 2
    return best


def store(finding: Finding, directory: Path = CRASHES) -> Path:
    """A stored crash is replayed by every test run from then on."""
    folder = directory / finding.target
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha256(finding.data).hexdigest()[:12]}.bin"
    file.write_bytes(finding.data)
    return file


def stored(directory: Path = CRASHES) -> list[Path]:
    return sorted(directory.glob("*/*.bin"))
