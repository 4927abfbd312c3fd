"""Text messages: one small interface. A gateway is a class with `send`, named by settings.SMS_BACKEND."""

import sys
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from consultations.outbox.errors import DeliveryFailed


class SmsBackend(Protocol):
    def send(self, number: str, text: str, *, reference: str) -> None:
        """Hand `text` to the network. `reference` is the message's public id: a gateway drops repeats of it.

        Raises DeliveryFailed, or TryLater when the gateway cannot be reached.
        """


class ConsoleSms:
    """Writes the message where Django's console e-mail backend writes its mails. For the demo."""

    def send(self, number: str, text: str, *, reference: str) -> None:
        sys.stdout.write(f"Text message to {number}\n{text}\n{'-' * 79}\n")
        sys.stdout.flush()


class NotConfigured:
    """The default: no gateway, and the people who booked are told so."""

    def send(self, number: str, text: str, *, reference: str) -> None:
        raise DeliveryFailed("sms_not_configured")


def sms_backend() -> SmsBackend:
    """Return the configured gateway."""
    backend: SmsBackend = import_string(settings.SMS_BACKEND)() if settings.SMS_BACKEND else NotConfigured()
    return backend
