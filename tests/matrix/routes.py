"""Who gets what at every address (SEC-3). A route that is not declared here fails `test_access_matrix.py`.

An answer is one of
  ok       2xx, or a redirect that is not to the sign-in
  login    redirect to the sign-in, or 401
  hidden   404, with the same body as for an object that does not exist
  refused  403
  conflict 409: may do it, but not now (the steps before it are missing)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.matrix.world import ROLES, World, fresh_token

STAFF = ("practitioner", "colleague", "assistant", "clinic_admin", "stranger", "foreign_admin", "superuser")
PATIENTS = ("patient", "other_patient")
OUTSIDE = ("anonymous", *PATIENTS)


def everybody(answer: str) -> dict[str, str]:
    return dict.fromkeys(ROLES, answer)


def staff_only(**answers: str) -> dict[str, str]:
    """Every signed-in person gets in; others are sent to sign in."""
    return {**dict.fromkeys(OUTSIDE, "login"), **dict.fromkeys(STAFF, "ok"), **answers}


def staff_object(*allowed: str, **answers: str) -> dict[str, str]:
    """Only `allowed` get in; for other staff the object does not exist."""
    return {
        **dict.fromkeys(OUTSIDE, "login"),
        **dict.fromkeys(STAFF, "hidden"),
        **dict.fromkeys(allowed, "ok"),
        **answers,
    }


def seat_only() -> dict[str, str]:
    return {**everybody("login"), "patient": "ok"}


@dataclass(frozen=True)
class Route:
    answers: dict[str, str]
    method: str = "get"
    args: Callable[[World], dict[str, Any]] = lambda world: {}
    data: Callable[[World], dict[str, Any]] = lambda world: {}
    json: bool = False
    # The same arguments with the id of nothing: "not yours" must look like "not there".
    absent: dict[str, Any] = field(default_factory=dict)


def _code(world: World) -> dict[str, Any]:
    return {"code": world.code}


def _visit(world: World) -> dict[str, Any]:
    return {"public_id": world.appointment.public_id}


def _recording(world: World) -> dict[str, Any]:
    return {"public_id": world.recording.public_id}


def _attachment(world: World) -> dict[str, Any]:
    return {"public_id": world.attachment.public_id}


def _track(world: World) -> dict[str, Any]:
    return {**_recording(world), "file_id": world.recording.tracks.get().public_id}


def _film(world: World) -> dict[str, Any]:
    return {**_recording(world), "file_id": world.recording.films.get().public_id}


def _copy(world: World) -> dict[str, Any]:
    return {"public_id": world.recording.copies.get().public_id}


def _copied(world: World) -> dict[str, Any]:
    return {"code": world.code, **_recording(world), "file_id": world.recording.tracks.get().public_id}


# The visit's practitioner and the clinic's admin decide how long a recording stays; only the former watches.
KEEPERS = ("practitioner", "clinic_admin")
NOWHERE = "0000000000000000000000"
SCHEDULERS = ("practitioner", "assistant", "clinic_admin")
DETAILS = {
    "name": "Paul Peters",
    "location": "Quay 1, Hamburg",
    "callback_number": "+49 40 1",
    "emergency_name": "Cara",
    "emergency_phone": "+49 40 2",
}
CHECK = {
    "camera": "ok",
    "microphone": "ok",
    "speaker": "heard",
    "network": "good",
    "rtt_ms": 20,
    "turn": {"udp": None, "tcp": None, "tls": None},
    "relay_only": False,
    "frame_encryption": True,
}


ROUTES: dict[str, Route] = {
    "home": Route(everybody("ok")),
    "clinic_logo": Route(
        everybody("hidden"),  # Harbour has no logo; what a logo shows is public
        args=lambda world: {"public_id": world.cast.harbour.public_id},
        absent={"public_id": NOWHERE},
    ),
    "set_language": Route(everybody("ok"), "post", data=lambda world: {"language": "de"}),
    # --- The patient's path: a link or a seat, never an account ---
    "join": Route(everybody("ok")),
    "join_lookup": Route(everybody("ok"), "post", data=lambda world: {"token": fresh_token(world)}, json=True),
    "join_redeem": Route(
        everybody("ok"), "post", data=lambda world: {"token": fresh_token(world), "device_label": "Phone"}, json=True
    ),
    "seat": Route(everybody("ok"), args=_code),  # the page itself is empty; its state is not
    "seat_state": Route(seat_only(), args=_code, absent={"code": NOWHERE}),
    "seat_socket": Route(seat_only(), args=_code, absent={"code": NOWHERE}),
    "seat_details": Route(seat_only(), "post", _code, lambda world: DETAILS, json=True, absent={"code": NOWHERE}),
    "seat_device_check": Route(seat_only(), "post", _code, lambda world: CHECK, json=True, absent={"code": NOWHERE}),
    "seat_consent": Route(
        seat_only(),
        "post",
        _code,
        lambda world: {"purpose": "treatment", "version": 2, "decision": "granted", "capacity": "self"},
        json=True,
        absent={"code": NOWHERE},
    ),
    "seat_withdraw": Route(
        seat_only(), "post", _code, lambda world: {"purpose": "recording"}, json=True, absent={"code": NOWHERE}
    ),
    "seat_after": Route(seat_only(), args=_code, absent={"code": NOWHERE}),
    "seat_answer": Route(
        {**seat_only(), "patient": "refused"},  # nothing is asked
        "post",
        _code,
        lambda world: {"purpose": "combined", "decision": "granted", "version": 2, "capacity": "self"},
        json=True,
        absent={"code": NOWHERE},
    ),
    "seat_copy": Route(
        seat_only(),
        "post",
        _code,
        lambda world: {"recording": world.recording.public_id},
        json=True,
        absent={"code": NOWHERE},
    ),
    "seat_copy_file": Route(
        seat_only(), args=_copied, absent={"code": NOWHERE, "public_id": NOWHERE, "file_id": NOWHERE}
    ),
    "seat_wait": Route({**seat_only(), "patient": "conflict"}, "post", _code, json=True, absent={"code": NOWHERE}),
    "seat_turn_probe": Route(seat_only(), args=_code, absent={"code": NOWHERE}),
    # --- The practice ---
    "today": Route(staff_only()),
    "today_list": Route(staff_only()),
    "start_now": Route(
        staff_only(assistant="refused", clinic_admin="refused", foreign_admin="refused", superuser="refused")
    ),
    "appointment_new": Route(staff_only(superuser="refused")),
    "appointment": Route(staff_object(*SCHEDULERS), args=_visit, absent={"public_id": NOWHERE}),
    "appointment_reschedule": Route(staff_object(*SCHEDULERS), args=_visit, absent={"public_id": NOWHERE}),
    "appointment_cancel": Route(staff_object(*SCHEDULERS), "post", _visit, absent={"public_id": NOWHERE}),
    "appointment_claim": Route(
        staff_object(practitioner="conflict", assistant="refused", clinic_admin="refused"),
        "post",
        _visit,
        absent={"public_id": NOWHERE},
    ),
    "appointment_invite": Route(
        staff_object(*SCHEDULERS),
        "post",
        _visit,
        lambda world: {"name": "Ina Iver", "role": "interpreter", "contact": "", "language": "en"},
        absent={"public_id": NOWHERE},
    ),
    "appointment_link": Route(staff_object(*SCHEDULERS), "post", _visit, absent={"public_id": NOWHERE}),
    "recordings": Route(staff_only()),
    "recording": Route(staff_object(*KEEPERS), args=_recording, absent={"public_id": NOWHERE}),
    # A person's track and the combined file have one address; each way to have them is tried with one of them.
    "recording_media": Route(
        staff_object("practitioner", clinic_admin="refused"),
        args=_track,
        absent={"public_id": NOWHERE, "file_id": NOWHERE},
    ),
    "recording_download": Route(
        staff_object("practitioner", clinic_admin="refused"),
        args=_film,
        absent={"public_id": NOWHERE, "file_id": NOWHERE},
    ),
    "recording_delete": Route(staff_object(*KEEPERS), "post", _recording, absent={"public_id": NOWHERE}),
    "recording_hold": Route(
        staff_object(*KEEPERS), "post", _recording, lambda world: {"on": "1"}, absent={"public_id": NOWHERE}
    ),
    **{
        name: Route(
            staff_object("practitioner", clinic_admin="refused"), method, _recording, absent={"public_id": NOWHERE}
        )
        for name, method in (
            ("film_request", "post"),
            ("film_answer", "post"),
            ("film_cancel", "post"),
            ("film_state", "get"),
        )
    },
    "copy_decide": Route(
        staff_object(*KEEPERS), "post", _copy, lambda world: {"give": "1"}, absent={"public_id": NOWHERE}
    ),
    "attachment": Route(staff_object("practitioner"), args=_attachment, absent={"public_id": NOWHERE}),
    "attachment_delete": Route(staff_object("practitioner"), "post", _attachment, absent={"public_id": NOWHERE}),
    "visit": Route(staff_object("practitioner"), args=_code, absent={"code": NOWHERE}),
    "visit_socket": Route(staff_object("practitioner"), args=_code, absent={"code": NOWHERE}),
    "visit_notes": Route(
        staff_object("practitioner"),
        "post",
        _code,
        lambda world: {"text": "better", "number": None},
        json=True,
        absent={"code": NOWHERE},
    ),
    # Nobody agreed to be kept as a picture in this world.
    "visit_still": Route(staff_object(practitioner="refused"), "post", _code, absent={"code": NOWHERE}),
    "visit_path_events": Route(staff_object("practitioner"), args=_code, absent={"code": NOWHERE}),
    # How it was connected tells of networks, not of health: the clinic's admin answers for it.
    "visit_path": Route(staff_object("practitioner", "clinic_admin"), args=_code, absent={"code": NOWHERE}),
    "visit_path_json": Route(staff_object("practitioner", "clinic_admin"), args=_code, absent={"code": NOWHERE}),
}
