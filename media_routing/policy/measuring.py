"""What both pages measured of their paths, and since when it is so: the memory of the switching machine (switching.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from media_routing.policy.quality import GOOD, POOR
from media_routing.policy.switch_terms import Measured, Times, Visit

# Better by so many points is better; less is chance.
CLEARLY: Final = 15
# What a page is held to measure while its person says that they hear or see nothing.
TOLD_SCORE: Final = 20


@dataclass(slots=True)
class PathMeasured:
    """What one person's page measures of one path."""

    score: int | None = None
    heard_s: float | None = None
    first_s: float | None = None
    poor_s: float | None = None
    good_s: float | None = None
    loss_out: float = 0.0
    remedy: str = ""
    factor: str = ""

    def take(self, score: int | None, report: Measured, now: float, stale_s: float) -> None:
        if self.heard_s is not None and now - self.heard_s > stale_s:
            self.poor_s = self.good_s = self.first_s = None
        self.heard_s, self.remedy = now, report.remedy
        self.loss_out = report.loss_out or 0.0
        self.factor = report.audio_factor if report.audio == score else report.video_factor
        if score is None:
            return
        self.first_s = now if self.first_s is None else self.first_s
        self.score = score
        self.poor_s = (self.poor_s if self.poor_s is not None else now) if score < POOR else None
        self.good_s = (self.good_s if self.good_s is not None else now) if score >= GOOD else None

    def is_fresh(self, now: float, stale_s: float) -> bool:
        return self.heard_s is not None and self.score is not None and now - self.heard_s <= stale_s


@dataclass(slots=True)
class PersonMeasured:
    """What one person's page and their own word say."""

    used: PathMeasured = field(default_factory=PathMeasured)
    warm: PathMeasured = field(default_factory=PathMeasured)
    page: str = ""
    # Of the path in use: '' before the page said anything about it.
    path: str = ""
    path_s: float = 0.0
    word_until_s: float = 0.0
    word_s: float = 0.0


class People:
    """Everybody inside. `route_s`: since when they are on the path in use."""

    def __init__(self, times: Times, now: float) -> None:
        self.times = times
        self.of: dict[str, PersonMeasured] = {}
        self.route_s = now
        # When somebody last had it unacceptable while another path was tried.
        self.poor_at_s = now

    def follow(self, names: frozenset[str]) -> None:
        if names != self.of.keys():
            self.of = {name: self.of.get(name, PersonMeasured()) for name in names}

    def take_route(self, now: float) -> None:
        """Another path is in use: what was measured is past, and whoever had one must now connect anew."""
        self.route_s = now
        for person in self.of.values():
            person.used, person.warm, person.word_until_s = PathMeasured(), PathMeasured(), 0.0
            if person.path:
                person.path, person.path_s = "connecting", now

    def begin_to_try(self, now: float) -> None:
        """Another path is tried from now on."""
        self.poor_at_s = now
        for person in self.of.values():
            person.warm = PathMeasured()

    def worst(self, now: float) -> dict[str, str | int]:
        """Return who has it worst and why, for the visit's story; nothing while nobody has it poor."""
        since = {name: self._poor_of(person, now) for name, person in self.of.items()}
        poor = [name for name in sorted(since) if since[name] is not None]
        if not poor:
            return {}
        name = min(poor, key=lambda one: self.of[one].used.score or 0)
        used = self.of[name].used
        if used.score is None:
            return {"participant": name}
        return {"participant": name, "score": used.score, "factor": used.factor}

    def watched(self, report: Measured, visit: Visit) -> int | None:
        """Return the worse of what this kind of visit watches, None when nothing of it was measured."""
        scores = []
        if "audio" in visit.watches and report.audio is not None:
            scores.append(report.audio)
        dim = report.video_factor == "frames" and not visit.frames_count
        if "video" in visit.watches and report.video is not None and not dim:
            scores.append(report.video)
        return min(scores, default=None)

    def poor_since(self, now: float) -> float | None:
        """Return since when somebody has had it unacceptable without a break, None when nobody has."""
        found = [since for person in self.of.values() if (since := self._poor_of(person, now)) is not None]
        return min(found, default=None)

    def _poor_of(self, person: PersonMeasured, now: float) -> float | None:
        if person.word_until_s > now:
            return person.word_s - self.times.move_after_s
        if person.path == "lost":
            return person.path_s
        fresh = person.used.is_fresh(now, self.times.stale_s)
        settled = now - self.route_s >= self.times.settle_s
        return person.used.poor_s if fresh and settled else None

    def good_for(self, now: float) -> float:
        """Return for how long both people have had it good."""
        paths = [person.used for person in self.of.values()]
        if any(not path.is_fresh(now, self.times.stale_s) or path.good_s is None for path in paths):
            return -1.0
        return now - max((path.good_s or now for path in paths), default=now)

    def good_again(self, now: float) -> bool:
        """Nobody has had it unacceptable for a while: whatever was tried is not needed."""
        silent = any(not person.used.is_fresh(now, self.times.stale_s) for person in self.of.values())
        if silent or self.poor_since(now) is not None:
            self.poor_at_s = now
            return False
        return now - self.poor_at_s >= self.times.recovered_s

    def broken_since(self, now: float) -> float | None:
        """Return since when the path in use has carried nothing for both, None while it may carry something."""
        if not any(person.path in ("connecting", "lost", "failed") for person in self.of.values()):
            return None  # silence alone is no proof
        found = [self._broken_of(person, now) for person in self.of.values()]
        return None if None in found else max(since for since in found if since is not None)

    def _broken_of(self, person: PersonMeasured, now: float) -> float | None:
        if person.path == "failed":
            return now - self.times.connect_s  # the page has tried for longer than that
        if person.path in ("connecting", "lost"):
            return person.path_s
        # A page that measured and fell silent; its word that it is connected may be older than that.
        heard_s = person.used.heard_s
        return heard_s if heard_s is not None and now - heard_s > 2 * self.times.stale_s else None

    def is_better(self, now: float) -> bool:
        """Whether the path beside helps everybody who needs it, and harms nobody."""
        for person in self.of.values():
            warm, used = person.warm, person.used
            if not warm.is_fresh(now, self.times.stale_s) or warm.first_s is None:
                return False
            if now - warm.first_s < self.times.measured_s:
                return False
            score = warm.score or 0
            before = used.score if used.is_fresh(now, self.times.stale_s) and used.score is not None else 0
            if person.word_until_s > now:
                before = min(before, TOLD_SCORE)
            needs = before < POOR
            if score < POOR or (needs and score < before + CLEARLY):
                return False
        return True

    def all_warm(self, holds: Callable[[PathMeasured], bool], now: float) -> bool:
        paths = [person.warm for person in self.of.values()]
        return all(path.is_fresh(now, self.times.stale_s) and holds(path) for path in paths)
