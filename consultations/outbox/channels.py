"""Hands one message to its network: mail server or text gateway."""

import json
import smtplib
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from consultations.outbox.calendar_file import calendar_entry
from consultations.outbox.errors import DeliveryFailed, TryLater
from consultations.outbox.models import Message
from consultations.outbox.sms import sms_backend
from consultations.outbox.wording import write_words


def deliver(message: Message) -> None:
    """Send it now. Raises TryLater or DeliveryFailed."""
    payload = json.loads(message.payload)
    words = write_words(message.event, message.template_version, message.channel, message.language, payload)
    if message.channel == Message.Channel.SMS:
        sms_backend().send(message.recipient, words.body, reference=message.public_id)
        return
    mail = EmailMultiAlternatives(words.subject, words.body, to=[message.recipient], headers=_headers(message))
    if "uid" in payload:
        _attach_calendar_entry(mail, message, payload)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        raise _by_reply_code(max(codes, default=400)) from None
    except smtplib.SMTPResponseException as error:
        raise _by_reply_code(error.smtp_code) from None
    except (smtplib.SMTPException, OSError):
        raise TryLater("mail_server_unreachable") from None


def _headers(message: Message) -> dict[str, str]:
    """Message-ID is the same on every attempt: mail programs show a repeated delivery once."""
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname
    return {"Message-ID": f"<{message.public_id}@{host}>", "Auto-Submitted": "auto-generated"}


def _attach_calendar_entry(mail: EmailMultiAlternatives, message: Message, payload: dict[str, Any]) -> None:
    cancelled = message.event == "visit_cancelled"
    entry = calendar_entry(payload, recipient=message.recipient, language=message.language, cancelled=cancelled)
    method = "CANCEL" if cancelled else "REQUEST"
    mail.attach("visit.ics", entry.decode(), f"text/calendar; method={method}; charset=utf-8")


def _by_reply_code(code: int) -> DeliveryFailed:
    """RFC 5321 §4.2.1: 5xx is final, 4xx may be tried again."""
    return DeliveryFailed("mail_refused") if code >= 500 else TryLater("mail_deferred")
