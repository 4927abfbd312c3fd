"""Watches the paths of this process's visits and moves them (media_routing/policy/switching.py decides when).

    sockets ── quality, path, trouble ──▶ SwitchDesk ── Switching (pure) ──▶ effects ──▶ actions/moving.py, in order
    a look at the visit ──── follow ────▶     │
    snapshots ◀───────────── shown ───────────┘

Everything of a visit runs in its rtc process. After a restart it is found as the database has it: what was tried is
forgotten, what was answered is not.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from consultations.rooms.actions import moving
from consultations.rooms.facts import RoomFacts
from consultations.rooms.lifecycle import LIVE
from consultations.rooms.media import server_load_percent
from consultations.rooms.nudges import seat_group
from consultations.rooms.policy_facts import ASKED_ROLES, policy_facts
from consultations.rooms.protocol import PathReport, QualityReport
from consultations.rooms.snapshot import admitted_people
from consultations.rooms.switchboard import switchboard
from media_routing import api

logger = logging.getLogger(__name__)

TICK_S: Final = 0.5
# A visit nobody said anything about for so long is forgotten; the next look finds it again.
FORGET_AFTER_S: Final = 300.0


Ask = Callable[[api.Switching, float], list[api.Effect]]


@dataclass(eq=False)
class Run:
    """One visit that is watched."""

    code: str
    room_pk: int
    machine: api.Switching
    heard_s: float
    revision: int = 0
    refusal: api.ServerRefusal = ""
    people: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    # Effects are carried out one after the other.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class SwitchDesk:
    """One per event loop; ticks while there are visits."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None

    def shown(self, code: str) -> api.Shown:
        run = self._runs.get(code)
        return run.machine.shown() if run is not None else api.NOTHING_SHOWN

    def asks(self, code: str, participant_id: str) -> bool:
        """Return whether this person is asked now, or was and the others are."""
        run, move = self._runs.get(code), self.shown(code).move
        return run is not None and move is not None and move.state == "asking" and participant_id in run.asked

    def follow(self, facts: RoomFacts, room_pk: int, refusal: api.ServerRefusal) -> None:
        """The visit was read anew."""
        run, now = self._runs.get(facts.code), time.monotonic()
        if facts.state != LIVE:
            self._runs.pop(facts.code, None)
            return
        if run is None:
            run = self._runs[facts.code] = Run(facts.code, room_pk, api.Switching(now, times()), now)
            self._keep_ticking()
        if facts.revision < run.revision:
            return  # read before something that is known here
        run.revision, run.refusal = facts.revision, refusal
        visit = visit_of(facts, refusal)
        run.people, run.asked = visit.people, visit.asks
        self._do(run, lambda machine, now: machine.follow(visit, now))

    def hear_quality(self, code: str, participant_id: str, report: QualityReport) -> None:
        measured = api.Measured(
            engine=report.engine,
            warm=report.warm,
            audio=report.audio,
            video=report.video,
            audio_factor=report.audio_factor,
            video_factor=report.video_factor,
            loss_out=report.loss_out,
            remedy=report.remedy,
        )
        self._hear(code, lambda machine, now: machine.hear_quality(participant_id, measured, now))

    def hear_path(self, code: str, participant_id: str, report: PathReport) -> None:
        engine = {"server": "sfu", "direct": "p2p", "relay": "p2p"}.get(report.route, "")
        self._hear(code, lambda machine, now: machine.hear_path(participant_id, report.state, engine, now))

    def hear_trouble(self, code: str, participant_id: str) -> None:
        self._hear(code, lambda machine, now: machine.hear_trouble(participant_id, now))

    def hear_page(self, code: str, participant_id: str, page: str) -> None:
        if code in self._runs:
            self._runs[code].machine.hear_page(participant_id, page)

    def ask_for_third(self, code: str) -> None:
        self._hear(code, lambda machine, now: machine.ask_for_third(now))

    # ------------------------------------------------------------------------------------------------------------------

    def _hear(self, code: str, ask: Ask) -> None:
        run = self._runs.get(code)
        if run is not None:
            run.heard_s = time.monotonic()
            self._do(run, ask)

    def _do(self, run: Run, ask: Ask) -> None:
        """Ask the machine, and carry out what it says; whoever is inside looks anew when what they are shown changed."""
        before = run.machine.shown()
        effects = ask(run.machine, time.monotonic())
        changed = run.machine.shown() != before
        if effects or changed:
            self._spawn(self._carry_out(run, effects, changed))

    async def _carry_out(self, run: Run, effects: Sequence[api.Effect], changed: bool) -> None:
        async with run.turn:
            told = [await self._carry_out_one(run, effect) for effect in effects]
        if changed and not any(told):  # an action tells everybody by itself
            layer = get_channel_layer()
            for person in run.people if layer is not None else ():
                await layer.group_send(seat_group(person), {"type": "room.changed"})

    async def _carry_out_one(self, run: Run, effect: api.Effect) -> bool:
        """Return whether everybody was told."""
        try:
            match effect:
                case api.Tell(trigger, reason):
                    await database_sync_to_async(moving.keep_step)(run.room_pk, trigger=trigger, reason=reason)
                    return True
                case api.Move(to, trigger, evidence):
                    moved = await database_sync_to_async(moving.move_route)(
                        run.room_pk,
                        to=to,
                        trigger=trigger,
                        evidence=evidence,
                        server_refusal=run.refusal,
                        server_load_percent=server_load_percent(),
                    )
                    if not moved:
                        self._do(run, lambda machine, now: machine.move_failed(now))
                    return bool(moved)
                case api.Release():
                    switchboard().close_room(run.code)
        except DatabaseError as error:  # calls go on without it (REL-7)
            logger.error("a step of a visit's path could not be stored: %s", type(error).__name__)
            if isinstance(effect, api.Move):
                self._do(run, lambda machine, now: machine.move_failed(now))
        return False

    def _keep_ticking(self) -> None:
        if self._ticking is None or self._ticking.done():
            # A context of its own: it outlives the socket that happened to be first.
            self._ticking = asyncio.get_running_loop().create_task(self._tick(), context=contextvars.Context())

    async def _tick(self) -> None:
        while self._runs:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for run in list(self._runs.values()):
                if now - run.heard_s > FORGET_AFTER_S and run.machine.is_at_rest:
                    self._runs.pop(run.code, None)
                else:
                    self._do(run, lambda machine, now: machine.tick(now))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def times() -> api.Times:
    """The machine's patience as it is set; who wants the way back at once does not want to wait for a steady direct path."""
    usual, back_s, gap_s = api.Times(), settings.SWITCH_BACK_AFTER_S, settings.SWITCH_AT_MOST_EVERY_S
    return replace(usual, good_s=back_s, gap_s=gap_s, pause_s=gap_s, steady_s=min(usual.steady_s, back_s))


def visit_of(facts: RoomFacts, refusal: api.ServerRefusal = "") -> api.Visit:
    """Return what the machine may know of the visit. Pure."""
    inside = admitted_people(facts)

    def weigh(evidence: api.Evidence, *, if_agreed: bool = False) -> api.Facts:
        return policy_facts(
            facts.people,
            inside,
            seats=facts.seats,
            visit_is_group=facts.visit_is_group,
            privacy_class=facts.privacy_class,
            profile=facts.profile,
            recorded=facts.recording is not None and facts.recording.state != "requested",
            relay_only_by_clinic=facts.clinic_relay_only,
            turn_available=facts.turn_available,
            on_server=facts.route == "sfu",
            server_refusal=refusal,
            evidence=evidence,
            if_agreed=if_agreed,
        )

    asks = weigh("").move_asks
    profile = api.PROFILES[facts.quality_profile]
    return api.Visit(
        route=facts.route if facts.route in ("p2p", "sfu") else "none",  # type: ignore[arg-type]
        people=frozenset(person.id for person in inside),
        present=frozenset(person.id for person in inside if person.page),
        may_use_server=facts.route == "p2p" and api.decide(weigh("direct_failed", if_agreed=True)).route == "sfu",
        may_return=facts.route == "sfu" and api.decide(weigh("direct_good")).route == "p2p",
        asks=frozenset(person.id for person in inside if asks and person.role in ASKED_ROLES),
        agreed=frozenset(person.id for person in inside if person.server_answer == "yes"),
        declined=frozenset(person.id for person in inside if person.server_answer == "no"),
        watches=profile.watches,
        frames_count=profile.frames_count,
    )


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, SwitchDesk] = WeakKeyDictionary()


def switch_desk() -> SwitchDesk:
    """Return the desk of the running loop."""
    return _desks.setdefault(asyncio.get_running_loop(), SwitchDesk())
