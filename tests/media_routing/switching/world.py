"""Two pages, a server and everything between them that can go wrong, in simulated time: a seed is a visit.

Messages between page and server are lost, doubled and reordered; a lost one ends the socket sooner or later, and the page says
hello again. People leave, come back, reload and are joined by a third at any moment; the two networks turn bad and good;
the database is away now and then, and the server process starts anew. Then it gets calm, and `outcome` says what became of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from media_routing.api import Decision, Facts, Measured, Move, Release, Switching, Tell, Times, Visit, decide
from tests.media_routing.switching.pages import Page, Path, Snapshot

STORM_S, CALM_S = 60.0, 75.0
NAMES = ("anna", "paul")
# Quicker than in life, in proportion: a storm of a minute has several moves in it.
TIMES = Times(good_s=8, gap_s=8, pause_s=6, steady_s=3, try_back_s=10, settle_s=2, word_s=8)


@dataclass
class Database:
    route: str = "p2p"
    rev: int = 1
    inside: set[str] = field(default_factory=lambda: set(NAMES))
    answers: dict[str, str] = field(default_factory=dict)
    recording: bool = False
    rows: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)


class World:
    def __init__(self, seed: int, control: str = "") -> None:
        self.rng, self.now, self.control = Random(seed), 0.0, control
        self.profile = self.rng.choice(["gdpr", "gdpr", "kbv"])
        self.db = Database()
        self.machine = Switching(0.0, TIMES)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.storm = True
        self.pages: dict[str, Page | None] = dict.fromkeys(NAMES)
        self.sockets: dict[str, int] = dict.fromkeys(NAMES, 0)  # 0: none; else which one
        self.sent: dict[str, Any] = {}
        self.legs: dict[str, Path] = {}
        self.net: dict[str, str] = {"p2p": "good", "sfu": "good"}
        self.queue: list[Any] = []
        self.busy = False
        for name in NAMES:
            self.load_page(name)
        self.every(0.5, self.step_pages)
        self.every(2.0, self.report)
        self.every(0.5, self.tick)
        self.every(2.0, self.sweep)
        for _ in range(self.rng.randint(3, 14)):
            self.at(self.rng.uniform(0, STORM_S), self.strike)
        self.at(STORM_S, self.calm_down)

    # --- Time ---------------------------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        self.at(self.now + seconds, what)

    def every(self, seconds: float, what: Callable[[], None]) -> None:
        def again() -> None:
            what()
            self.after(seconds, again)

        self.after(self.rng.uniform(0, seconds), again)

    def run(self) -> str:
        end = STORM_S + CALM_S
        while self.events and self.events[0][0] <= end:
            self.now, _, what = heapq.heappop(self.events)
            what()
        return self.outcome()

    # --- What goes wrong ----------------------------------------------------------------------------------------------

    def strike(self) -> None:
        rng, name = self.rng, self.rng.choice(NAMES)
        kind = rng.choice(
            ["net", "net", "net", "leave", "reload", "third", "third_leaves", "record", "restart", "drop", "trouble"]
        )
        if kind == "net":
            self.net[rng.choice(["p2p", "sfu"])] = rng.choice(["good", "bad", "bad", "down"])
        elif kind == "leave" and name in self.db.inside:
            self.change(lambda: self.db.inside.discard(name))
            self.load_page(name, away=True)
            self.after(rng.uniform(1, 20), lambda: self.come_back(name))
        elif kind == "reload" and name in self.db.inside:
            self.load_page(name)
        elif kind == "third":
            self.change(lambda: self.db.inside.add("ina"))
        elif kind == "third_leaves":
            self.change(lambda: self.db.inside.discard("ina"))
        elif kind == "record" and self.profile != "kbv":
            self.change(lambda: setattr(self.db, "recording", not self.db.recording))
        elif kind == "restart":
            self.machine, self.queue, self.legs = Switching(self.now, TIMES), [], {}
            for one in NAMES:
                self.drop(one)
        elif kind == "drop":
            self.drop(name)
        elif kind == "trouble" and self.pages[name]:
            self.send_server(name, lambda: self.do(lambda: self.machine.hear_trouble(name, self.now)))

    def calm_down(self) -> None:
        """From here on messages arrive, everybody stays, and what the networks are they are."""
        self.storm = False
        self.change(lambda: (self.db.inside.discard("ina"), setattr(self.db, "recording", False)))
        for name in NAMES:
            if name not in self.db.inside:
                self.come_back(name)
            self.drop(name)

    def come_back(self, name: str) -> None:
        if name not in self.db.inside:
            self.change(lambda: self.db.inside.add(name))
            self.load_page(name)

    def load_page(self, name: str, *, away: bool = False) -> None:
        self.count += 1
        self.pages[name] = None if away else Page(self, name, f"{name}-{self.count}", self.control)
        self.legs.pop(name, None)
        self.drop(name, back=not away)

    def drop(self, name: str, *, back: bool = True) -> None:
        self.sockets[name] = 0
        if back:
            self.after(self.rng.uniform(0.1, 3 if self.storm else 1), lambda: self.hello(name))

    def hello(self, name: str) -> None:
        if self.pages[name] is not None and not self.sockets[name]:
            self.count += 1
            self.sockets[name] = self.count
            self.sent.pop(name, None)
            page = self.pages[name]
            assert page
            self.machine.hear_page(name, page.page)
            page.told = ("", "")  # it says again how its path is
            self.look(name, must=True)
            for other in NAMES:
                self.look(other)

    # --- Messages -----------------------------------------------------------------------------------------------------

    def deliver(self, what: Callable[[], None], lost: Callable[[], None] = lambda: None) -> None:
        """Lost, doubled and late in a storm; in order and soon when it is calm."""
        if not self.storm:
            self.after(0.05, what)
            return
        if self.rng.random() < 0.1:
            self.after(self.rng.uniform(0.5, 5), lost)
            return
        for _ in range(2 if self.rng.random() < 0.1 else 1):
            self.after(self.rng.uniform(0.01, 1.5), what)

    def send_server(self, name: str, what: Callable[[], None]) -> None:
        socket = self.sockets[name]
        if socket:
            self.deliver(what, lambda: self.drop(name) if self.sockets[name] == socket else None)

    def look(self, name: str, *, must: bool = False) -> None:
        """A socket reads the visit; what is shown is taken before, as it is in life."""
        socket, shown = self.sockets[name], self.machine.shown()
        if not socket:
            return

        def read() -> None:
            page = self.pages[name]
            if self.sockets[name] != socket or page is None:
                return
            self.do(lambda: self.machine.follow(self.visit(), self.now))
            other = self.pages[NAMES[1 - NAMES.index(name)]]
            present = bool(other and self.sockets[other.name] and other.name in self.db.inside)
            snapshot = Snapshot(
                self.db.rev,
                self.db.route,
                shown.warm if shown.warm != self.db.route else "",
                name in self.db.inside,
                len(self.db.inside) - 1,
                other.page if other and present else "",
                shown.move,
                shown.advice,
            )
            on_server = self.db.route == "sfu" or self.machine.shown().server
            for leg in list(self.legs):
                if not on_server or leg not in self.db.inside:
                    self.cut(leg)
            if must or self.sent.get(name) != snapshot:
                self.sent[name] = snapshot

                def arrive() -> None:
                    if self.pages[name] is page:
                        page.receive(snapshot, self.now)

                self.deliver(arrive, lambda: self.drop(name) if self.sockets[name] == socket else None)

        self.after(self.rng.uniform(0.005, 0.05), read)

    def nudge(self) -> None:
        for name in NAMES:
            if not (self.storm and self.rng.random() < 0.2):
                self.look(name)

    def sweep(self) -> None:
        for name in NAMES:
            self.look(name)

    # --- The server ---------------------------------------------------------------------------------------------------

    def facts(self, evidence: Any = "", *, agreed: bool | None = None) -> Facts:
        answers = [self.db.answers.get(name, "") for name in NAMES]
        said = "no" if "no" in answers else "yes" if all(one == "yes" for one in answers) else "unasked"
        consent = said if agreed is None else "yes" if agreed and said != "no" else said
        return Facts(
            participants=len(self.db.inside),
            profile=self.profile,  # type: ignore[arg-type]
            recording="server" if self.db.recording else "",
            sfu_available=True,
            on_server=self.db.route == "sfu",
            browsers_encrypt=True,
            server_consent=consent,  # type: ignore[arg-type]
            evidence=evidence,
        )

    def visit(self) -> Visit:
        here = self.db.inside
        return Visit(
            route=self.db.route if self.db.route in ("p2p", "sfu") else "none",  # type: ignore[arg-type]
            people=frozenset(here),
            present=frozenset(name for name in here if name == "ina" or self.sockets[name]),
            may_use_server=self.db.route == "p2p" and decide(self.facts("direct_failed", agreed=True)).route == "sfu",
            may_return=self.db.route == "sfu" and decide(self.facts("direct_good")).route == "p2p",
            asks=frozenset(NAMES) & here if self.facts().move_asks else frozenset(),
            agreed=frozenset(name for name in here if self.db.answers.get(name) == "yes"),
            declined=frozenset(name for name in here if self.db.answers.get(name) == "no"),
        )

    def change(self, write: Callable[[], object], trigger: str = "changed", evidence: Any = "") -> None:
        """One transaction: what happened, and the route decided anew."""
        write()
        decision: Decision = decide(self.facts(evidence))
        if self.db.route == "sfu" and decision.route == "p2p":
            self.db.answers = {name: answer for name, answer in self.db.answers.items() if answer == "no"}
        self.db.route = decision.route
        self.db.rows.append((trigger, decision.route, tuple(reason.code for reason in decision.reasons)))
        self.db.rev += 1
        self.nudge()

    def do(self, ask: Callable[[], Any]) -> None:
        before = self.machine.shown()
        effects = ask()
        if self.machine.shown() != before and not effects:
            self.nudge()
        self.queue += effects
        if self.queue and not self.busy:
            self.busy = True
            self.after(self.rng.uniform(0.005, 0.3 if self.storm else 0.02), self.carry_out)

    def carry_out(self) -> None:
        self.busy = False
        effect, machine = (self.queue.pop(0) if self.queue else None), self.machine
        away = self.storm and self.rng.random() < 0.1
        match effect:
            case Tell(trigger, reason) if not away:
                self.db.rows.append((trigger, self.db.route, (reason.code,)))
                self.db.rev += 1
                self.nudge()
            case Tell():
                self.nudge()
            case Move(to, trigger, evidence):
                if not away and self.db.route != to:
                    self.change(lambda: None, trigger, evidence)
                if self.db.route != to:
                    self.do(lambda: machine.move_failed(self.now))
            case Release():
                for name in list(self.legs):
                    self.cut(name)
        if self.queue:
            self.do(list)

    def tick(self) -> None:
        self.do(lambda: self.machine.tick(self.now))

    def hear(self, page: Page, engine: str, warm: bool, score: int) -> None:
        if self.pages[page.name] is page and self.sockets[page.name]:
            self.do(lambda: self.machine.hear_quality(page.name, Measured(engine, warm, score, score), self.now))

    def hear_path(self, page: Page, state: str, engine: str) -> None:
        if self.pages[page.name] is page and self.sockets[page.name]:
            self.do(lambda: self.machine.hear_path(page.name, state, engine, self.now))

    def answer(self, page: Page) -> None:
        name, said = page.name, "no" if self.rng.random() < 0.2 else "yes"

        def write() -> None:
            move = self.machine.shown().move
            if move is not None and move.state == "asking" and self.db.answers.get(name, "") == "":
                self.db.answers[name] = said
                self.db.rows.append(("answered", self.db.route, (f"said_{said}",)))
                self.db.rev += 1
                self.nudge()

        self.after(self.rng.uniform(1, 4), lambda: self.send_server(name, write))

    # --- Media --------------------------------------------------------------------------------------------------------

    def carries(self, page: Page, path: Path) -> bool:
        """Whether this path carries media now: both ends of it are there and the network is."""
        if self.net[path.engine] == "down":
            return False
        if path.engine == "sfu":
            if self.legs.get(page.name) is path:
                return True
            self.offer(page, path)
            return False
        other = self.pages[NAMES[1 - NAMES.index(page.name)]]
        return other is not None and any(one.key == path.key for one in other.paths)

    def offer(self, page: Page, path: Path) -> None:
        if not self.sockets[page.name]:
            return

        def ask() -> None:
            allowed = page.name in self.db.inside and (self.db.route == "sfu" or self.machine.warm == "sfu")
            if allowed and self.pages[page.name] is page and path in page.paths:
                self.legs[page.name] = path

        self.send_server(page.name, ask)

    def cut(self, name: str) -> None:
        self.legs.pop(name, None)

    def score(self, name: str, engine: str) -> int:
        return {"good": 90, "bad": 20, "down": 0}[self.net[engine]]

    def step_pages(self) -> None:
        for page in list(self.pages.values()):
            if page is not None:
                page.step(self.now)
                page.answers(self.now)

    def report(self) -> None:
        for page in list(self.pages.values()):
            if page is not None:
                page.report()

    # --- What became of it --------------------------------------------------------------------------------------------

    def outcome(self) -> str:
        """'media', 'poor' or 'told'; anything else is what went wrong."""
        pages = [page for page in self.pages.values() if page]
        if len(pages) < 2 or self.db.route == "none":
            return f"nobody there: {self.db}"
        engines = [page.used.engine if page.used else "-" for page in pages]
        states = [page.used.state if page.used else "-" for page in pages]
        if engines != [self.db.route] * 2:
            return f"paths {engines} on route {self.db.route}"
        if pages[0].used.key != pages[1].used.key:  # type: ignore[union-attr]
            return "two paths that are not the same"
        if states == ["connected"] * 2:
            return "media" if self.net[self.db.route] == "good" else "poor"
        other = "p2p" if self.db.route == "sfu" else "sfu"
        said = [page.snapshot.advice.code if page.snapshot and page.snapshot.advice else "" for page in pages]
        asked = self.machine.state == "asking"
        if said == ["use_phone"] * 2 or said == ["poor_and_declined"] * 2 or asked:
            return "told"
        return f"no media and no word: {engines} {states} net {self.net} advice {said} other {other}"
