"""The patient's path over HTTP (docs/PROTOCOL.md): one page and a small JSON API. No account: a seat cookie is the proof."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from consultations.consent.models import CAPTURE_PURPOSES, ConsentRecord
from consultations.rooms import seat_state as states
from consultations.rooms.access import cookie_name, find_device, find_known_device, find_link, is_used_up, link_status
from consultations.rooms.actions import consents, seats
from consultations.rooms.json_requests import choice_of, json_view, read_object, speak, text_of
from consultations.rooms.models import JoinLink, Participant, SeatDevice
from consultations.rooms.nodes.pins import visit_socket_url
from consultations.rooms.nodes.policy import may_reach_nodes
from consultations.rooms.refusals import Refused
from consultations.rooms.route import relays_of
from consultations.rooms.seat_forms import read_details, read_device_check
from media_routing import api
from telemed.accounts.addresses import address_group, client_address
from telemed.accounts.limits import allow

# Per client and minute. Tokens hold 256 bits, so this protects the database, not the tokens.
LOOKUPS_PER_MINUTE = 60
REDEEMS_PER_MINUTE = 20


@require_safe
@never_cache
@may_reach_nodes
def join(request: HttpRequest) -> HttpResponse:
    """The patient's page. Opening it, however often and by whomever, changes nothing (SEC-6)."""
    return render(request, "rooms/join.html", {"code": ""})


@require_safe
@never_cache
@may_reach_nodes
def seat(request: HttpRequest, code: str) -> HttpResponse:
    """The same page after the link was redeemed; it says itself when this browser has no seat (any more)."""
    device = find_device(request.COOKIES, code)
    context: dict[str, Any] = {"code": code}
    if device is not None:
        speak(request, device.participant.language)
        context["clinic"] = device.participant.room.appointment.clinic
    return render(request, "rooms/join.html", context)


@require_POST
@json_view
def join_lookup(request: HttpRequest) -> dict[str, Any]:
    """Tell what a link is for. Consumes nothing; a token of another clinic, an old one and a made-up one look the same."""
    _limit(request, "link_lookup", LOOKUPS_PER_MINUTE)
    link, status = _link(request)
    return states.describe_link(link, status)


@require_POST
@json_view
def join_redeem(request: HttpRequest) -> JsonResponse:
    """Seat this browser, or let it ask for the seat."""
    _limit(request, "link_redeem", REDEEMS_PER_MINUTE)
    link, status = _link(request)
    if status != "open":
        raise Refused(status)
    label = text_of(read_object(request), "device_label", limit=60)
    redeemed = seats.redeem_link(link, cookies=request.COOKIES, label=label)
    code = link.participant.room.code
    response = JsonResponse({"code": code, "url": reverse("seat", args=[code]), "device_state": redeemed.device.state})
    if redeemed.secret:
        response.set_cookie(
            cookie_name(code),
            redeemed.secret,
            max_age=_cookie_life_s(link),
            secure=settings.SEAT_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
            path="/",
        )
    return response


@require_GET
@json_view
def seat_state(request: HttpRequest, code: str) -> dict[str, Any]:
    return states.describe_seat(_device(request, code))


@require_GET
@json_view
def seat_socket(request: HttpRequest, code: str) -> dict[str, Any]:
    """Tell where the visit's socket is now: the rtc process that had it may be gone (docs/OPERATIONS.md)."""
    return {"ws_url": visit_socket_url(_device(request, code).participant.room, "seat")}


@require_POST
@json_view
def seat_details(request: HttpRequest, code: str) -> dict[str, Any]:
    seat = seat_of(request, code)
    seats.confirm_details(seat, **read_details(read_object(request), seat.role))
    return states.describe_seat(_device(request, code))


@require_POST
@json_view
def seat_device_check(request: HttpRequest, code: str) -> dict[str, Any]:
    seat = seat_of(request, code)
    check, relay_only = read_device_check(read_object(request))
    seats.record_device_check(seat, check=check, relay_only=relay_only)
    return states.describe_seat(_device(request, code))


@require_POST
@json_view
def seat_consent(request: HttpRequest, code: str) -> dict[str, Any]:
    seat = seat_of(request, code)
    data = read_object(request)
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise Refused("bad_field", status=400)
    text = states.text_to_answer(seat, text_of(data, "purpose", limit=20), version)
    if text is None:
        raise Refused("old_text")
    seats.answer_consent(
        seat,
        text=text,
        decision=choice_of(data, "decision", frozenset(ConsentRecord.Decision.values)),
        capacity=choice_of(data, "capacity", frozenset(ConsentRecord.Capacity.values)),
    )
    return states.describe_seat(_device(request, code))


@require_POST
@json_view
def seat_withdraw(request: HttpRequest, code: str) -> dict[str, Any]:
    """Take back a yes to being captured, during the visit or any time later."""
    seat = seat_of(request, code)
    purpose = choice_of(read_object(request), "purpose", frozenset(CAPTURE_PURPOSES))
    consents.answer_capture(seat, purpose=purpose, decision="withdrawn")
    return states.describe_seat(_device(request, code))


@require_POST
@json_view
def seat_wait(request: HttpRequest, code: str) -> dict[str, Any]:
    seats.start_waiting(seat_of(request, code))
    return states.describe_seat(_device(request, code))


@require_GET
@json_view
def seat_turn_probe(request: HttpRequest, code: str) -> dict[str, Any]:
    """Relays with credentials that can never work: reachability is all this tells (SEC-9)."""
    seat = seat_of(request, code)
    return {"ice_servers": api.turn_probe_servers(relays_of(seat.room.appointment.clinic))}


def _link(request: HttpRequest) -> tuple[JoinLink, str]:
    data = read_object(request)
    token = data.get("token")
    link = find_link(token) if isinstance(token, str) else None
    status = link_status(link) if link else "revoked"
    if link is None or status == "revoked":
        raise Refused("unknown_link", status=404)
    speak(request, link.participant.language)
    if is_used_up(link, request.COOKIES):
        raise Refused("link_used")
    return link, status


def _device(request: HttpRequest, code: str) -> SeatDevice:
    """Return this browser's device, seated or asking; raise Refused (401, 403) with the reason a page can tell."""
    device = find_device(request.COOKIES, code)
    if device is None:
        known = find_known_device(request.COOKIES, code)
        if known is not None and known.participant.state == Participant.State.REMOVED:
            raise Refused("removed", status=403)
        if known is not None and known.state == SeatDevice.State.REVOKED:
            raise Refused("replaced", status=401)
        raise Refused("no_seat", status=401)
    speak(request, device.participant.language)
    seats.note_use(device)
    return device


def seat_of(request: HttpRequest, code: str) -> Participant:
    """Return the seat that this browser holds; a device that only asks for it may do nothing."""
    device = _device(request, code)
    if device.state != SeatDevice.State.ACTIVE:
        raise Refused("device_asking", status=403)
    return device.participant


def _limit(request: HttpRequest, scope: str, per_minute: int) -> None:
    if not allow(scope, address_group(client_address(request)), per_minute, 60):
        raise Refused("rate_limited", status=429)


def _cookie_life_s(link: JoinLink) -> int:
    """As long as a session may last at all; after-links are for reading later."""
    return settings.SESSION_ABSOLUTE_S if link.kind == JoinLink.Kind.JOIN else 30 * 24 * 3600
