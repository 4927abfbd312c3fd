"""How good the participants' networks and pictures are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Each way. `loss` is a share, `delay_ms` is added once per direction, `rate_bps` 0 means unlimited."""

    width: int = 320
    height: int = 180
    frames_per_s: int = 15
    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_bps: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.loss or self.delay_ms or self.jitter_ms or self.rate_bps)


PROFILES = {
    "good": Profile(),
    # A bad Wi-Fi: RTX and Opus's own redundancy have work to do.
    "lossy": Profile(loss=0.05, delay_ms=20, jitter_ms=10),
    # Mobile network at the edge of a cell.
    "phone": Profile(width=256, height=144, frames_per_s=10, loss=0.01, delay_ms=50, jitter_ms=15, rate_bps=1_500_000),
}
