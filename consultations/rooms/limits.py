"""A token bucket: how many messages a socket may send. Pure; `now_s` is any monotonic clock."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class TokenBucket:
    """`rate_per_s` tokens a second, at most `burst`. What is refused is counted: `overdraft` tells a slip from an attack."""

    rate_per_s: float
    burst: int
    now_s: float
    tokens: float = field(init=False)
    overdraft: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.tokens = float(self.burst)

    def take(self, now_s: float) -> bool:
        """Take one token; False when there is none."""
        self.tokens = min(float(self.burst), self.tokens + (now_s - self.now_s) * self.rate_per_s)
        self.now_s = now_s
        if self.tokens < 1:
            self.overdraft += 1
            return False
        if self.tokens >= self.burst:
            self.overdraft = 0
        self.tokens -= 1
        return True
