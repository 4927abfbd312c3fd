"""When a visit between two people changes its path while it runs. One object per visit; pure: `now` is monotonic seconds.

    quality, path, trouble, answers ──▶ Switching ──▶ effects: Tell (a row of the visit's story), Move, Release
    the visit as the database has it ─▶    │
                                           └──▶ shown(): what every snapshot carries (warm path, question, advice)

              unacceptable 5 s                  10 s of it, and measured better by both
    steady ──────────────────────▶ probing ─────────────────────────────────────────────▶ moving ──▶ steady, elsewhere
       │  where people are asked:     │  not better, recovered, out of time                  │ not done in 10 s
       └──────▶ asking ─── all yes ───┘  ▶ steady, and a pause that doubles                  ▼ steady
                  └─── a no: kept; advice

The way back is the same: steady on the server, nothing that needs it, good for 60 s ─▶ probing the direct path ─▶ moving.
What the database says happened, happened: a third person, a recording or a refusal end whatever was under way. Pages only
follow snapshots, so a lost or doubled message costs time and never leaves the two of them on different paths.
"""

from __future__ import annotations

from typing import Literal

from media_routing.policy.decision import Reason, Route
from media_routing.policy.facts import Evidence
from media_routing.policy.measuring import PathMeasured, People
from media_routing.policy.switch_terms import (
    MOST_DOUBLINGS,
    MOVE_WITHIN_S,
    Asked,
    Effect,
    Engine,
    Measured,
    Move,
    Release,
    Shown,
    Tell,
    Times,
    Visit,
)

State = Literal["steady", "asking", "probing", "moving"]


def other(engine: Route) -> Engine:
    return "p2p" if engine == "sfu" else "sfu"


class Switching:
    """The path of one visit over time. Every method returns what is to be done, in order."""

    def __init__(self, now: float, times: Times | None = None) -> None:
        self.times = times or Times()
        self.state: State = "steady"
        self._visit = Visit("none", frozenset(), frozenset())
        self._people = People(self.times, now)
        self._to: Engine = "sfu"
        self._reason = Reason("direct_unacceptable")
        self._since_s = now
        self._changed_s: float | None = None
        self._moves = 0
        self._pauses = 0
        self._next_probe_s = now
        self._linger_until_s: float | None = None
        self._advice: Reason | None = None
        # When a path failed.
        self._failed: dict[Route, float] = {}
        self._advised_s = now

    # --- What comes in ------------------------------------------------------------------------------------------------

    def follow(self, visit: Visit, now: float) -> list[Effect]:
        """The visit was read anew."""
        before, self._visit = self._visit, visit
        self._people.follow(visit.people)
        if visit.route != before.route:
            self._take_route(before.route, now)
        elif self.state in ("asking", "probing", "moving") and not self._is_about_two():
            return [*self._end("people_changed", now, pause=False), *self.tick(now)]
        return self.tick(now)

    def hear_quality(self, person: str, report: Measured, now: float) -> list[Effect]:
        known = self._people.of.get(person)
        if known is None:
            return []
        score = self._people.watched(report, self._visit)
        if not report.warm and report.engine == self._visit.route:
            known.used.take(score, report, now, self.times.stale_s)
            known.path = "connected"  # what is measured stands, whatever was said out of order
        elif report.warm and report.engine == self._to and self.state == "probing":
            known.warm.take(score, report, now, self.times.stale_s)
        return self.tick(now)

    def hear_path(self, person: str, state: str, engine: str, now: float) -> list[Effect]:
        """What a page says of the path it uses: connecting, connected, lost or failed. `engine`: '' where it cannot be told."""
        known = self._people.of.get(person)
        if known is None:
            return []
        if state == "connected" and engine not in ("", self._visit.route):
            state = "connecting"  # it holds on to the old path, because the decided one does not come about
        broken = ("connecting", "lost")
        # Lost and connecting in turn is broken since the first of them; a repeat changes nothing.
        if state != known.path and not (state in broken and known.path in broken):
            known.path_s = now
        known.path = state
        return self.tick(now)

    def hear_page(self, person: str, page: str) -> None:
        """A page says hello. Another page than before: what the last one said of its path is over."""
        known = self._people.of.get(person)
        if known is not None and known.page != page:
            known.page, known.path, known.used, known.warm = page, "", PathMeasured(), PathMeasured()

    def hear_trouble(self, person: str, now: float) -> list[Effect]:
        """Somebody says that they do not hear or see: as ten seconds of unacceptable numbers, whatever the numbers are."""
        known = self._people.of.get(person)
        if known is None:
            return []
        known.word_s, known.word_until_s = now, now + self.times.word_s
        return self.tick(now)

    def ask_for_third(self, now: float) -> list[Effect]:
        """Somebody could not be let in before those who are inside agree to the server."""
        if self.state != "steady" or self._visit.route != "p2p" or not self._unanswered:
            return []
        return self._ask(Reason("third_person"), now)

    def move_failed(self, now: float) -> list[Effect]:
        """The route was not changed: somebody's recording, a full server, a database that is away."""
        if self.state != "moving":
            return []
        self._failed[self._to] = now
        return self._end("not_reached", now)

    # --- Time ---------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if self._linger_until_s is not None and now >= self._linger_until_s:
            self._linger_until_s = None
            if self._visit.route == "p2p" and self.warm != "sfu":
                effects.append(Release())
        if self._visit.route == "none" or not self._is_about_two():
            return effects
        self._clear_advice(now)
        match self.state:
            case "steady":
                effects += self._consider(now)
            case "asking":
                effects += self._wait_for_answers(now)
            case "probing":
                effects += self._compare(now)
            case "moving" if now - self._since_s > MOVE_WITHIN_S:
                effects += self.move_failed(now)
        return effects

    # --- What is shown ------------------------------------------------------------------------------------------------

    @property
    def warm(self) -> Engine | Literal[""]:
        wanted = self.state in ("probing", "moving") and self._to != self._visit.route
        return self._to if wanted and self._visit.route != "none" else ""

    def shown(self) -> Shown:
        move = None
        if self.state == "asking":
            move = Asked("sfu", "asking", self._reason, tuple(sorted(self._unanswered)))
        elif self.warm:
            move = Asked(self._to, "probing", self._reason)
        server = self._visit.route == "sfu" or self.warm == "sfu" or self._linger_until_s is not None
        return Shown(self.warm, move, self._advice, server)

    @property
    def is_at_rest(self) -> bool:
        """True when forgetting this object loses nothing but its patience."""
        return self.state == "steady" and self._linger_until_s is None

    # --- Steady -------------------------------------------------------------------------------------------------------

    def _consider(self, now: float) -> list[Effect]:
        visit, times = self._visit, self.times
        if not visit.people <= visit.present:
            return []
        broken_s = self._people.broken_since(now)
        if broken_s is not None and now - broken_s >= times.connect_s:
            return self._rescue(now)
        poor_s = self._people.poor_since(now)
        if poor_s is not None and now - poor_s >= times.probe_after_s:
            return self._try_other(poor_s, now)
        long_good = self._people.good_for(now) >= self._doubled(times.good_s, self._moves)
        may_go_back = visit.route == "sfu" and visit.may_return and long_good
        if may_go_back and now >= self._next_probe_s and self._may_change(now):
            return self._probe("p2p", Reason("direct_tried"), now)
        return []

    def _try_other(self, poor_s: float, now: float) -> list[Effect]:
        """The path in use is bad: try the other one, if there is one."""
        visit = self._visit
        to = other(visit.route)
        words = [name for name, one in self._people.of.items() if one.word_until_s > now]
        code = "person_says_so" if words else "direct_unacceptable" if to == "sfu" else "server_unacceptable"
        reason = Reason(code, self._people.worst(now))
        long = now - poor_s >= self.times.move_after_s
        if to == "sfu" and not visit.may_use_server:
            return self._advise(Reason("poor_and_no_server"), now) if long else []
        if to == "p2p" and not visit.may_return:
            return self._advise(Reason("poor_and_no_server"), now) if long and len(visit.people) == 2 else []
        if to == "sfu" and visit.asks & visit.declined:
            return self._advise(Reason("poor_and_declined"), now) if long else []
        if now < self._next_probe_s or not self._may_change(now):
            return []
        if to == "sfu" and self._unanswered:
            return self._ask(reason, now)
        return self._probe(to, reason, now)

    def _rescue(self, now: float) -> list[Effect]:
        """The path in use carries nothing: the other one at once, where it may be used and has not just failed itself."""
        visit = self._visit
        to = other(visit.route)
        allowed = visit.may_use_server and not visit.asks & visit.declined if to == "sfu" else visit.may_return
        failed_s = self._failed.get(to)
        if not allowed or (failed_s is not None and now - failed_s < self._doubled(self.times.gap_s, self._moves)):
            return self._advise(Reason("use_phone"), now)
        if to == "sfu" and self._unanswered:
            return self._ask(Reason("direct_failed"), now)
        self._failed[visit.route] = now
        return self._move(to, "direct_failed", "direct_failed" if to == "sfu" else "server_failed", now)

    # --- Asking -------------------------------------------------------------------------------------------------------

    @property
    def _unanswered(self) -> frozenset[str]:
        return self._visit.asks - self._visit.agreed - self._visit.declined

    def _ask(self, reason: Reason, now: float) -> list[Effect]:
        self.state, self._to, self._reason, self._since_s = "asking", "sfu", reason, now
        self._people.begin_to_try(now)
        return [Tell("asked", reason)]

    def _wait_for_answers(self, now: float) -> list[Effect]:
        visit = self._visit
        wanted = self._reason.code == "third_person"
        if visit.asks & visit.declined:
            self.state = "steady"
            return [] if wanted else self._advise(Reason("poor_and_declined"), now)
        if not self._unanswered:
            self.state = "steady"
            if self._reason.code == "direct_failed":
                self._failed[visit.route] = now
                return self._move("sfu", "direct_failed", "direct_failed", now)
            return [] if wanted else self._probe("sfu", self._reason, now)
        if not wanted and self._people.good_again(now):
            return self._end("recovered", now, pause=False)
        return []

    # --- Probing ------------------------------------------------------------------------------------------------------

    def _probe(self, to: Engine, reason: Reason, now: float) -> list[Effect]:
        self.state, self._to, self._reason, self._since_s = "probing", to, reason, now
        self._people.begin_to_try(now)
        self._advice = None
        return [Tell("probe", reason)]

    def _compare(self, now: float) -> list[Effect]:
        back = self._reason.code == "direct_tried"
        tried_s = now - self._since_s
        if not (self._visit.may_use_server if self._to == "sfu" else self._visit.may_return):
            return self._end("not_reached", now)
        if back:
            if self._people.all_warm(
                lambda path: path.good_s is not None and now - path.good_s >= self.times.steady_s, now
            ):
                return self._move("p2p", "recovered", "direct_good", now)
            if self._people.poor_since(now) is None and tried_s >= self.times.try_back_s:
                return self._end("direct_not_good", now)
        elif self._people.good_again(now):
            return self._end("recovered", now, pause=False)
        poor_s = self._people.poor_since(now)
        if poor_s is not None and now - poor_s >= self.times.move_after_s and self._people.is_better(now):
            evidence: Evidence = "server_better" if self._to == "sfu" else "direct_good"
            return self._move(self._to, "quality", evidence, now)
        broken_s = self._people.broken_since(now)
        if broken_s is not None and now - broken_s >= self.times.connect_s:
            return self._rescue(now)
        limit_s = self.times.try_back_s if back else self.times.give_up_s
        if tried_s >= limit_s:
            return self._not_better(now)
        return []

    def _not_better(self, now: float) -> list[Effect]:
        """The other path would not help. Whose line is it? Who loses most on the way to the server."""
        measured = {
            name: one.warm for name, one in self._people.of.items() if one.warm.is_fresh(now, self.times.give_up_s)
        }
        if len(measured) < len(self._people.of):
            return self._end("not_reached", now)
        if self._to == "p2p":
            return self._end("not_better", now)
        name = max(sorted(measured), key=lambda one: (measured[one].loss_out, -(measured[one].score or 0)))
        reason = Reason("last_mile", {"participant": name})
        self._advice = reason
        if all(self._people.of[one].used.remedy == "audio_only" for one in measured):
            self._advice = Reason("use_phone")
        return self._end("last_mile", now, reason)

    def _end(self, code: str, now: float, reason: Reason | None = None, *, pause: bool = True) -> list[Effect]:
        self.state = "steady"
        if pause:
            self._next_probe_s = now + self._doubled(self.times.pause_s, self._pauses)
            self._pauses += 1
        return [Tell("probe_ended", reason or Reason(code))]

    # --- Moving -------------------------------------------------------------------------------------------------------

    def _move(self, to: Engine, trigger: str, evidence: Evidence, now: float) -> list[Effect]:
        self.state, self._to, self._since_s = "moving", to, now
        return [Move(to, trigger, evidence)]

    def _take_route(self, before: Route, now: float) -> None:
        """The route is another one now, whoever changed it."""
        ours = self.state == "moving" and self._visit.route == self._to
        if ours:
            self._moves += 1
            self._pauses = 0
        if before != "none" and self._visit.route != "none":
            self._changed_s = now
        self._linger_until_s = now + self.times.linger_s if before == "sfu" and self._visit.route == "p2p" else None
        self.state = "steady"
        if self._advice is not None and self._advice.code != "use_phone":  # that is true until something carries
            self._advice = None
        self._people.take_route(now)

    def _may_change(self, now: float) -> bool:
        if self._changed_s is None:
            return True
        return now - self._changed_s >= self._doubled(self.times.gap_s, max(0, self._moves - 1))

    def _doubled(self, seconds: float, times: int) -> float:
        return seconds * 2.0 ** min(max(0, times), MOST_DOUBLINGS)

    def _is_about_two(self) -> bool:
        return len(self._visit.people) == 2 and self._visit.route != "none"

    # --- Advice -------------------------------------------------------------------------------------------------------

    def _advise(self, reason: Reason, now: float) -> list[Effect]:
        """Say what limits, once for as long as it does."""
        if self._advice == reason:
            return []
        self._advice = reason
        return [Tell("advice", reason)]

    def _clear_advice(self, now: float) -> None:
        if (
            self._advice is None
            or self._people.broken_since(now) is not None
            or self._people.poor_since(now) is not None
        ):
            self._advised_s = now
        elif now - self._advised_s >= self.times.recovered_s:
            self._advice = None
