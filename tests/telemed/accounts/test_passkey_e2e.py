"""A real Chromium with a virtual authenticator: passkeys, the idle warning and every page under our strict CSP (SEC-5, SEC-14)."""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.chromium import Person, person
from tests.telemed.accounts.small_server import AccountsServer

pytestmark = pytest.mark.e2e
PASSWORD = "a long enough password 7"
SHOTS = os.environ.get("SCREENSHOTS", "")
REFUSE = "() => { navigator.credentials.get = () => Promise.reject(new DOMException('no', 'NotAllowedError')) }"
CREATE_USER = f"""
from telemed.accounts.models import User
User.objects.create_user("{{email}}", "{PASSWORD}", name="Ned New", is_staff={{is_staff}})
"""


@pytest.fixture(scope="module")
def server():
    with AccountsServer() as running:
        yield running


@pytest.fixture
async def ned() -> AsyncIterator[Person]:
    async with person("ned") as one:
        protocol = await one.context.new_cdp_session(one.page)
        await protocol.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield one


async def shoot(one: Person, name: str) -> None:
    """Photograph the page on a phone and on a desk when SCREENSHOTS names a directory."""
    if not SHOTS:
        return
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 844), (1440, 900)):
        await one.page.set_viewport_size({"width": width, "height": height})
        await one.page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    await one.page.set_viewport_size({"width": 1280, "height": 800})


async def enter_password(one: Person, server: AccountsServer, email: str) -> None:
    await one.page.goto(f"{server.base_url}/accounts/login/")
    await one.page.get_by_label("E-mail address").fill(email)
    await one.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await one.click("password-login")


async def test_an_admin_enrols_a_passkey_and_signs_in_with_it_alone(server: AccountsServer, ned: Person):
    server.run(CREATE_USER.format(email="ned@harbour.example", is_staff=True))
    page = ned.page
    await page.goto(f"{server.base_url}/accounts/login/")
    await shoot(ned, "login")
    await enter_password(ned, server, "ned@harbour.example")
    await page.wait_for_url("**/accounts/security/")
    await shoot(ned, "security-owed")
    await page.goto(f"{server.base_url}/admin/")
    await page.wait_for_url("**/accounts/security/")
    await ned.click("passkey-new")
    await shoot(ned, "passkey-add")
    await ned.click("passkey-add")
    await page.wait_for_url("**/security/recovery-codes/")
    assert await page.locator("#recovery-codes code").count() == 10
    await shoot(ned, "recovery-codes")
    for name, path in (("security", "security/"), ("passkeys", "security/passkeys/"), ("sessions", "sessions/")):
        await page.goto(f"{server.base_url}/accounts/{path}")
        await shoot(ned, name)
    assert (await page.goto(f"{server.base_url}/admin/")).status == 200
    await page.goto(f"{server.base_url}/accounts/security/")
    await page.get_by_role("button", name="Sign out").click()

    await page.goto(f"{server.base_url}/accounts/login/")
    await ned.click("passkey-login")
    await page.wait_for_url(lambda url: "/accounts/" not in url)
    assert (await page.goto(f"{server.base_url}/admin/")).status == 200

    await ned.context.clear_cookies()
    await enter_password(ned, server, "ned@harbour.example")
    await page.wait_for_url("**/accounts/login/confirm/")
    await shoot(ned, "confirm")
    await page.get_by_role("button", name="Use the passkey").click()
    await page.wait_for_url(lambda url: "/accounts/" not in url)
    assert (await page.goto(f"{server.base_url}/admin/")).status == 200
    assert ned.problems == []


async def test_a_passkey_that_is_refused_is_explained(server: AccountsServer, ned: Person):
    await ned.page.goto(f"{server.base_url}/accounts/login/")
    await ned.page.evaluate(REFUSE)
    await ned.click("passkey-login")
    await ned.page.get_by_text("Nothing was done.").wait_for(state="visible")
    await shoot(ned, "login-cancelled")


async def test_a_practitioner_sets_up_an_app_and_is_warned_when_idle(server: AccountsServer, ned: Person):
    server.run(CREATE_USER.format(email="pia@harbour.example", is_staff=False))
    page = ned.page
    await enter_password(ned, server, "pia@harbour.example")
    await page.get_by_role("link", name="Set up an app").click()
    await shoot(ned, "app")
    await page.get_by_text("I cannot scan it").click()
    secret = await page.locator("code.secret").inner_text()
    await page.get_by_label("Code from the app").fill(_code(server, secret))
    await ned.click("app-confirm")
    await page.wait_for_url("**/security/recovery-codes/")

    # The server says that 45 s are left: the warning comes, is operable by keyboard, and real input ends it.
    answer = {"signed_in": True, "busy": False, "idle_s": 45, "absolute_s": 40_000}
    posted: list[str] = []

    async def almost_over(route) -> None:
        if route.request.method == "POST":
            posted.append(route.request.headers.get("x-input-age", ""))
            await route.continue_()
        else:
            await route.fulfill(body=json.dumps(answer), content_type="application/json")

    await page.route("**/accounts/session/", almost_over)
    await page.goto(f"{server.base_url}/accounts/security/")
    dialog = page.get_by_role("alertdialog")
    await dialog.wait_for(state="visible")
    assert re.search(r"Seconds left: 4\d", await dialog.inner_text())
    await shoot(ned, "idle")
    assert await page.get_by_test_id("idle-stay").evaluate("button => button === document.activeElement")
    await page.keyboard.press("Enter")
    await dialog.wait_for(state="hidden")
    assert posted[0] == "0"
    await page.unroute("**/accounts/session/")

    # Over: the page leaves for the login, and nothing of it stays on the screen.
    await ned.context.clear_cookies(name="session")
    await page.evaluate("() => { document.dispatchEvent(new Event('visibilitychange')) }")
    await page.wait_for_url("**/accounts/login/?next=**")
    assert ned.problems == []


async def test_every_password_page_is_shown_without_complaint(server: AccountsServer, ned: Person):
    for name, path in (
        ("reset", "password/reset/"),
        ("reset-sent", "password/reset/sent/"),
        ("reset-bad-link", "password/reset/key/1-abc-def/"),
        ("reset-done", "password/reset/done/"),
        ("inactive", "inactive/"),
    ):
        await ned.page.goto(f"{server.base_url}/accounts/{path}")
        await shoot(ned, name)
    assert ned.problems == []


def _code(server: AccountsServer, secret: str) -> str:
    source = (
        "import time; from allauth.mfa.totp.internal.auth import hotp_value, format_hotp_value;"
        f"print(format_hotp_value(hotp_value('{secret}', int(time.time()) // 30)))"
    )
    return server.run(source).strip()[-6:]
