"""What one socket has to do with the media server: its person's offers, views and events."""

import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from channels.db import database_sync_to_async

from consultations.rooms import protocol
from consultations.rooms.desk import Desk, View
from consultations.rooms.limits import TokenBucket
from consultations.rooms.media import server_refusal
from consultations.rooms.protocol.talk import RECORDER
from consultations.rooms.recorder.desk import recorder_desk
from consultations.rooms.refusals import Refused
from consultations.rooms.snapshot import admitted_people
from consultations.rooms.switch_desk import switch_desk
from consultations.rooms.switchboard import Deliver, switchboard
from consultations.rooms.worst_quality import WorstOfTen
from media_routing import api

# An offer costs the server a DTLS handshake; a page makes one, and one per ICE restart.
OFFERS_PER_S, OFFERS_BURST = 0.5, 6
# Every word said goes to up to seven people. A newcomer gets the whole chat in some twenty.
WORDS_PER_S, WORDS_BURST = 5.0, 40
# When the eighth person comes, a page exchanges some six messages about keys with each of seven others.
KEYS_PER_S, KEYS_BURST = 20.0, 120
# Parts of a picture: 30 kB each. 270 kB/s, so that 3 MB take twelve seconds and nobody fills the process's queues.
PARTS_PER_S, PARTS_BURST = 9.0, 16
# A page reports two paths every two seconds at most; a person presses a button.
REPORTS_PER_S, REPORTS_BURST = 2.0, 12
TROUBLES_PER_S, TROUBLES_BURST = 0.1, 3
# What the engine refuses for a reason of its own is told as it is; the rest only that it did not work.
_TOLD: Final = frozenset({"sfu_full", "sfu_draining", "bad_sdp"})

Run = Callable[[Coroutine[Any, Any, None]], None]


class MediaSide:
    """One per socket. `send` is the socket's own, and fails quietly when the page is gone; `run` runs it beside the rest."""

    def __init__(self, code: str, send: Callable[[dict[str, Any]], Coroutine[Any, Any, None]], run: Run) -> None:
        self._code, self._send, self._run = code, send, run
        now_s = time.monotonic()
        self._offers = TokenBucket(OFFERS_PER_S, OFFERS_BURST, now_s)
        self._words = TokenBucket(WORDS_PER_S, WORDS_BURST, now_s)
        self._keys = TokenBucket(KEYS_PER_S, KEYS_BURST, now_s)
        self._parts = TokenBucket(PARTS_PER_S, PARTS_BURST, now_s)
        self._reports = TokenBucket(REPORTS_PER_S, REPORTS_BURST, now_s)
        self._troubles = TokenBucket(TROUBLES_PER_S, TROUBLES_BURST, now_s)
        self._worst = WorstOfTen()
        self._answered: dict[str, Any] = {"id": ""}

    def may_say(self, message: protocol.Message) -> bool:
        """Return whether this page may say one more thing now. Keys are counted apart: a talker must not lock others out."""
        body = message.body if isinstance(message, protocol.Say) else None
        bucket = {protocol.Keys: self._keys, protocol.Part: self._parts}.get(type(body), self._words)
        return bucket.take(time.monotonic())

    def refusal(self, desk: Desk) -> api.ServerRefusal:
        """Return what the server says to taking in this visit."""
        return server_refusal(self._code, desk.ticket.participant.room.seats)

    async def offer(self, desk: Desk, message: protocol.SfuOffer) -> dict[str, Any]:
        """Return the reply to an offer; raise Refused. The last one is remembered: a repeat is answered and not done again."""
        if self._answered["id"] == message.id:
            return self._answered
        if not self._offers.take(time.monotonic()):
            raise Refused("too_many_messages")
        terms = await database_sync_to_async(desk.media_terms)(warm=self.shown.warm)
        recorder_desk().before_join(self._code, desk.ticket.participant_id)
        try:
            answer = await switchboard().join(self._code, desk.ticket, message, terms, self.deliver)
        except api.MediaRefused as refused:
            raise Refused(refused.code if refused.code in _TOLD else "try_again") from None
        recorder_desk().joined(self._code)
        self._answered = {"type": "reply", "id": message.id, "ok": True, "sdp": answer.sdp, "slots": answer.slots}
        return self._answered

    @property
    def shown(self) -> api.Shown:
        """What the visit's snapshots carry of the path that is tried, and of what limits."""
        return switch_desk().shown(self._code)

    async def report(self, desk: Desk, message: protocol.Path | protocol.Quality) -> None:
        """A page tells how its path is. More than may be said is not heard."""
        me = desk.ticket.participant_id
        if isinstance(message, protocol.Path):
            switch_desk().hear_path(self._code, me, message.report)
        elif not self._reports.take(time.monotonic()):
            return
        else:
            switch_desk().hear_quality(self._code, me, message.report)
            kept = self._worst.take(message.report, time.monotonic())
            if kept is None:
                return
            message = protocol.Quality(*kept)
        await database_sync_to_async(desk.act)(message)

    def may_ask(self, desk: Desk, message: protocol.Message) -> None:
        """Raise Refused for what nobody asked, and for who complains all the time."""
        if isinstance(message, protocol.MoveAnswer) and not switch_desk().asks(self._code, desk.ticket.participant_id):
            raise Refused("nothing_asked")
        if isinstance(message, protocol.Trouble) and not self._troubles.take(time.monotonic()):
            raise Refused("too_many_messages")

    def refused(self, refused: Refused) -> None:
        """An action was refused: what it lacked may be asked for."""
        if refused.code == "server_needs_yes":
            switch_desk().ask_for_third(self._code)

    def show(self, desk: Desk, message: protocol.SfuView) -> None:
        switchboard().set_wants(self._code, desk.ticket, message.wants)

    @property
    def deliver(self) -> Deliver:
        return self._deliver

    def arrived(self, desk: Desk, view: View) -> None:
        """The page said hello: what its person's media have to say comes to this socket from now on."""
        switch_desk().hear_page(self._code, desk.ticket.participant_id, view.viewer.page)
        if view.viewer.admitted:
            switchboard().attach(self._code, desk.ticket, self._deliver)

    def looked(self, desk: Desk, view: View) -> None:
        """The room was read anew: media only for those who are inside."""
        switch_desk().follow(view.facts, desk.ticket.participant.room_id, self.refusal(desk))
        on_server = view.viewer.room_state == "live" and (view.viewer.route == "sfu" or self.shown.server)
        inside = [person.id for person in admitted_people(view.facts)] if on_server else []
        switchboard().keep_only(self._code, inside, revision=view.revision)
        recorder_desk().follow(view.facts)

    def doing(self, message: protocol.Message) -> AbstractContextManager[None]:
        """What may end a recording closes it first, in this turn of the loop; whether it goes on is asked afterwards."""
        match message:
            case protocol.Consent() if message.ends_capture:
                return recorder_desk().closed(self._code)
            case protocol.Recording() | protocol.Admit() | protocol.Finish():
                return recorder_desk().closed(self._code)
        return nullcontext()

    def take_keys(self, desk: Desk, page: str, keys: Mapping[str, object]) -> list[dict[str, Any]]:
        """Return what the recorder of this visit answers, ready to be sent."""
        answers = recorder_desk().take_keys(self._code, desk.ticket.participant_id, page, keys)
        said = {"type": "said", "from": RECORDER, "body": {"kind": "keys", "keys": {"items": answers}}}
        return [said] if answers else []

    def done(self, desk: Desk, message: protocol.Message) -> None:
        """An action was done: media that it ends, end now and not with the next look at the room."""
        match message:
            case protocol.Leave():
                switchboard().drop(self._code, desk.ticket.participant_id)
            case protocol.Remove(_, target, _) | protocol.AdmitDevice(_, target, _):
                switchboard().drop(self._code, target)
            case protocol.Finish():
                switchboard().close_room(self._code)
            case protocol.Trouble():
                switch_desk().hear_trouble(self._code, desk.ticket.participant_id)

    def lost_right(self, desk: Desk) -> None:
        """The socket is closed because its person may not be here."""
        switchboard().drop_ticket(self._code, desk.ticket)

    def gone(self, desk: Desk) -> None:
        """The socket is closed; the media go on."""
        switchboard().detach(self._code, desk.ticket, self._deliver)

    def _deliver(self, event: dict[str, Any]) -> None:
        self._run(self._send(event))
