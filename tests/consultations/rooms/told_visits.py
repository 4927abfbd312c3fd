"""Visits whose connection has a story, as rows: what browsers and the policy would have left behind."""

from collections.abc import Callable
from datetime import datetime, timedelta

from consultations.rooms.models import Participant, QualitySample, Room, RouteDecision


class Teller:
    """Writes rows `seconds` after the visit was opened."""

    def __init__(self, room: Room, opened_at: datetime) -> None:
        self.room, self.opened_at = room, opened_at
        seats = {seat.role: seat for seat in Participant.objects.filter(room=room)}
        self.doctor, self.patient = seats["practitioner"], seats["patient"]

    def at(self, seconds: float) -> datetime:
        return self.opened_at + timedelta(seconds=seconds)

    def decide(self, seconds: float, trigger: str, route: str, *codes: str, seat: Participant | None = None) -> None:
        params = {"participant": seat.public_id} if seat else {}
        reasons = [{"code": code, "params": params} for code in codes]
        RouteDecision.objects.create(
            room=self.room, at=self.at(seconds), trigger=trigger, route=route, refused=route == "none", reasons=reasons
        )
        if route != "none":
            Room.objects.filter(pk=self.room.pk).update(route=route, route_reasons=reasons)

    def path(self, seconds: float, state: str, route: str, local: str = "srflx", remote: str = "srflx") -> None:
        for delay, seat in ((0, self.doctor), (0.4, self.patient)):
            region = "eu-central" if local == "relay" else ""
            said = {"participant": seat.public_id, "local": local, "remote": remote, "rtt_ms": 40, "region": region}
            RouteDecision.objects.create(
                room=self.room, at=self.at(seconds + delay), trigger=f"path.{state}", route=route, reasons=[said]
            )
            local, remote = remote, local

    def measure(
        self,
        seat: Participant,
        start: int,
        end: int,
        engine: str,
        scores: Callable[[int], tuple[int, int]],
        *,
        factor: str = "",
        warm: bool = False,
        remedy: str = "",
    ) -> None:
        for second in range(start, end, 10):
            audio, video = scores(second)
            QualitySample.objects.create(
                room=self.room,
                participant=seat,
                at=self.at(second),
                engine=engine,
                warm=warm,
                audio=audio,
                video=video,
                audio_factor=factor if audio < 70 else "",
                video_factor=factor if video < 70 else "",
                rtt_ms=40,
                in_bps=900_000,
                out_bps=900_000,
                remedy=remedy,
            )

    def begin(self) -> None:
        self.decide(0, "opened", "p2p", "one_to_one", "server_is_blind")
        self.decide(95, "admitted", "p2p", "one_to_one", "server_is_blind")
        Participant.objects.filter(pk=self.patient.pk).update(arrived_at=self.at(20), admitted_at=self.at(95))
        Room.objects.filter(pk=self.room.pk).update(state=Room.State.LIVE, opened_at=self.at(0), live_at=self.at(95))

    def end(self, seconds: int, outcome: str = Room.Outcome.DONE) -> None:
        Room.objects.filter(pk=self.room.pk).update(state=Room.State.ENDED, ended_at=self.at(seconds), outcome=outcome)


def _steady(second: int) -> tuple[int, int]:
    return 93 + second // 10 % 3 * 2, 88 + second // 10 % 4 * 2


def tell_plain_visit(room: Room, opened_at: datetime) -> Teller:
    """Ten minutes, direct from the first to the last, good all the time."""
    teller = Teller(room, opened_at)
    teller.begin()
    teller.path(98, "connected", "direct", "host", "srflx")
    for seat in (teller.doctor, teller.patient):
        teller.measure(seat, 100, 690, "p2p", _steady)
    teller.end(695)
    return teller


def tell_long_visit(room: Room, opened_at: datetime) -> Teller:
    """45 minutes and three moves: bad direct way, back to it, an interpreter joins."""
    teller = Teller(room, opened_at)
    teller.begin()
    teller.path(99, "connected", "relay", "srflx", "relay")
    doctor, patient = teller.doctor, teller.patient
    teller.measure(doctor, 100, 700, "p2p", _steady)
    teller.measure(patient, 100, 640, "p2p", _steady)
    # The patient's way gets bad; the server is tried beside it and is better.
    teller.measure(patient, 640, 660, "p2p", lambda second: (55, 48), factor="loss", remedy="lowered")
    teller.measure(patient, 660, 700, "p2p", lambda second: (28, 14), factor="loss", remedy="audio_first")
    teller.decide(668, "trouble", "p2p", "no_sound", seat=patient)
    teller.decide(671, "probe", "p2p", "direct_unacceptable")
    teller.measure(patient, 674, 694, "sfu", _steady, warm=True)
    teller.decide(684, "quality", "sfu", "quality_through_server", "server_is_blind")
    teller.path(687, "connected", "server", "srflx", "host")
    teller.measure(doctor, 700, 1320, "sfu", _steady)
    teller.measure(patient, 700, 1320, "sfu", _steady)
    # Good for a while: tried, and back.
    teller.decide(1290, "probe", "sfu", "direct_tried")
    teller.measure(patient, 1294, 1314, "p2p", _steady, warm=True)
    teller.decide(1312, "recovered", "p2p", "one_to_one", "server_is_blind")
    teller.path(1315, "connected", "direct")
    teller.measure(doctor, 1320, 1800, "p2p", _steady)
    teller.measure(
        patient,
        1320,
        1800,
        "p2p",
        lambda second: (90, 64) if 1500 <= second < 1600 else _steady(second),
        factor="frames",
    )
    # Somebody interprets from now on.
    guest = Participant.objects.create(
        room=room, role="interpreter", name="Ina", state="admitted", admitted_at=teller.at(1800)
    )
    teller.decide(1800, "admitted", "sfu", "three_or_more", "server_is_blind")
    teller.path(1803, "connected", "server", "srflx", "host")
    said = {"participant": guest.public_id, "local": "srflx", "remote": "host", "rtt_ms": 60}
    RouteDecision.objects.create(
        room=room, at=teller.at(1804), trigger="path.connected", route="server", reasons=[said]
    )
    for seat in (doctor, patient, guest):
        teller.measure(seat, 1810, 2700, "sfu", _steady)
    # A tunnel: one person is lost for half a minute.
    for second, state in ((2200, "lost"), (2231, "connected")):
        lost = {"participant": patient.public_id, "local": "srflx", "remote": "host", "rtt_ms": None}
        RouteDecision.objects.create(
            room=room, at=teller.at(second), trigger=f"path.{state}", route="server", reasons=[lost]
        )
    QualitySample.objects.filter(participant=patient, at__gte=teller.at(2195), at__lt=teller.at(2232)).delete()
    teller.end(2710)
    return teller
