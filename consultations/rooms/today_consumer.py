"""Tells an open Today page that something changed (docs/PROTOCOL.md). The page then fetches its list over HTTP."""

from typing import Any

from channels.db import database_sync_to_async

from consultations.rooms.nudges import clinic_group, user_group
from consultations.rooms.signaling import CLOSE_NOT_SIGNED_IN
from consultations.rooms.sockets import GuardedSocket
from consultations.rooms.sweeps import DayQuestion, answer_days, clinic_ids
from consultations.rooms.tickets import NoEntry, staff_user
from telemed.accounts.models import User


class TodayConsumer(GuardedSocket):
    session_key = ""
    clinic_ids: frozenset[str] = frozenset()
    user_id = ""

    async def enter(self) -> None:
        self.session_key = getattr(self.scope.get("session"), "session_key", "") or ""
        user, self.clinic_ids = await database_sync_to_async(self._look)()
        self.language, self.user_id = user.language, user.public_id
        await self.channel_layer.group_add(user_group(self.user_id), self.channel_name)
        for clinic_id in self.clinic_ids:
            await self.channel_layer.group_add(clinic_group(clinic_id), self.channel_name)
        # What changed between drawing the list and listening was told to nobody.
        await self.send_json({"type": "today", "event": "changed"})

    async def handle_text(self, text: str) -> None:
        """The page only pings, to keep proxies from closing an idle socket; whatever it says is not read."""

    def question(self) -> DayQuestion:
        return DayQuestion(self.session_key, self.clinic_ids)

    answer_all = staticmethod(answer_days)

    async def take_answer(self, answer: frozenset[str]) -> None:
        for clinic_id in self.clinic_ids - answer:
            await self.channel_layer.group_discard(clinic_group(clinic_id), self.channel_name)
        for clinic_id in answer - self.clinic_ids:
            await self.channel_layer.group_add(clinic_group(clinic_id), self.channel_name)
        self.clinic_ids = answer

    async def gone(self) -> None:
        if self.user_id:
            await self.channel_layer.group_discard(user_group(self.user_id), self.channel_name)
        for clinic_id in self.clinic_ids:
            await self.channel_layer.group_discard(clinic_group(clinic_id), self.channel_name)

    async def day_changed(self, event: dict[str, Any]) -> None:
        await self.send_json({"type": "today", "event": event["event"]})

    async def session_ended(self, event: dict[str, Any]) -> None:
        if event["keys"] is None or self.session_key in event["keys"]:
            await self.shut(CLOSE_NOT_SIGNED_IN)

    def _look(self) -> tuple[User, frozenset[str]]:
        user = staff_user(self.session_key)
        if user is None:
            raise NoEntry(CLOSE_NOT_SIGNED_IN)
        return user, clinic_ids(user)
