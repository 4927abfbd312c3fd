"""The visit as a whole: who comes, who lets them in, what is measured, and whether everybody decoded everybody."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from consultations.demo.simulate.browser import Browser, Failed
from consultations.demo.simulate.person import Person
from consultations.demo.simulate.profiles import Profile

MAX_PEOPLE = 8
LOOK_EVERY_S = 2.0
# Frames of the last part of the run: who froze at the end did not decode everyone.
LAST_PART_S = 4.0
GUESTS = ("interpreter", "relative", "chaperone", "colleague", "relative", "relative")


class Simulation:
    """Runs one visit. `show` gets the people every two seconds."""

    def __init__(self, links: dict[str, str], profile: Profile, show: Callable[[list[Person]], None]) -> None:
        self._links, self._profile, self._show = links, profile, show
        self.people: list[Person] = []

    async def run(self, participants: int, seconds: float) -> dict[str, Any]:
        """Return the summary; its `ok` says whether everybody decoded everybody to the end. Raises Failed."""
        try:
            await self.gather_people(participants)
            started = time.monotonic()
            await asyncio.gather(*(person.join_media() for person in self.people))
            all_seen_s = await self._watch(started, seconds)
            at_end = self.counts()
            await self._watch_for(LAST_PART_S)
            return self._summary(seconds, all_seen_s, at_end)
        finally:
            await asyncio.gather(*(person.close() for person in self.people), return_exceptions=True)

    async def gather_people(self, participants: int) -> None:
        """Everybody waits, is let in, and sees a visit of that size."""
        in_group = participants <= 4
        first = self._links["group_patient_url" if in_group else "patient_url"]
        patient = await self._arrive("patient", first)
        doctor_browser = Browser(self._links["base_url"])
        await asyncio.to_thread(doctor_browser.sign_in, self._links["practitioner_url"])
        doctor = Person("practitioner", doctor_browser, patient.code, "staff", self._profile, len(self.people))
        self.people.append(doctor)
        await doctor.start()
        for role in GUESTS[: participants - 2]:
            url = self._links.get(f"group_{role}_url") if in_group else None
            if url is None:
                invited = await doctor.ask("invite", role=role, name=f"Sim {role}", language="en", contact=None)
                url = invited["url"]
            await self._arrive(role, url)
        for person in self.people:
            if person is not doctor:
                await doctor.ask("admit", participant=person.id, identity="known", accept_unencrypted=True)
        for person in self.people:
            await person.until(
                lambda person=person: len((person.state.get("join") or {}).get("peers", ())) == participants - 1,
                "did not see everybody let in",
            )

    async def _arrive(self, role: str, url: str) -> Person:
        browser = Browser(self._links["base_url"])
        code = await asyncio.to_thread(browser.walk_to_waiting, url)
        person = Person(role, browser, code, "seat", self._profile, len(self.people))
        self.people.append(person)
        await person.start()
        return person

    async def _watch(self, started: float, seconds: float) -> float:
        """Return after how many seconds everybody had decoded everybody, -1 for never."""
        all_seen_s = -1.0
        while (passed := time.monotonic() - started) < seconds:
            await asyncio.sleep(min(LOOK_EVERY_S / 8, seconds - passed))
            if all_seen_s < 0 and not self.missing({}):
                all_seen_s = time.monotonic() - started
            if int(passed / LOOK_EVERY_S) != int((time.monotonic() - started) / LOOK_EVERY_S):
                await self._look()
        return all_seen_s

    async def _watch_for(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._look()

    async def _look(self) -> None:
        for person in self.people:
            await person.measure()
        self._show(self.people)

    def counts(self) -> dict[tuple[str, str, str], int]:
        return {
            (person.id, other, kind): count for person in self.people for (other, kind), count in person.decoded.items()
        }

    def missing(self, before: dict[tuple[str, str, str], int]) -> list[str]:
        """Return who decoded nothing new of whom since `before`."""
        now = self.counts()
        return [
            f"{person.name} decodes no {kind} of {other.name}"
            for person in self.people
            for other in self.people
            for kind in ("audio", "video")
            if other is not person
            and now.get((person.id, other.id, kind), 0) <= before.get((person.id, other.id, kind), 0)
        ]

    def _summary(self, seconds: float, all_seen_s: float, at_end: dict[tuple[str, str, str], int]) -> dict[str, Any]:
        missing = self.missing(at_end)
        return {
            "ok": not missing,
            "participants": len(self.people),
            "seconds": seconds,
            "everybody_decoded_everybody_after_s": round(all_seen_s, 2) if all_seen_s >= 0 else None,
            "missing": missing,
            "people": [
                {
                    "role": person.name,
                    "phase": person.phase,
                    "reconnects": person.reconnects,
                    **{name: round(value, 3) for name, value in person.measured.items()},
                    "frames_decoded": {
                        other.name + f"#{number}": {kind: person.decoded[other.id, kind] for kind in ("audio", "video")}
                        for number, other in enumerate(self.people)
                        if other is not person and person.media
                    },
                }
                for person in self.people
            ],
        }


__all__ = ["MAX_PEOPLE", "Failed", "Simulation"]
