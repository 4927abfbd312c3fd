"""Links that bring a person to their seat (SEC-6). Only a hash is kept; the raw token exists once, in what we send."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from consultations.rooms.models import JoinLink, Participant, Room
from telemed import audit
from telemed.accounts.models import User
from telemed.lib.ids import new_token, token_hash

OPENS_BEFORE = timedelta(minutes=30)
STAYS_AFTER = timedelta(minutes=15)
CALLED_IN_LASTS = timedelta(hours=1)
# The after-link shows consents and the outcome, nothing live.
AFTER_LASTS = timedelta(days=30)


def link_url(token: str) -> str:
    """Return the address to send. The token stands in the fragment, which browsers send to no server."""
    return f"{settings.PUBLIC_BASE_URL}/join/#{token}"


def validity(participant: Participant, kind: str) -> tuple[datetime, datetime]:
    """Return (from, until) of a link that is made now for this participant's visit."""
    appointment = participant.room.appointment
    if kind == JoinLink.Kind.AFTER:
        return timezone.now(), max(appointment.ends_at, timezone.now()) + AFTER_LASTS
    opens_at, ends_at = appointment.starts_at - OPENS_BEFORE, appointment.ends_at + STAYS_AFTER
    if participant.room.state in {Room.State.OPEN, Room.State.LIVE}:
        # Who is called into a visit that takes longer than planned, or began earlier, can still come.
        return min(opens_at, timezone.now()), max(ends_at, timezone.now() + CALLED_IN_LASTS)
    return opens_at, ends_at


@transaction.atomic
def mint_link(participant: Participant, kind: str = JoinLink.Kind.JOIN, *, acting_user: User | None) -> str:
    """Make one more live link for this seat and return its raw token. Earlier ones stay valid.

    The patient's works on every device of a family, each of which asks for the seat; a guest's on the first one only.
    """
    token = new_token()
    valid_from, valid_until = validity(participant, kind)
    JoinLink.objects.create(
        participant=participant,
        kind=kind,
        token_hash=token_hash(token),
        valid_from=valid_from,
        valid_until=valid_until,
        one_time=participant.is_guest and kind == JoinLink.Kind.JOIN,
    )
    audit.record(
        "link.minted",
        actor=acting_user,
        clinic=participant.room.appointment.clinic.public_id,
        object=f"participant:{participant.public_id}",
        details={"kind": str(kind), "valid_until": valid_until.isoformat()},
    )
    return token


def revoke_links(participants: list[Participant], kind: str = JoinLink.Kind.JOIN) -> int:
    """Make the live links of these seats useless and return how many there were.

    Part of a larger action (rescheduled, cancelled), whose audit entry tells of it.
    """
    live = JoinLink.objects.filter(participant__in=participants, kind=kind, revoked_at__isnull=True)
    return live.update(revoked_at=timezone.now())
