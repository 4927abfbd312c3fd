"""From the role in the address to the demo's person."""

from django.conf import settings
from django.http import Http404

from consultations.demo.people import ROLES
from consultations.rooms.models import JoinLink, Room
from telemed.accounts.models import User


def get_demo_user(role: str) -> User:
    """Return the person who plays the role; Http404 for an unknown role, and for any outside the demo."""
    if not settings.DEMO or role not in ROLES:
        raise Http404
    user = User.objects.filter(email=ROLES[role], is_active=True).first()
    if user is None:
        raise Http404
    return user


def find_next_visit(user: User) -> str:
    """Return the code of the practitioner's visit that the newest link leads to, '' when that one is over."""
    alone = JoinLink.objects.filter(participant__room__appointment__visit_type__is_group=False)
    link = alone.filter(participant__room__appointment__practitioner__user=user).order_by("-pk").first()
    if link is None or link.participant.room.state == Room.State.ENDED:
        return ""
    return link.participant.room.code
