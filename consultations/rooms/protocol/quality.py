"""What a page measures of a path between it and the others, every 2 s, and what its person says of it and of changing it."""

from dataclasses import dataclass
from typing import Final

from consultations.rooms.protocol.fields import Fields

ENGINES: Final = frozenset({"p2p", "sfu"})
FACTORS: Final = frozenset({"", "rtt", "loss", "jitter", "bitrate", "frames", "freeze", "sound"})
REMEDIES: Final = frozenset({"", "lowered", "audio_first", "audio_only"})
TROUBLES: Final = frozenset({"no_sound", "no_picture", "breaks_up"})
ANSWERS: Final = frozenset({"yes", "no"})
_MAX_BPS: Final = 10**10
_MAX_FPS: Final = 240


@dataclass(frozen=True, slots=True)
class QualityReport:
    """`warm`: of the path beside the one in use. Scores 0 to 100, ratios 0 to 1; None was not measured."""

    warm: bool
    engine: str
    audio: int | None
    video: int | None
    # What limits: rtt, loss, jitter, bitrate, frames, freeze or sound; '' is nothing.
    audio_factor: str
    video_factor: str
    rtt_ms: int | None
    jitter_ms: int | None
    loss_in: float | None
    loss_out: float | None
    concealed: float | None
    freeze: float | None
    fps: float | None
    in_bps: int | None
    out_bps: int | None
    available_out_bps: int | None
    # What the sender already does about it: '', lowered, audio_first or audio_only.
    remedy: str


@dataclass(frozen=True, slots=True)
class Quality:
    """`age_s`: how long ago what it tells of began; a page always tells of now."""

    report: QualityReport
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A person says so; it outweighs what their page measures."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class MoveAnswer:
    """The answer to `room.move` that asks."""

    id: str
    answer: str


def read_quality(fields: Fields) -> Quality:
    return Quality(
        QualityReport(
            warm=fields.flag("warm"),
            engine=fields.choice("engine", ENGINES),
            audio=fields.optional_number("audio", 0, 100),
            video=fields.optional_number("video", 0, 100),
            audio_factor=fields.choice("audio_factor", FACTORS),
            video_factor=fields.choice("video_factor", FACTORS),
            rtt_ms=fields.milliseconds("rtt_ms"),
            jitter_ms=fields.milliseconds("jitter_ms"),
            loss_in=fields.optional_amount("loss_in", 1),
            loss_out=fields.optional_amount("loss_out", 1),
            concealed=fields.optional_amount("concealed", 1),
            freeze=fields.optional_amount("freeze", 1),
            fps=fields.optional_amount("fps", _MAX_FPS),
            in_bps=fields.optional_number("in_bps", 0, _MAX_BPS),
            out_bps=fields.optional_number("out_bps", 0, _MAX_BPS),
            available_out_bps=fields.optional_number("available_out_bps", 0, _MAX_BPS),
            remedy=fields.choice("remedy", REMEDIES),
        )
    )


def read_trouble(fields: Fields) -> Trouble:
    return Trouble(fields.request_id(), fields.choice("kind", TROUBLES))


def read_move(fields: Fields) -> MoveAnswer:
    return MoveAnswer(fields.request_id(), fields.choice("answer", ANSWERS))
