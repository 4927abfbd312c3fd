import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consultations.consent.access import current_text
from consultations.recordings.models import Recording
from consultations.rooms.actions import consents, visit
from tests.base import Cast
from tests.consultations.rooms.test_actions import Scene, scene

__all__ = ["scene"]


@dataclass
class Filmed:
    """Anna and Paul inside; `ask` presses Anna's button."""

    scene: Scene

    @property
    def cast(self) -> Cast:
        return self.scene.cast

    def ask(self) -> Recording:
        """Anna presses, and agrees for herself."""
        consents.request_recording(self.scene.anna, acting_user=self.cast.anna)
        self.answer("practitioner")
        return self.recording

    def answer(self, role: str, decision: str = "granted", purpose: str = "recording", **fields: Any) -> None:
        text = current_text(purpose, ["en"])
        assert text is not None
        seat = self.scene.seat(role)
        fields = {"version": text.version, **fields}
        consents.answer_capture(seat, purpose=purpose, decision=decision, **fields)

    def stop(self) -> None:
        consents.stop_recording(self.scene.anna, acting_user=self.cast.anna)

    @property
    def recording(self) -> Recording:
        return Recording.objects.select_related("room").latest("pk")

    @property
    def state(self) -> str:
        return self.recording.state


@pytest.fixture
def filmed(scene: Scene, settings: Any, tmp_path: Path) -> Filmed:
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    settings.RECORDING_RESERVE_BYTES = 1
    scene.enter()
    scene.wait()
    scene.admit()
    return Filmed(scene)


@pytest.fixture
def full_disk(settings: Any, tmp_path: Path) -> None:
    """Less is free than must stay free."""
    free = os.statvfs(tmp_path)
    settings.RECORDING_RESERVE_BYTES = free.f_frsize * free.f_blocks * 2


def leave(filmed: Filmed) -> None:
    visit.leave_visit(filmed.scene.paul)
