"""At least once, and told when not (REL-8)."""

import json
import smtplib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.utils import timezone

from consultations.outbox import channels
from consultations.outbox.actions import queue_message, withdraw_messages
from consultations.outbox.models import Message
from consultations.outbox.sending import BACKOFF_S, LEASE_S, due_messages, send
from consultations.outbox.tasks import sweep
from tests.base import Cast

FACTS = {
    "clinic_name": "Harbour Clinic",
    "clinic_phone": "+49 30 1234567",
    "practitioner_name": "Dr Anna Abel",
    "starts_at": "2026-12-01T08:00:00+00:00",
    "ends_at": "2026-12-01T08:20:00+00:00",
    "zone": "Europe/Berlin",
    "link": "https://visits.example/join/#token",
    "uid": "A" * 22,
    "sequence": 0,
}


def _queue(cast: Cast, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "clinic": cast.harbour,
        "event": "visit_invitation",
        "channel": "email",
        "language": "en",
        "recipient": "paul@mail.example",
        "payload": FACTS,
        "subject": "B" * 22,
        "acting_user": cast.anna,
    }
    return queue_message(**{**values, **changes})


class BrokenServer:
    """A mail server that answers with `error` until it is mended."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.tries = 0

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        self.tries += 1
        if self.error:
            raise self.error
        return 1


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    def break_it(error: Exception) -> BrokenServer:
        server = BrokenServer(error)
        monkeypatch.setattr(channels.EmailMultiAlternatives, "send", server)
        return server

    return break_it


def test_recipient_and_link_are_not_readable_in_the_database(cast: Cast) -> None:
    _queue(cast)
    with connection.cursor() as cursor:
        cursor.execute("SELECT recipient || payload FROM outbox_message")
        stored = cursor.fetchone()[0]
    assert "paul" not in stored
    assert "token" not in stored


def test_a_sent_message_forgets_the_link(cast: Cast) -> None:
    message = _queue(cast)
    assert send(message.pk)
    message.refresh_from_db()
    assert (message.state, message.payload, message.attempts) == ("sent", "", 1)
    assert not send(message.pk)
    assert len(mail.outbox) == 1


def test_a_message_in_other_hands_is_left_alone(cast: Cast) -> None:
    message = _queue(cast)
    Message.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=LEASE_S), attempts=1)
    assert not send(message.pk)
    assert due_messages() == []


def test_a_worker_that_died_loses_nothing(cast: Cast) -> None:
    """Killed between sending and writing it down: sent again, with the id by which mail programs drop the repeat."""
    message = _queue(cast)
    assert send(message.pk)
    Message.objects.update(state="queued", payload=json.dumps(FACTS), next_attempt_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(seconds=LEASE_S + 1)):
        assert sweep() == 1
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(), "mail_server_unreachable"),
        (smtplib.SMTPServerDisconnected(), "mail_server_unreachable"),
        (smtplib.SMTPRecipientsRefused({"paul@mail.example": (451, b"later")}), "mail_deferred"),
    ],
)
def test_a_passing_failure_is_tried_again_later(cast: Cast, broken: Any, error: Exception, code: str) -> None:
    server = broken(error)
    message = _queue(cast)
    assert not send(message.pk)
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("queued", code)
    assert message.payload
    assert sweep() == 0  # not yet due
    server.error = None
    with time_machine.travel(timezone.now() + timedelta(seconds=BACKOFF_S[0] + 1)):
        assert sweep() == 1
    message.refresh_from_db()
    assert (message.state, message.error_code, server.tries) == ("sent", "", 2)


def test_it_gives_up_in_the_end(cast: Cast, broken: Any) -> None:
    server = broken(ConnectionRefusedError())
    message = _queue(cast)
    now = timezone.now()
    for _ in range(len(BACKOFF_S) + 3):
        with time_machine.travel(now):
            sweep()
        now += timedelta(days=1)
    message.refresh_from_db()
    assert (message.state, message.error_code, message.payload) == ("failed", "mail_server_unreachable", "")
    assert server.tries == len(BACKOFF_S) + 1


@pytest.mark.parametrize(
    "error",
    [smtplib.SMTPRecipientsRefused({"paul@mail.example": (550, b"no")}), smtplib.SMTPDataError(554, b"no")],
)
def test_a_final_refusal_is_not_tried_again(cast: Cast, broken: Any, error: Exception) -> None:
    broken(error)
    message = _queue(cast)
    send(message.pk)
    message.refresh_from_db()
    assert (message.state, message.error_code, message.payload) == ("failed", "mail_refused", "")


def test_what_was_withdrawn_is_not_sent(cast: Cast) -> None:
    message = _queue(cast)
    other = _queue(cast, subject="C" * 22)
    assert withdraw_messages(cast.harbour, "B" * 22) == 1
    assert not send(message.pk)
    assert send(other.pk)


def test_a_text_message_without_a_gateway_fails_with_a_code(cast: Cast) -> None:
    message = _queue(cast, channel="sms", recipient="+491701234567")
    send(message.pk)
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("failed", "sms_not_configured")


def test_the_console_gateway_shows_the_text(cast: Cast, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SMS_BACKEND = "consultations.outbox.sms.ConsoleSms"
    message = _queue(cast, channel="sms", recipient="+491701234567")
    assert send(message.pk)
    assert FACTS["link"] in capsys.readouterr().out


def test_a_worker_is_woken_with_a_number_and_nothing_else(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from consultations.outbox import tasks

    settings.OUTBOX_INLINE = False
    woken: list[Any] = []
    monkeypatch.setattr(tasks.send_message, "delay", lambda *args: woken.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        message = _queue(cast)
        assert not woken
    assert woken == [(message.pk,)]
    assert not mail.outbox


def test_a_missing_broker_costs_time_only(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from consultations.outbox import tasks

    def no_broker(*args: Any) -> None:
        raise ConnectionRefusedError

    settings.OUTBOX_INLINE = False
    monkeypatch.setattr(tasks.send_message, "delay", no_broker)
    with django_capture_on_commit_callbacks(execute=True):
        _queue(cast)
    assert sweep() == 1
