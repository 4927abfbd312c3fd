"""Append-only, tamper-evident log of every change and of every read of patient data.

    with transaction.atomic():
        ...the change...
        audit.record("appointment.booked", actor=user, clinic=clinic.public_id, subject=patient.public_id,
                     object=f"appointment:{appointment.public_id}", details={"visit_minutes": 30})

`record` is the last statement of the transaction: it holds the lock that numbers the entries. How the log
proves itself is told in recording.py.
"""

from telemed.audit.private import Private
from telemed.audit.recording import record

__all__ = ["Private", "record"]
