"""The media service of one process: joins, rooms, presence, admission, drain. All calls from the event loop's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from media_routing.runtime.terms import JoinAnswer, Listener, MediaRefused, MediaSettings, Sample

if TYPE_CHECKING:
    from media_routing.sfu.room import Want

__all__ = ["JoinAnswer", "Listener", "MediaRefused", "MediaService", "MediaSettings", "Sample"]


class MediaService:
    """One UDP port and the rooms behind it."""

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self.draining = False

    async def start(self) -> None:
        """Opens the port. Raises OSError when it is taken."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends every leg (listeners hear `sfu_closed`) and frees the port."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The UDP port in use, after `start`."""
        raise NotImplementedError

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that have a leg or expect one."""
        raise NotImplementedError

    def drain(self) -> None:
        """No new rooms from now on; running ones go on and may be joined (REL-6)."""
        self.draining = True

    def can_carry(self, room_size: int) -> None:
        """Returns when one more room of this size fits; raises MediaRefused `sfu_full` or `sfu_draining` (REL-11)."""
        raise NotImplementedError

    async def join(
        self,
        room: str,
        participant: str,
        connection: str,
        *,
        sdp: str,
        sources: Mapping[str, str],
        room_size: int,
        keep_layer: bool = False,
        listener: Listener,
    ) -> JoinAnswer:
        """Answers an offer. `sources` maps a sending line's mid to "microphone", "camera" or "screen".

        The same `connection` with a new ICE ufrag is an ICE restart on the same DTLS; another `connection` of the same
        participant replaces the old leg when it connects. Raises MediaRefused.
        """
        raise NotImplementedError

    def leave(self, room: str, participant: str, connection: str | None = None) -> None:
        """Ends a participant's leg; with `connection` only if it is that one. Unknown ones are fine."""
        raise NotImplementedError

    def close_room(self, room: str) -> None:
        """Ends every leg of a room."""
        raise NotImplementedError

    def set_wants(self, room: str, participant: str, wants: Sequence[Want]) -> None:
        """What a participant's page shows; kept across reconnects."""
        raise NotImplementedError

    def metrics(self) -> list[Sample]:
        """Counters of the process, per room and per leg."""
        raise NotImplementedError
