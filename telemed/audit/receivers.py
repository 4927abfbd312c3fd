"""Writes down what telemed.accounts tells about sign-ins and second factors (accounts itself knows no log)."""

from typing import Any

from django.db import transaction

from telemed.accounts.events import security_event
from telemed.accounts.models import User
from telemed.audit.recording import record


def connect() -> None:
    security_event.connect(record_security_event, dispatch_uid="audit.record_security_event")


def record_security_event(
    sender: Any, event: str, user: User | None, actor: User | None, outcome: Any, details: dict[str, Any], **kwargs: Any
) -> None:
    with transaction.atomic():
        record(
            event,
            actor=actor,
            object=f"user:{user.public_id}" if user else "",
            outcome=outcome,
            details=details,
        )
