"""Signaling of one visit (docs/PROTOCOL.md). Thin: decode, ask `signaling`, act, send to the ONE addressed seat.

The socket caches what its person may do (`viewer`). Relaying a signal uses only that cache; a nudge or the sweep
renews it; every action reads the database again. Streams, sequence numbers and repeats are the browsers' business.
"""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.conf import settings

from consultations.rooms import protocol, signaling
from consultations.rooms.desk import Desk, View
from consultations.rooms.media_side import MediaSide
from consultations.rooms.nodes.pins import Entrance, NoNode, moved_to, visit_path
from consultations.rooms.nudges import asking_group, seat_group, user_group
from consultations.rooms.protocol import ProtocolError
from consultations.rooms.refusals import Refused
from consultations.rooms.signaling import (
    CLOSE_ENDED,
    CLOSE_HELLO_TIMEOUT,
    CLOSE_MOVED,
    CLOSE_NOT_ALLOWED,
    CLOSE_NOT_SIGNED_IN,
    CLOSE_REPLACED,
)
from consultations.rooms.sockets import GuardedSocket
from consultations.rooms.sweeps import Moved, VisitQuestion, answer_visits
from consultations.rooms.tickets import take_ticket

# Sockets of one seat: the newest two may be open, so that a page can connect while its old socket dies.
MAX_SOCKETS = 2
MAX_REMEMBERED_REPLIES = 64
_RIGHT_LOST = frozenset({CLOSE_NOT_SIGNED_IN, CLOSE_NOT_ALLOWED, CLOSE_ENDED})
# RFC 6455 §7.4.1 (IANA): come back later.
_TRY_AGAIN_LATER = 1013


class VisitConsumer(GuardedSocket):
    desk: Desk | None = None
    view: View | None = None
    page = ""
    group = ""

    async def enter(self) -> None:
        self._loading = asyncio.Lock()
        self._replies: dict[str, dict[str, Any]] = {}
        self._newer_sockets = 0
        self._opened_ns = time.time_ns()
        self._said_hello_ns = 0
        self._pinged = False
        self._last_path: tuple[str, str] | None = None
        session = self.scope.get("session")
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        self._entrance: Entrance = "seat" if query.get("as") == ["seat"] else "staff"
        ticket = await database_sync_to_async(take_ticket)(
            cookies=self.scope.get("cookies", {}),
            session_key=getattr(session, "session_key", "") or "",
            code=self.room_code,
            seat_only=self._entrance == "seat",
        )
        try:
            elsewhere = await database_sync_to_async(moved_to)(ticket.participant.room_id)
        except NoNode:
            return await self.shut(_TRY_AGAIN_LATER)
        if elsewhere is not None:
            return await self._move(elsewhere)
        self.desk = Desk(ticket)
        self._media = MediaSide(self.room_code, self.send_quietly, self.spawn)
        self.language = ticket.language
        if ticket.user:
            await self.channel_layer.group_add(user_group(ticket.user.public_id), self.channel_name)
        await self._sit(await database_sync_to_async(self.desk.device_state)())
        await self._tell_own_sockets("seat.opened")
        self.spawn(self._wait_for_hello())

    async def handle_text(self, text: str) -> None:
        try:
            message = protocol.parse(text)
        except ProtocolError as error:
            if error.fatal:
                await self.shut(signaling.CLOSE_BAD_MESSAGE)
            else:
                await self.send_error(error.code, error.request_id)
            return
        if self.view is None:
            if isinstance(message, protocol.Hello):
                await self._hello(message)
            else:
                await self.send_error("hello_first", str(getattr(message, "id", "")))
            return
        effect = signaling.decide(self.view.viewer, message)
        match effect:
            case signaling.Relay(to, relayed):
                await self.channel_layer.group_send(seat_group(to), {"type": "seat.deliver", "message": relayed})
            case signaling.Spread() if not self._media.may_say(message):
                await self.send_error("too_many_messages")
            case signaling.Spread(peers, said):
                for to in peers:
                    await self.channel_layer.group_send(seat_group(to), {"type": "seat.deliver", "message": said})
            case signaling.ToRecorder() if not self._media.may_say(message):
                await self.send_error("too_many_messages")
            case signaling.ToRecorder(keys):
                assert self.desk
                for answer in self._media.take_keys(self.desk, self.page, keys):
                    await self.send_json(answer)
            case signaling.Refuse(code, request_id):
                await self.send_error(code, request_id)
            case signaling.Close(code):
                await self.shut(code)
            case signaling.Act(act):
                await self._act(act)

    @property
    def room_code(self) -> str:
        return str(self.scope["url_route"]["kwargs"]["code"])

    def question(self) -> VisitQuestion:
        assert self.desk
        pinged, self._pinged = self._pinged, False
        stale = self.view is not None and self.view.shown != self._media.shown
        return VisitQuestion(self.desk, self.view, self.page, pinged, stale)

    answer_all = staticmethod(answer_visits)

    async def take_answer(self, answer: Moved | bool) -> None:
        if isinstance(answer, Moved):
            await self._move(answer.url)
        else:
            await self._renew()

    async def gone(self) -> None:
        if self.desk is None:
            return
        self._media.gone(self.desk)
        for group in (self.group, user_group(self.desk.ticket.user.public_id) if self.desk.ticket.user else ""):
            if group:
                await self.channel_layer.group_discard(group, self.channel_name)
        if self.view and self.view.viewer.device_active:
            await database_sync_to_async(self.desk.step_away)(self.view, self.page)

    # --- Messages -----------------------------------------------------------------------------------------------------

    async def _hello(self, message: protocol.Hello) -> None:
        assert self.desk
        self.page, self._said_hello_ns = message.page, time.time_ns()
        await self._tell_own_sockets("seat.taken")
        async with self._loading:
            refusal = self._media.refusal(self.desk)
            view = await database_sync_to_async(self.desk.arrive)(
                self.page, server_refusal=refusal, shown=self._media.shown
            )
            await self._take_view(view)
        await self.send_json(
            {
                "type": "welcome",
                "you": view.viewer.participant,
                "rev": view.revision,
                "state": view.snapshot,
                "server_time_ms": int(time.time() * 1000),
            }
        )
        self._media.arrived(self.desk, view)
        await self._close_if_over()

    async def _act(self, message: protocol.Message) -> None:
        assert self.desk
        assert self.view
        if isinstance(message, protocol.Ping):
            self._pinged = self.view.viewer.device_active  # the next sweep notes it, with everybody else's
            await self.send_json({"type": "pong", "rev": self.view.revision})
            if message.rev < self.view.revision:
                await self._send_state()
            return
        if isinstance(message, protocol.Path):
            seen = (message.report.state, message.report.route)
            if seen != self._last_path:
                self._last_path = seen
                await self._media.report(self.desk, message)
            return
        if isinstance(message, protocol.Quality):
            await self._media.report(self.desk, message)
            return
        if isinstance(message, protocol.SfuView):
            self._media.show(self.desk, message)
            return
        request_id = message.id  # type: ignore[union-attr]
        try:
            reply = self._replies.get(request_id) or await self._do(self.desk, message)
        except Refused as refused:
            self._media.refused(refused)
            await self.send_error(refused.code, request_id)
            await self._renew()
            return
        await self.send_json(reply)

    async def _do(self, desk: Desk, message: protocol.Message) -> dict[str, Any]:
        """Do what a request asks and return its reply; raise Refused."""
        if isinstance(message, protocol.SfuOffer):
            return await self._media.offer(desk, message)
        self._media.may_ask(desk, message)
        refusal = self._media.refusal(desk)
        with self._media.doing(message):
            answer = await database_sync_to_async(desk.act)(message, server_refusal=refusal)
        self._media.done(desk, message)
        request_id = message.id  # type: ignore[union-attr]
        reply = {"type": "reply", "id": request_id, "ok": True, **answer}
        if not isinstance(message, protocol.IceServers):  # credentials are not kept
            self._replies[request_id] = reply
            if len(self._replies) > MAX_REMEMBERED_REPLIES:
                del self._replies[next(iter(self._replies))]
        return reply

    # --- Events from the channel layer -----------------------------------------------------------------------------------

    async def seat_deliver(self, event: dict[str, Any]) -> None:
        # The sender's cache may be older than ours: who is not inside gets nothing (CLIN-2).
        if self.view and self.view.viewer.admitted:
            await self.send_json(event["message"])

    async def room_changed(self, event: dict[str, Any]) -> None:
        async with self._boundary():
            await self._renew()

    async def session_ended(self, event: dict[str, Any]) -> None:
        if self.desk and (event["keys"] is None or self.desk.ticket.session_key in event["keys"]):
            await self.shut(CLOSE_NOT_SIGNED_IN)

    async def seat_opened(self, event: dict[str, Any]) -> None:
        if self._is_sibling(event) and (self._opened_ns, self.channel_name) < (event["opened_ns"], event["channel"]):
            self._newer_sockets += 1
            if self._newer_sockets >= MAX_SOCKETS:
                await self.shut(CLOSE_REPLACED)

    async def seat_taken(self, event: dict[str, Any]) -> None:
        # The last hello wins. Two that come together must not close each other, nor the first the one still to speak.
        mine, theirs = (self._said_hello_ns, self.channel_name), (event["said_hello_ns"], event["channel"])
        if self.page and self._is_sibling(event) and mine < theirs:
            await self.shut(CLOSE_REPLACED)

    def _is_sibling(self, event: dict[str, Any]) -> bool:
        assert self.desk
        return bool(event["device"] == self.desk.ticket.device_id and event["channel"] != self.channel_name)

    # --- The cached view ---------------------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        """Read again what this person may see and do; send it if it is not what they saw last."""
        if self.desk is None:
            return
        async with self._loading:
            if self.view is None:  # hello will read it; only look whether the ticket still holds
                await self._sit(await database_sync_to_async(self.desk.device_state)())
                return
            shown = self.view.snapshot
            view = await database_sync_to_async(self.desk.look)(self.page, shown=self._media.shown)
            await self._take_view(view)
        if view.snapshot != shown:
            await self._send_state()
        await self._close_if_over()

    async def _take_view(self, view: View) -> None:
        assert self.desk
        self._media.looked(self.desk, view)
        await self._sit(view.device_state)
        self.view = view

    async def _sit(self, device_state: str) -> None:
        """Be in the group that fits: signals for a seat reach only the device that holds it."""
        assert self.desk
        name = seat_group if device_state == "active" else asking_group
        group = name(self.desk.ticket.participant_id)
        if group != self.group:
            if self.group:
                await self.channel_layer.group_discard(self.group, self.channel_name)
            await self.channel_layer.group_add(group, self.channel_name)
            self.group = group

    async def shut(self, code: int) -> None:
        if code in _RIGHT_LOST and self.desk is not None and not self.is_closed:
            self._media.lost_right(self.desk)
        await super().shut(code)

    async def _send_state(self) -> None:
        assert self.view
        await self.send_json({"type": "state", "rev": self.view.revision, "state": self.view.snapshot})

    async def _close_if_over(self) -> None:
        assert self.view
        closed = signaling.gate(self.view.viewer)
        if closed:
            await self.shut(closed.code)

    async def _tell_own_sockets(self, kind: str) -> None:
        assert self.desk
        event = {
            "type": kind,
            "device": self.desk.ticket.device_id,
            "channel": self.channel_name,
            "opened_ns": self._opened_ns,
            "said_hello_ns": self._said_hello_ns,
        }
        await self.channel_layer.group_send(self.group, event)

    async def _move(self, url: str) -> None:
        """Lead the page to the rtc process that serves the visit (docs/OPERATIONS.md)."""
        await self.send_json({"type": "moved", "ws_url": url + visit_path(self.room_code, self._entrance)})
        await self.shut(CLOSE_MOVED)

    async def _wait_for_hello(self) -> None:
        await asyncio.sleep(settings.SIGNALING_HELLO_TIMEOUT_S)
        # Said is enough: a busy database must not turn people away who were in time.
        if not self.page:
            await self.shut(CLOSE_HELLO_TIMEOUT)
