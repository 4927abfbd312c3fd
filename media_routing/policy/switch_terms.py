"""The words of the switching machine (switching.py): what goes in, what comes out, its times and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from media_routing.policy.decision import Reason, Route
from media_routing.policy.facts import Evidence

Engine = Literal["p2p", "sfu"]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. `good_s` and `gap_s` double with every move that quality caused; shorter: quicker rescue, more restlessness."""

    probe_after_s: float = 5.0
    move_after_s: float = 10.0
    # Two reports of a path that carries media; one may be the tail of its start.
    measured_s: float = 2.0
    give_up_s: float = 15.0
    good_s: float = 60.0
    # A direct path that measured good for this long may be gone back to.
    steady_s: float = 8.0
    try_back_s: float = 25.0
    gap_s: float = 60.0
    pause_s: float = 60.0
    # A path that is young measures its own start.
    settle_s: float = 6.0
    connect_s: float = 10.0
    # The old way stays open while the last packets are on it.
    linger_s: float = 8.0
    # After this a report says nothing about now.
    stale_s: float = 6.0
    # A person's word outweighs the numbers for so long.
    word_s: float = 20.0
    recovered_s: float = 5.0


# Nothing doubles beyond this.
MOST_DOUBLINGS: Final = 4
# A move that the database has not made by then is not made.
MOVE_WITHIN_S: Final = 10.0

# Codes of reasons for probes, their ends, questions and words of people; the caller has the sentences.
PROBE_REASONS: Final = ("direct_unacceptable", "server_unacceptable", "person_says_so", "direct_tried")
PROBE_END_REASONS: Final = (
    "last_mile",
    "not_better",
    "not_reached",
    "recovered",
    "direct_not_good",
    "people_changed",
)
ASK_REASONS: Final = ("direct_unacceptable", "person_says_so", "direct_failed", "third_person")
ADVICE_CODES: Final = ("last_mile", "poor_and_declined", "poor_and_no_server", "use_phone")
WORD_CODES: Final = ("no_sound", "no_picture", "breaks_up", "said_yes", "said_no")
SWITCH_REASONS: Final = tuple(
    dict.fromkeys((*PROBE_REASONS, *PROBE_END_REASONS, *ASK_REASONS, *ADVICE_CODES, *WORD_CODES))
)


@dataclass(frozen=True, slots=True)
class Visit:
    """The visit as the database has it. `asks`: who is asked before a move to the server (nobody: empty)."""

    route: Route
    people: frozenset[str]
    present: frozenset[str]
    may_use_server: bool = False
    may_return: bool = False
    asks: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    # Of QualityProfile.
    watches: tuple[str, ...] = ("audio", "video")
    frames_count: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What a page reports of one path, as far as it decides anything."""

    engine: str
    warm: bool
    audio: int | None
    video: int | None
    audio_factor: str = ""
    video_factor: str = ""
    loss_out: float | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """A row of the visit's story; everybody looks at the visit anew."""

    trigger: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Move:
    """Decide the route anew with this evidence."""

    to: Engine
    trigger: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Release:
    """Nobody needs the server any more for this visit."""


Effect = Tell | Move | Release


@dataclass(frozen=True, slots=True)
class Asked:
    """A question or an attempt under way, as people see it."""

    to: Engine
    state: Literal["asking", "probing"]
    reason: Reason
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a snapshot carries. `warm`: the path to build beside the one in use. `server`: legs may stand on the server."""

    warm: Engine | Literal[""] = ""
    move: Asked | None = None
    advice: Reason | None = None
    server: bool = False


NOTHING: Final = Shown()
