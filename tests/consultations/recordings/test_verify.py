"""manage.py verify_recordings: the sealed files against their checksums, without a key."""

import io
import subprocess
from typing import Any

import pytest
from django.core.management import call_command

from consultations.recordings import storage
from consultations.recordings.models import Track
from tests.base import Cast
from tests.matrix.world import World, make_world


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Any) -> World:
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    world = make_world(cast)
    for track in Track.objects.select_related("recording"):
        Track.objects.filter(pk=track.pk).update(sha256=storage.digest(storage.name_of(track)))
    return world


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("verify_recordings", *words, stdout=out)
    return out.getvalue()


def test_it_finds_what_was_changed_and_what_is_missing(world: World) -> None:
    assert run() == "6 files, 0 of them wrong\n"
    track, attachment = world.recording.tracks.get(), world.attachment
    path = storage.path_of(track)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    storage.remove_kept(attachment.file_name)
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_recordings", stdout=out)
    assert f"changed: {storage.name_of(track)}" in out.getvalue()
    assert f"missing: {attachment.file_name}" in out.getvalue()
    assert "6 files, 2 of them wrong" in out.getvalue()


def test_the_manifest_is_one_that_sha256sum_checks(world: World) -> None:
    manifest = run("--manifest")
    check = ["sha256sum", "--check", "--quiet", "--strict"]
    done = subprocess.run(check, input=manifest, cwd=storage.root(), capture_output=True, text=True, check=False)
    assert (done.returncode, manifest.count("\n")) == (0, 6), done.stderr
