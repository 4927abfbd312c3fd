"""SEC-18, PRIV-5: the headers of every page, error pages and admin included, and no foreign host in any of them."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, override_settings
from django.urls import reverse

from tests.base import Cast
from tests.matrix.routes import ROUTES
from tests.matrix.world import World, make_world

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: forms would then be sent with `Origin: null`. Link tokens stand in the fragment, never in a referrer.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STRICT = {
    "default-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
# Attributes through which a page makes a browser fetch something. Links that a person may click are not among them.
FETCHED = re.compile(r"""(?:src|srcset|poster|action|data)="(https?:)?//""")
INLINE = re.compile(r"<script(?![^>]*\b(?:src|nonce)=)(?![^>]*application/json)[^>]*>|\son[a-z]+=\"|\sstyle=\"")


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


def _policy(response: Any) -> dict[str, str]:
    parts = (part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";") if part.strip())
    return {name: (rest[0] if rest else "") for name, *rest in parts}


def _assert_hardened(response: Any, url: str) -> None:
    for name, value in EXPECTED.items():
        assert response.headers.get(name) == value, f"{name} of {url}"
    policy = _policy(response)
    for name, value in STRICT.items():
        assert policy.get(name) == value, f"{name} of {url}"
    for name, value in policy.items():
        assert "unsafe" not in value, f"{name} of {url}"
        assert not re.search(r"https?://", value), f"{name} of {url}"
    assert "camera=(self)" in response["Permissions-Policy"]
    assert "geolocation=()" in response["Permissions-Policy"]
    assert "no-store" in response["Cache-Control"], url
    text = response.content.decode(errors="replace") if response["Content-Type"].startswith("text/html") else ""
    assert not FETCHED.search(text), url
    assert not INLINE.search(text), f"{INLINE.search(text)} in {url}"


def test_every_page_is_hardened(world: World) -> None:
    for name, route in ROUTES.items():
        if route.method != "get":
            continue
        for role in ("anonymous", "practitioner", "clinic_admin", "patient"):
            url = reverse(name, kwargs=route.args(world))
            if name != "clinic_logo":  # a public picture may be cached
                _assert_hardened(world.client(role).get(url), url)


def test_every_admin_page_is_hardened(world: World) -> None:
    client = world.client("clinic_admin")
    urls = [reverse("admin:index")]
    for model in admin.site._registry:
        path = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls.append(reverse(f"{path}_changelist"))
        row = admin.site._registry[model].get_queryset(_request(world)).first()
        urls += [reverse(f"{path}_change", args=[row.pk])] if row else []
    for url in urls:
        response = client.get(url)
        assert response.status_code == 200, url
        _assert_hardened(response, url)


def _request(world: World) -> Any:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = world.cast.adam
    return request


def test_sign_in_and_error_pages_are_hardened(world: World) -> None:
    client = Client(raise_request_exception=False)
    for url in ("/accounts/login/", "/accounts/password/reset/", "/no/such/page/", "/admin/"):
        _assert_hardened(client.get(url), url)
    _assert_hardened(Client(enforce_csrf_checks=True).post("/join/redeem/"), "CSRF refusal")


@pytest.mark.django_db
def test_a_crash_shows_a_sentence_and_no_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    from consultations.clinics import views

    def crash(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("patient Paul Peters")

    monkeypatch.setattr(views, "render", crash)
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 500
    assert b"Paul" not in response.content
    _assert_hardened(response, "500")


@pytest.mark.django_db
@override_settings(SECURE_HSTS_SECONDS=63072000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True)
def test_https_is_remembered_for_years() -> None:
    value = Client().get("/", secure=True)["Strict-Transport-Security"]
    assert int(re.search(r"max-age=(\d+)", value)[1]) >= 31_536_000
    assert "includeSubDomains" in value


def test_the_checks_can_fail() -> None:
    """Controls: what each pattern is there to find."""
    assert INLINE.search('<p style="color:red">')
    assert INLINE.search("<script>alert(1)</script>")
    assert not INLINE.search('<script type="application/json" id="texts">')
    assert FETCHED.search('<img src="https://cdn.example/x.png">')
