"""SEC-16: the demo's people and doors do not exist outside the demo."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client, RequestFactory

from consultations.demo import views
from consultations.demo.actions.seed import seed
from consultations.demo.checks import check_demo_is_local, check_no_demo_users
from consultations.demo.environment import prepare
from consultations.demo.people import DOMAIN, ROLES, DemoUsersOutsideDemo, refuse_demo_users
from telemed.accounts.models import User

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def demo_user(db: None) -> User:
    return User.objects.create_user(ROLES["practitioner"], None, name="Anna Becker")


def test_the_check_names_demo_users(demo_user: User) -> None:
    assert [error.id for error in check_no_demo_users(databases=["default"])] == ["demo.E001"]


def test_the_check_is_silent_without_them_and_in_the_demo(db: None, settings: Any) -> None:
    assert check_no_demo_users(databases=["default"]) == []
    User.objects.create_user(ROLES["admin"], None, name="Adam Richter")
    settings.DEMO = True
    assert check_no_demo_users(databases=["default"]) == []


def test_the_server_does_not_start_with_them(demo_user: User, settings: Any) -> None:
    with pytest.raises(DemoUsersOutsideDemo):
        refuse_demo_users()
    settings.DEMO = True
    refuse_demo_users()


def test_a_demo_user_cannot_sign_in_outside_the_demo(demo_user: User) -> None:
    client = Client()
    with pytest.raises(PermissionDenied):
        client.force_login(demo_user)
    demo_user.set_password("a long enough password 7")
    demo_user.save(update_fields=["password"])
    response = client.post("/accounts/login/", {"login": demo_user.email, "password": "a long enough password 7"})
    assert response.status_code == 403
    assert client.get("/today/").status_code == 302


def test_others_sign_in_as_ever(cast: Any) -> None:
    Client().force_login(cast.anna)


def test_the_door_is_not_in_the_addresses(client: Client, db: None) -> None:
    assert client.get("/demo/sign-in/practitioner/").status_code == 404


def test_nobody_is_seeded_outside_the_demo(db: None) -> None:
    with pytest.raises(RuntimeError):
        seed()
    assert not User.objects.filter(email__endswith=DOMAIN).exists()


def test_the_command_alone_does_not_make_a_demo(db: None) -> None:
    with pytest.raises(CommandError, match="sets DEMO"):
        call_command("demo")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.com"])
def test_the_demo_listens_on_this_machine_only(settings: Any, host: str) -> None:
    settings.DEMO = True
    with pytest.raises(CommandError, match="this machine only"):
        call_command("demo", host=host)


def test_a_demo_with_a_public_address_is_an_error(settings: Any) -> None:
    settings.DEMO = True
    settings.PUBLIC_BASE_URL = "https://clinic.example"
    assert [error.id for error in check_demo_is_local()] == ["demo.E002"]
    settings.PUBLIC_BASE_URL = "http://localhost:8000"
    assert check_demo_is_local() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=::1"},
    ],
)
def test_the_door_opens_from_this_machine_only(demo_user: User, settings: Any, headers: dict[str, str]) -> None:
    settings.DEMO = True
    request = RequestFactory().get("/demo/sign-in/practitioner/", **{"REMOTE_ADDR": "127.0.0.1", **headers})
    with pytest.raises(PermissionDenied):
        views.sign_in(request, "practitioner")


@pytest.mark.parametrize("secret", ["", "guess", "é"])
def test_a_wrong_secret_opens_nothing(demo_user: User, settings: Any, tmp_path: Path, secret: str) -> None:
    settings.DEMO, settings.VAR_DIR = True, tmp_path
    request: HttpRequest = RequestFactory().post("/demo/sign-in/practitioner/", {"secret": secret})
    with pytest.raises(PermissionDenied):
        views.sign_in(request, "practitioner")
    assert stat.S_IMODE((tmp_path / "demo-sign-in").stat().st_mode) == 0o600


def test_the_environment_of_a_real_clinic_never_reaches_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DEMO", "DEBUG", "PUBLIC_BASE_URL", "EXTRA_ALLOWED_HOSTS", "EXTRA_ORIGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELEMED_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://clinic@db/clinic")
    monkeypatch.setenv("SECRET_KEY", "the clinic's")
    with monkeypatch.context() as context:
        context.setattr(os, "environ", dict(os.environ))
        arguments = prepare(["--json", "--port", "0"])
        assert os.environ["DATABASE_URL"] == f"sqlite://{tmp_path / 'demo.sqlite3'}"
        assert "SECRET_KEY" not in os.environ
        assert os.environ["PUBLIC_BASE_URL"] == f"http://localhost:{arguments[1]}"
    assert int(arguments[1]) > 0


def test_wrong_arguments_are_explained_by_the_command() -> None:
    environment = {**os.environ, "TESTING": "0"}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--port", "many"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
