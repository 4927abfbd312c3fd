"""What is known of how one visit was connected: metadata only, people by their part in the visit and never by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """`key` is what others see (p1, p2): the seat's own id stays inside."""

    id: str
    key: str
    role: str
    # Of several with this role, from 1; 0 when there is one.
    number: int = 0
    admitted_at: datetime | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A RouteDecision: a decision with its reasons, or (`trigger` "path.*") what a browser saw of its path."""

    at: datetime
    trigger: str
    route: str
    refused: bool = False
    reasons: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A QualitySample. `person` is the seat's id."""

    at: datetime
    person: str
    engine: str
    warm: bool = False
    audio: int | None = None
    video: int | None = None
    audio_factor: str = ""
    video_factor: str = ""
    rtt_ms: int | None = None
    jitter_ms: int | None = None
    loss_in: float | None = None
    loss_out: float | None = None
    concealed: float | None = None
    freeze: float | None = None
    fps: float | None = None
    in_bps: int | None = None
    out_bps: int | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class VisitFacts:
    code: str
    state: str
    opened_at: datetime | None
    live_at: datetime | None
    ended_at: datetime | None
    people: tuple[Person, ...] = ()
    rows: tuple[Row, ...] = ()
    samples: tuple[Sample, ...] = ()
