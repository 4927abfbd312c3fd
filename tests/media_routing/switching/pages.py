"""What a page does with snapshots (static/js/call/path_keeper.js), small: it builds paths, hands over, and never decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VERIFY_S, FAILED_S, LATE_S = 0.5, 20.0, 5.0


@dataclass(eq=False)
class Path:
    """One MediaPath: `key` says between which pages, or that it is the server's."""

    engine: str
    key: tuple[str, ...]
    opened_s: float
    state: str = "connecting"
    # On the server: whether the offer was answered, and the leg stands.
    leg: bool = False
    works_s: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """`peer_page` is '' while nobody else is there."""

    rev: int
    route: str
    warm: str
    inside: bool
    peers: int
    peer_page: str
    move: Any = None
    advice: Any = None


class Page:
    """One page load. `world` carries its messages and its media. A `control` makes it the wrong page."""

    def __init__(self, world: Any, name: str, page: str, control: str = "") -> None:
        self.world, self.name, self.page, self.control = world, name, page, control
        self.snapshot: Snapshot | None = None
        self.used: Path | None = None
        self.next: Path | None = None
        self.old: list[tuple[Path, float]] = []
        self.told = ("", "")

    @property
    def paths(self) -> list[Path]:
        return [path for path in (self.used, self.next) if path] + [path for path, _ in self.old]

    def receive(self, snapshot: Snapshot, now: float) -> None:
        """A snapshot that is not older than the one shown is the truth, whole."""
        newer = self.snapshot is None or snapshot.rev >= self.snapshot.rev
        if newer:
            self.snapshot = snapshot
            self.follow(now)

    def wanted(self, engine: str) -> tuple[str, ...]:
        assert self.snapshot
        if engine == "p2p":
            return ("p2p", *sorted((self.page, self.snapshot.peer_page)))
        return (engine,)

    def follow(self, now: float) -> None:
        state = self.snapshot
        if state is None or not state.inside or state.route not in ("p2p", "sfu") or state.peers == 0:
            self.used = self.next = None
            self.old.clear()
            return
        key = self.wanted(state.route)
        if self.used is not None and self.used.key == key:
            self.follow_warm(now)
        elif self.next is not None and self.next.key == key:
            self.step(now)
        else:
            path = Path(state.route, key, now)
            beside = self.used is not None and self.used.state == "connected" and self.used.engine != state.route
            if beside:
                self.next = path
            else:
                self.used, self.next = path, None

    def follow_warm(self, now: float) -> None:
        state = self.snapshot
        assert state
        if not state.warm or state.warm == state.route:
            self.next = None
        elif self.next is None or self.next.key != self.wanted(state.warm):
            self.next = Path(state.warm, self.wanted(state.warm), now)

    def step(self, now: float) -> None:
        """Every half second: what became of the paths, and whether the one beside takes over."""
        for path in self.paths:
            works = self.world.carries(self, path)
            path.works_s = (now if path.works_s is None else path.works_s) if works else None
            if path.works_s is not None and now - path.works_s >= VERIFY_S:
                path.state = "connected"
            elif path.state == "connected" and not works:
                path.state = "lost"
            elif path.state == "connecting" and now - path.opened_s > FAILED_S:
                path.state = "failed"
        if self.next is not None and self.snapshot is not None and self.used is not None:
            wanted = self.next.key == self.wanted(self.snapshot.route) or self.control == "follows_proposals"
            if wanted and (self.next.state == "connected" or self.used.state != "connected"):
                self.old.append((self.used, now + LATE_S))
                self.used, self.next = self.next, None
                if self.control != "follows_proposals":
                    self.follow(now)
        self.old = [(path, until) for path, until in self.old if now < until]
        if self.used is None:
            return
        told = state, engine = self.used.state, self.used.engine if self.used.state == "connected" else ""
        if told != self.told and self.world.sockets[self.name]:
            self.told = told
            self.world.send_server(self.name, lambda: self.world.hear_path(self, state, engine))

    def report(self) -> None:
        """Every two seconds: what is measured of each path that stands."""
        for path, warm in ((self.used, False), (self.next, True)):
            if path is not None and path.state == "connected":
                score = self.world.score(self.name, path.engine)
                self.world.send_server(
                    self.name, lambda engine=path.engine, warm=warm, s=score: self.world.hear(self, engine, warm, s)
                )

    def answers(self, now: float) -> None:
        """The person behind it reads the question and answers in their own time."""
        move = self.snapshot.move if self.snapshot else None
        if move is not None and move.state == "asking" and self.name in move.asks:
            self.world.answer(self)
