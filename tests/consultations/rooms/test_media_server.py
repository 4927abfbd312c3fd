"""Three people on the media server of the running site: real sockets, real DTLS, real packets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.consultations.rooms.media_people import (
    Doctor,
    Guest,
    MediaPage,
    Patient,
    goes_on,
    is_silent,
    let_in,
    until,
)
from tests.consultations.rooms.people import Socket
from tests.e2e.server import AppServer

MEDIA = {"mic": True, "camera": True, "screen": False, "hand": False, "hand_at_ms": 0, "sends": ["audio", "video"]}


@dataclass
class Visit:
    """Anna, Paul and Ina inside; their pages' connections by name."""

    doctor: Doctor
    patient: Patient
    guest: Guest
    anna: Socket
    paul: Socket
    ina: Socket
    ids: dict[str, str]
    pages: dict[str, MediaPage] = field(default_factory=dict)

    async def join(self, name: str) -> MediaPage:
        socket: Socket = getattr(self, name)
        state = await socket.until_state(lambda state: state["join"] and state["join"]["engine"] == "sfu")
        page = MediaPage(state["join"]["room_size"])
        reply = await page.join(socket)
        assert reply["ok"], reply
        if name in self.pages:
            await self.pages[name].close()
        self.pages[name] = page
        return page


@contextlib.asynccontextmanager
async def three_people(server: AppServer) -> AsyncIterator[Visit]:
    doctor, patient, guest = Doctor(server.base_url), Patient(server.base_url), Guest(server.base_url)
    await asyncio.to_thread(patient.redeem, server.patient_url)
    await asyncio.to_thread(patient.walk_to_waiting)
    await asyncio.to_thread(doctor.sign_in, server.practitioner_url)
    async with contextlib.AsyncExitStack() as stack:
        anna = await stack.enter_async_context(doctor.visit_socket(patient.code))
        paul = await stack.enter_async_context(patient.visit_socket())
        await anna.hello()
        await paul.hello()
        ids = {"anna": anna.state["me"]["id"], "paul": await let_in(anna, "patient")}
        state = await anna.until_state(lambda state: state["join"])
        assert state["join"]["engine"] == "p2p"
        page = MediaPage(4)
        refused = await page.join(paul)
        assert refused["error"]["code"] == "wrong_route", "two people have no business on the media server"
        await page.close()

        invited = await anna.ask("invite", role="interpreter", name="Ina Iver", language="", contact=None)
        assert invited["ok"], invited
        await asyncio.to_thread(guest.redeem, invited["url"])
        await asyncio.to_thread(guest.walk_to_waiting)
        ina = await stack.enter_async_context(guest.visit_socket())
        await ina.hello()
        page = MediaPage(4)
        refused = await page.join(ina)
        assert refused["error"]["code"] == "not_admitted"
        await page.close()
        ids["ina"] = await let_in(anna, "interpreter")
        visit = Visit(doctor, patient, guest, anna, paul, ina, ids)
        try:
            yield visit
        finally:
            for page in visit.pages.values():
                await page.close()


async def test_three_people_hear_and_see_each_other_and_leave_one_by_one(own_server: AppServer) -> None:
    async with three_people(own_server) as visit:
        for name in ("anna", "paul", "ina"):
            await visit.join(name)
        join = visit.anna.state["join"]
        assert (join["room_size"], join["ice_transport_policy"]) == (4, "all")
        codes = [reason["code"] for reason in join["decision"]["reasons"]]
        assert codes[:2] == ["three_or_more", "server_is_blind"]
        assert {person["id"] for person in join["peers"]} == {visit.ids["paul"], visit.ids["ina"]}
        for name, page in visit.pages.items():
            await until(lambda page=page: page.lines("audio") == 2 and page.lines("video") == 2, what=f"all for {name}")

        # Everybody is told who is on which line.
        expected = {(visit.ids[name], source) for name in ("anna", "ina") for source in ("microphone", "camera")}
        seen: set[tuple[str, str]] = set()
        async with asyncio.timeout(5):
            while seen != expected:
                told = await visit.paul.until("sfu_slots", connection=visit.pages["paul"].connection)
                seen = {(slot["participant"], slot["source"]) for slot in told["slots"] if slot["participant"]}

        # What is not shown is not sent.
        wants = [
            {"participant": visit.ids[name], "source": "camera", "height": 0, "pinned": False}
            for name in ("anna", "ina")
        ]
        await visit.paul.send({"type": "sfu_view", "wants": wants})
        await until_still(visit.pages["paul"], "video")
        assert await goes_on(visit.pages["paul"], "audio")

        # Leaving ends one's media; the others stay on the server.
        assert (await visit.ina.ask("leave"))["ok"]
        assert await is_silent(visit.pages["ina"])
        state = await visit.anna.until_state(lambda state: state["join"] and len(state["join"]["peers"]) == 1)
        assert state["join"]["engine"] == "sfu"
        assert state["join"]["decision"]["reasons"][0]["code"] == "stays_on_server"
        assert await goes_on(visit.pages["anna"])

        # The same device comes straight back.
        await asyncio.to_thread(visit.guest.step, "wait", {})
        page = await visit.join("ina")
        await until(lambda: page.lines("audio") == 2)

        # The end is the end for everybody.
        assert (await visit.anna.ask("finish", outcome="done"))["ok"]
        for page in visit.pages.values():
            assert await is_silent(page)
        assert await visit.paul.closed() == 4410


async def test_a_lost_socket_leaves_the_media_alone_and_removal_cuts_them(own_server: AppServer) -> None:
    async with three_people(own_server) as visit:
        for name in ("anna", "paul", "ina"):
            await visit.join(name)
        for page in visit.pages.values():
            await until(lambda page=page: page.lines("audio") == 2)

        # Ina's socket is cut without a word: she is still heard, and hears.
        visit.ina.connection.transport.abort()
        await visit.anna.until_state(
            lambda state: not next(one for one in state["participants"] if one["id"] == visit.ids["ina"])["present"]
        )
        assert await goes_on(visit.pages["ina"])
        async with visit.guest.visit_socket(page=visit.ina.page) as back:
            assert (await back.hello())["state"]["me"]["state"] == "admitted"
            slots = await back.until("sfu_slots")
            assert slots["connection"] == visit.pages["ina"].connection
            assert {slot["participant"] for slot in slots["slots"]} >= {visit.ids["anna"], visit.ids["paul"]}

            # A page that was reloaded joins anew, and the old connection is over.
            old = visit.pages.pop("ina")
            visit.ina = back
            page = await visit.join("ina")
            await until(lambda: page.lines("audio") == 2)
            assert (await back.until("sfu_closed"))["connection"] == old.connection
            await old.close()

            # Removal, while the removed person's socket is gone: nothing comes and nothing goes any more.
            await back.connection.close()
            assert await goes_on(page)
            started = time.monotonic()
            assert (await visit.anna.ask("remove", participant=visit.ids["ina"], reason="other"))["ok"]
            assert await is_silent(page)
            assert time.monotonic() - started < 2
        before = visit.pages["paul"].lines("audio")
        assert before == 2
        visit.pages["paul"].packets.clear()
        assert await goes_on(visit.pages["paul"])
        assert visit.pages["paul"].lines("audio") == 1


async def test_the_server_tells_the_others_within_three_seconds_who_fell_silent(own_server: AppServer) -> None:
    async with three_people(own_server) as visit:
        for name in ("anna", "paul", "ina"):
            await visit.join(name)
        for page in visit.pages.values():
            await until(lambda page=page: page.lines("audio") == 2)
        cut_at = time.monotonic()
        await visit.pages["ina"].cut()
        for socket in (visit.anna, visit.paul):
            told = await socket.until("sfu_presence", participant=visit.ids["ina"], state="lost")
            assert told["silence_ms"] <= 3000
            assert time.monotonic() - cut_at <= 3.3  # and this process's own delay
        assert visit.anna.state["me"]["state"] == "admitted"
        assert await goes_on(visit.pages["paul"])


async def test_whose_right_ends_elsewhere_loses_the_media_within_five_seconds(own_server: AppServer) -> None:
    """No socket of this visit is told anything here: the seat's device is revoked in the database alone."""
    async with three_people(own_server) as visit:
        for name in ("anna", "paul", "ina"):
            await visit.join(name)
        page = visit.pages["ina"]
        await until(lambda: page.lines("audio") == 2)
        await visit.ina.connection.close()
        assert await goes_on(page)
        revoke = (
            "from consultations.rooms.models import SeatDevice\n"
            f"SeatDevice.objects.filter(participant__public_id='{visit.ids['ina']}').update(state='revoked')"
        )
        await asyncio.to_thread(own_server.run, revoke)
        revoked = time.monotonic()
        while not await is_silent(page, for_s=0.3):
            assert time.monotonic() - revoked < 5.5


async def test_what_is_said_reaches_who_it_is_for(own_server: AppServer) -> None:
    async with three_people(own_server) as visit:
        await visit.paul.until_state(lambda state: state["join"] and state["join"]["engine"] == "sfu")
        await visit.ina.until_state(lambda state: state["join"])
        body = {"kind": "media", "media": MEDIA}
        await visit.paul.send({"type": "say", "to": None, "body": body, "from": visit.ids["anna"]})
        for socket in (visit.anna, visit.ina):
            assert await socket.until("said") == {"type": "said", "from": visit.ids["paul"], "body": body}
        line = {"id": "1", "at_ms": 5, "text": "Only for you"}
        await visit.paul.send({"type": "say", "to": visit.ids["ina"], "body": {"kind": "chat", "message": line}})
        assert (await visit.ina.until("said"))["body"]["message"] == line
        await visit.paul.send({"type": "say", "to": "0" * 22, "body": {"kind": "chat", "message": line}})
        assert (await visit.paul.until("error"))["code"] == "unknown_person"
        assert not [seen for seen in visit.anna.seen if seen.get("body", {}).get("kind") == "chat"]

        # Keys go to one person, unread, and do not use up what may be said.
        keys = {"items": [{"kind": "have", "key_id": 7}]}
        await visit.ina.send({"type": "say", "to": visit.ids["anna"], "body": {"kind": "keys", "keys": keys}})
        assert (await visit.anna.until("said"))["body"] == {"kind": "keys", "keys": keys}
        await visit.ina.send({"type": "say", "to": None, "body": {"kind": "sealed", "data": "c2VhbGVk"}})
        assert (await visit.paul.until("said"))["body"] == {"kind": "sealed", "data": "c2VhbGVk"}

        # Parts of a picture go to one person, so many a second, and leave room for words.
        for number in range(22):
            part = {"kind": "part", "data": f"part{number}"}
            await visit.paul.send({"type": "say", "to": visit.ids["anna"], "body": part})
        assert (await visit.paul.until("error"))["code"] == "too_many_messages"
        await visit.paul.send({"type": "say", "to": visit.ids["anna"], "body": {"kind": "sealed", "data": "d29yZHM"}})
        while (said := await visit.anna.until("said"))["body"]["kind"] != "sealed":
            assert said["body"]["kind"] == "part"
        assert not [seen for seen in visit.ina.seen if seen.get("body", {}).get("kind") == "part"]

        # Each word goes to everybody: so few a second, and the socket stays.
        for _ in range(50):
            await visit.ina.send({"type": "say", "to": None, "body": body})
        assert (await visit.ina.until("error"))["code"] == "too_many_messages"
        await visit.ina.send({"type": "ping", "rev": 0})
        assert (await visit.ina.until("pong"))["type"] == "pong"


async def until_still(page: MediaPage, kind: str, within_s: float = 5) -> None:
    """Wait until no packet of this kind comes for half a second."""
    end = time.monotonic() + within_s
    while True:
        before = page.heard(kind)
        await asyncio.sleep(0.5)
        if page.heard(kind) == before:
            return
        assert time.monotonic() < end, f"{kind} went on"
