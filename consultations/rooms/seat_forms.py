"""What a patient types and measures, checked: JSON in, plain values out, or Refused with a sentence per field."""

from typing import Any

from django.utils.translation import gettext as _

from consultations.rooms.json_requests import choice_of, text_of
from consultations.rooms.models import Participant
from consultations.rooms.refusals import Refused

_CAMERA = frozenset({"ok", "off", "blocked", "missing"})
_MICROPHONE = frozenset({"ok", "off", "silent", "blocked", "missing"})
_SPEAKER = frozenset({"heard", "not_heard", "skipped"})
_NETWORK = frozenset({"good", "fair", "poor", "unknown"})
_DEVICES = frozenset({"phone", "tablet", "computer", ""})
_MIN_PHONE_DIGITS = 3  # an emergency number is a number to call, too


def fields_asked(role: str) -> tuple[str, ...]:
    """Return what somebody of this role is asked about themselves. Help must find the patient; the others are named."""
    patient = ("name", "location", "callback_number", "emergency_name", "emergency_phone")
    return patient if role == Participant.Role.PATIENT else ("name",)


def read_details(data: dict[str, Any], role: str) -> dict[str, str]:
    """Return the five fields of "About you"; those that this role is asked are filled in (CLIN-1), the others ''."""
    asked = fields_asked(role)
    values = {
        "name": text_of(data, "name", limit=150),
        "location": text_of(data, "location", limit=300),
        "callback_number": text_of(data, "callback_number", limit=40),
        "emergency_name": text_of(data, "emergency_name", limit=150),
        "emergency_phone": text_of(data, "emergency_phone", limit=40),
    }
    values = {name: value if name in asked else "" for name, value in values.items()}
    errors = {name: _missing(name) for name in asked if not values[name]}
    for name in ("callback_number", "emergency_phone"):
        if name in asked and name not in errors and not _can_be_called(values[name]):
            errors[name] = _("Enter a phone number with digits, such as +49 30 123456.")
    if errors:
        raise Refused("check_fields", status=422, fields=errors)
    return values


def read_device_check(data: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return (result to keep, whether the person hides their network address)."""
    turn = data.get("turn")
    rtt_ms = data.get("rtt_ms")
    # A page that does not say it is an old one, and cannot encrypt.
    flags = {name: data.get(name, False) for name in ("relay_only", "frame_encryption")}
    if not isinstance(turn, dict) or not all(isinstance(flag, bool) for flag in flags.values()):
        raise Refused("bad_field", status=400)
    if rtt_ms is not None and (
        not isinstance(rtt_ms, int | float) or isinstance(rtt_ms, bool) or not 0 <= rtt_ms < 1e6
    ):
        raise Refused("bad_field", status=400)
    reach = {name: turn.get(name) for name in ("udp", "tcp", "tls")}
    if any(
        value not in (True, False, None) or (isinstance(value, int) and not isinstance(value, bool))
        for value in reach.values()
    ):
        raise Refused("bad_field", status=400)
    check = {
        "camera": choice_of(data, "camera", _CAMERA),
        "microphone": choice_of(data, "microphone", _MICROPHONE),
        "speaker": choice_of(data, "speaker", _SPEAKER),
        "network": choice_of(data, "network", _NETWORK),
        "rtt_ms": None if rtt_ms is None else round(rtt_ms),
        "turn": reach,
        "frame_encryption": flags["frame_encryption"],
        "device": choice_of({"device": "", **data}, "device", _DEVICES),
    }
    return check, flags["relay_only"]


def _can_be_called(number: str) -> bool:
    digits = sum(character.isdigit() for character in number)
    return digits >= _MIN_PHONE_DIGITS and all(character.isdigit() or character in "+-()/. " for character in number)


def _missing(name: str) -> str:
    return {
        "name": _("Enter your name."),
        "location": _("Enter where you are now, so that help could find you."),
        "callback_number": _("Enter a number where we can call you back."),
        "emergency_name": _("Enter who should be called in an emergency."),
        "emergency_phone": _("Enter the phone number of your emergency contact."),
    }[name]
