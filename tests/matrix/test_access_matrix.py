"""SEC-3: every address and every message, against everybody. What is not declared fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.base import Cast
from tests.matrix.routes import NOWHERE, ROUTES, Route
from tests.matrix.world import ROLES, World, make_world

# Allauth's own pages about one's own account: reached through the session alone, so there is no foreign object to name,
# but for the ids of passkeys and sessions, which tests/telemed/accounts/ tries from a stranger.
OWN_ACCOUNT_PREFIXES = ("account_", "mfa_", "usersessions_", "session_")


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


def _names(patterns: list[Any], namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _names(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}"


def _request(world: World, role: str, name: str, route: Route, args: dict[str, Any]) -> Any:
    client, data = world.client(role), route.data(world)
    extra = {"content_type": "application/json"} if route.json else {}
    body = json.dumps(data) if route.json else data
    with transaction.atomic():
        cookies = client.cookies.copy()
        response = getattr(client, route.method)(reverse(name, kwargs=args), body, **extra)
        response.answer = _answer(response)
        client.cookies = cookies
        transaction.set_rollback(True)
    return response


def _answer(response: Any) -> str:
    if response.status_code in {301, 302, 303}:
        return "login" if "/accounts/login/" in response["Location"] else "ok"
    if response.status_code < 300:
        return "ok"
    words = {401: "login", 403: "refused", 404: "hidden", 409: "conflict"}
    return words.get(response.status_code, str(response.status_code))


def test_every_route_is_declared() -> None:
    names = {name for name in _names(get_resolver().url_patterns) if not name.startswith("admin:")}
    own_account = {name for name in names if name.startswith(OWN_ACCOUNT_PREFIXES)}
    assert names - own_account == set(ROUTES)


def test_every_role_is_answered_as_declared(world: World) -> None:
    wrong = []
    for name, route in ROUTES.items():
        for role in ROLES:
            expected = route.answers[role]
            answer = _request(world, role, name, route, route.args(world)).answer
            if answer != expected:
                wrong.append(f"{name} as {role}: {answer} instead of {expected}")
    assert not wrong, "\n".join(wrong)


def test_not_yours_looks_like_not_there(world: World) -> None:
    """Status and body agree for a foreign object and for none (anonymous people included)."""
    different = []
    for name, route in ROUTES.items():
        for role in (role for role in ROLES if route.absent and route.answers[role] in {"hidden", "login"}):
            foreign = _request(world, role, name, route, route.args(world))
            absent = _request(world, role, name, route, route.absent)
            if (foreign.status_code, _body(foreign, route.args(world))) != (
                absent.status_code,
                _body(absent, route.absent),
            ):
                different.append(f"{name} as {role}")
    assert not different


def _body(response: Any, args: dict[str, Any]) -> bytes:
    """The body and the redirect without what the person typed and without per-response nonces."""
    text = response.content.decode() + response.get("Location", "")
    for value in args.values():
        text = text.replace(value, "ID")
    nonces = [part.split('"')[0] for part in text.split('nonce="')[1:]]
    tokens = [part.split('"')[0] for part in text.split('name="csrf-token" content="')[1:]]
    tokens += [part.split('"')[0] for part in text.split('name="csrfmiddlewaretoken" value="')[1:]]
    for secret in {*nonces, *tokens} - {""}:
        text = text.replace(secret, "NONCE")
    return text.encode()


def test_the_matrix_can_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the access helper opened, the stranger's cells are wrong."""
    from consultations.appointments.models import Appointment
    from consultations.rooms.practice import views_appointment

    monkeypatch.setattr(
        views_appointment, "get_appointment_for", lambda user, public_id: Appointment.objects.get(public_id=public_id)
    )
    route = ROUTES["appointment"]
    assert _request(world, "stranger", "appointment", route, route.args(world)).answer == "ok"
    assert route.answers["stranger"] == "hidden"


def test_nowhere_is_nowhere(world: World) -> None:
    assert world.code != NOWHERE
