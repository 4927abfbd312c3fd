"""Recordings that are there: watching, taking away, deleting, keeping longer, sweeping. Refusals first."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from consultations.recordings import storage
from consultations.recordings.actions import keeping
from consultations.recordings.models import Recording, Track
from consultations.recordings.ranges import NotSatisfiable, parse_range
from consultations.rooms.refusals import Refused
from telemed.audit.models import AuditEntry
from telemed.audit.verification import verify
from tests.base import Cast
from tests.matrix.world import FILM, World, make_world


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Any) -> World:
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    cache.clear()
    return make_world(cast)


def events(name: str) -> int:
    return AuditEntry.objects.filter(event=name).count()


def url(world: World, name: str = "recording_media") -> str:
    recording = world.recording
    if name in {"recording_media", "recording_download"}:
        return reverse(name, args=[recording.public_id, recording.tracks.get().public_id])
    return reverse(name, args=[recording.public_id])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("lines=1-2", None),
        ("bytes=-", None),
    ],
)
def test_ranges(header: str, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, 100, most_bytes=1000) == expected


def test_a_range_is_cut_to_what_one_answer_holds_and_refused_behind_the_end() -> None:
    assert parse_range("bytes=10-", 100, most_bytes=20) == (10, 30)
    for header in ("bytes=100-", "bytes=-0"):
        with pytest.raises(NotSatisfiable):
            parse_range(header, 100, most_bytes=20)


def test_the_player_gets_ranges_and_one_playback_is_written_down_once(world: World) -> None:
    client = world.client("practitioner")
    answer = client.get(url(world), headers={"Range": "bytes=5-9"})
    assert (answer.status_code, answer.content) == (206, FILM[5:10])
    assert answer["Content-Range"] == f"bytes 5-9/{len(FILM)}"
    assert answer["Cache-Control"].count("no-store") == 1
    rest = client.get(url(world), headers={"Range": f"bytes=10-{len(FILM) - 1}"})
    assert rest.content == FILM[10:]
    assert client.get(url(world), headers={"Range": f"bytes={len(FILM)}-"}).status_code == 416
    assert events("recording.played") == 1
    cache.clear()
    client.get(url(world), headers={"Range": "bytes=5-9"})
    assert events("recording.played") == 2, "who begins in the middle plays, too"
    verify()


def test_a_download_is_the_whole_and_written_down_each_time(world: World) -> None:
    client = world.client("practitioner")
    for count in (1, 2):
        answer = client.get(url(world, "recording_download"))
        assert b"".join(answer.streaming_content) == FILM  # type: ignore[attr-defined]
        assert "attachment" in answer["Content-Disposition"]
        assert events("recording.downloaded") == count


def test_what_stands_on_the_disk_is_not_the_film(world: World) -> None:
    path = storage.path_of(world.recording.tracks.get())
    assert FILM[:50] not in path.read_bytes()


def test_a_track_whose_person_withdrew_is_shown_to_nobody_and_swept(world: World) -> None:
    track = world.recording.tracks.get()
    Track.objects.filter(pk=track.pk).update(withdrawn_at=timezone.now())
    assert world.client("practitioner").get(url(world)).status_code == 404
    path = storage.path_of(track)
    assert path.exists()
    with_commits(lambda: keeping.sweep_recordings(timezone.now()))
    assert not path.exists()
    assert keeping.sweep_recordings(timezone.now()) == 0


def with_commits(act: Any) -> Any:
    """Run `act`, and then what it left for the time after the commit."""
    from django.db import connection

    before = len(connection.run_on_commit)
    result = act()
    for _, later, *_ in connection.run_on_commit[before:]:
        later()
    del connection.run_on_commit[before:]
    return result


def test_what_is_past_its_time_goes_with_its_key_and_never_twice(world: World) -> None:
    recording = world.recording
    folder = storage.folder_of(recording)
    now = timezone.now()
    assert keeping.sweep_recordings(now) == 0
    late = now + timedelta(days=31)
    assert with_commits(lambda: keeping.sweep_recordings(late)) == 3, "one of each clinic's visits"
    recording.refresh_from_db()
    assert recording.deleted_at is not None
    assert recording.wrapped_key == ""
    assert not folder.exists()
    assert keeping.sweep_recordings(late) == 0
    assert events("recording.expired") == 3
    assert world.client("practitioner").get(url(world)).status_code == 404
    assert world.client("practitioner").get(url(world, "recording")).status_code == 200


def test_a_legal_hold_keeps_it_from_the_sweep_and_from_everybody(world: World) -> None:
    anna = world.client("practitioner")
    anna.post(url(world, "recording_hold"), {"on": "1"})
    with pytest.raises(Refused, match="legal_hold"):
        keeping.delete_recording(world.recording, acting_user=world.cast.anna)
    anna.post(url(world, "recording_delete"))
    keeping.sweep_recordings(timezone.now() + timedelta(days=4000))
    assert world.recording.deleted_at is None
    anna.post(url(world, "recording_hold"), {"on": "0"})
    anna.post(url(world, "recording_delete"))
    assert world.recording.deleted_at is not None
    assert (events("recording.hold_set"), events("recording.hold_lifted"), events("recording.deleted")) == (1, 1, 1)


def test_the_page_names_who_is_on_it_and_offers_no_media_to_a_clinic_admin(world: World) -> None:
    mine = world.client("practitioner").get(url(world, "recording")).content.decode()
    assert "<video" in mine
    assert "Paul Peters" in mine
    admins = world.client("clinic_admin").get(url(world, "recording")).content.decode()
    assert "<video" not in admins
    assert "delete-confirm" in admins


def test_a_file_that_was_changed_is_not_sent(world: World) -> None:
    path = storage.path_of(world.recording.tracks.get())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert world.client("practitioner").get(url(world)).status_code == 404


def test_a_name_that_leads_out_of_the_folder_is_no_file(world: World) -> None:
    track = world.recording.tracks.get()
    for name in ("../secret", "a/b", "..", ""):
        track.file_name = name
        with pytest.raises(ValueError, match="not a file name"):
            storage.path_of(track)


def test_retention_is_the_clinics(world: World) -> None:
    assert world.cast.harbour.recording_days == 30
    assert not Recording.objects.filter(keep_until__isnull=True).exists()
