"""Watching and taking away, by staff: written down before the first byte is sent (SEC-7)."""

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

from consultations.recordings.actions import keeping
from consultations.recordings.models import Film, Track
from consultations.recordings.sending import send_film

# A player asks for many ranges; those of one sitting are one playback in the log.
ONE_PLAYBACK_S = 600


def play(request: HttpRequest, file: Track | Film) -> HttpResponseBase:
    """The plain bytes for the page's player, by range; the first of a sitting is an entry."""
    if cache.add(f"playback:{request.user.pk}:{file.public_id}", 1, ONE_PLAYBACK_S):
        keeping.note_playback(file, acting_user=request.user)  # type: ignore[arg-type]
    return send_film(request, file)


def take_away(request: HttpRequest, file: Track | Film) -> HttpResponseBase:
    """A copy to take away; every one is an entry."""
    keeping.note_playback(file, acting_user=request.user, download=True)  # type: ignore[arg-type]
    return send_film(request, file, download_as=file.public_id)
