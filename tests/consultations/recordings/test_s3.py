"""Finished recordings in an S3-compatible storage, over HTTP: only ciphertext, by range, and no file lost on the way."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.cache import cache
from django.core.files.storage import storages
from django.urls import reverse
from django.utils import timezone
from moto.server import ThreadedMotoServer

from consultations.recordings import storage
from consultations.recordings.actions import ending, keeping
from consultations.recordings.checks import check_storage
from consultations.recordings.s3 import BLOCK_BYTES
from media_routing import api
from tests.base import Cast
from tests.matrix.world import FILM, World, make_world

ACCESS = {"access_key": "test", "secret_key": "test", "region_name": "eu-central-1"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def configured(settings: Any, endpoint: str, bucket: str) -> None:
    options = {
        "bucket_name": bucket, "endpoint_url": endpoint, "signature_version": "s3v4", "addressing_style": "path",
        "default_acl": None, "file_overwrite": True, **ACCESS,
    }  # fmt: skip
    remote = {"BACKEND": "consultations.recordings.s3.SealedS3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": remote}
    storages._storages = {}


@pytest.fixture
def bucket(endpoint: str) -> Any:
    name = f"films-{os.urandom(4).hex()}"
    s3 = boto3.resource(
        "s3", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
    return s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Any, endpoint: str, bucket: Any) -> Iterator[World]:
    """What was recorded is on the disk; from now on it is kept far away."""
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    cache.clear()
    world = make_world(cast)
    configured(settings, endpoint, bucket.name)
    yield world
    storages._storages = {}


def names(bucket: Any) -> list[str]:
    return sorted(one.key for one in bucket.objects.all())


def media(world: World) -> str:
    recording = world.recording
    return reverse("recording_media", args=[recording.public_id, recording.tracks.get().public_id])


def test_a_finished_recording_moves_once_and_is_watched_from_there(world: World, bucket: Any) -> None:
    recording = world.recording
    track = recording.tracks.get()
    here = storage.path_of(track)
    anna = world.client("practitioner")
    assert anna.get(media(world), headers={"Range": "bytes=5-9"}).content == FILM[5:10], "still here, read here"
    for _ in range(2):
        assert ending.move_files(recording) == 0
    assert not here.exists()
    assert not here.parent.exists(), "nor is its folder"
    assert storage.name_of(track) in names(bucket)
    stored = bucket.Object(storage.name_of(track)).get()["Body"].read()
    assert FILM[:50] not in stored
    part = anna.get(media(world), headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, FILM[5:10])
    assert part["Content-Range"] == f"bytes 5-9/{len(FILM)}"
    whole = anna.get(media(world))
    assert b"".join(whole.streaming_content) == FILM  # type: ignore[attr-defined]
    with pytest.raises(FileNotFoundError):
        storage.open_kept("nobody/nothing.sealed")


def test_a_look_into_a_long_film_fetches_little_of_it(world: World, bucket: Any) -> None:
    key, plain = api.new_key(), os.urandom(1024) * 6000
    storage.kept().save("long/film.sealed", storage.ContentFile(api.seal_bytes(plain, key)))
    fetched = []
    remote = storage.open_kept("long/film.sealed")
    inner = remote.file  # type: ignore[attr-defined]
    fetch = inner._fetch
    inner._fetch = lambda begin, end: fetched.append(end - begin) or fetch(begin, end)
    with api.SealedReader(remote, key) as reader:
        assert reader.complete
        assert b"".join(reader.read_range(3_000_000, 3_000_100)) == plain[3_000_000:3_000_100]
    assert sum(fetched) <= 3 * BLOCK_BYTES < len(plain) / 3


def test_a_storage_that_is_away_loses_nothing_and_the_next_look_moves_it(
    world: World, settings: Any, endpoint: str, bucket: Any
) -> None:
    recording = world.recording
    configured(settings, "http://127.0.0.1:9", bucket.name)  # nobody listens on "discard"
    assert ending.move_files(recording) == 2
    assert storage.path_of(recording.tracks.get()).exists()
    configured(settings, endpoint, bucket.name)
    # A move that was cut off left half a file there.
    name = storage.name_of(recording.tracks.get())
    bucket.put_object(Key=name, Body=b"half")
    ending.recover_lost(timezone.now())
    assert not storage.path_of(recording.tracks.get()).exists()
    assert storage.digest(name)
    assert world.client("practitioner").get(media(world), headers={"Range": "bytes=0-3"}).content == FILM[:4]


def test_deleting_deletes_there_too(world: World, bucket: Any, django_capture_on_commit_callbacks: Any) -> None:
    recording = world.recording
    ending.move_files(recording)
    mine = [name for name in names(bucket) if name.startswith(recording.public_id)]
    assert len(mine) == 2
    with django_capture_on_commit_callbacks(execute=True):
        keeping.delete_recording(recording, acting_user=world.cast.anna)
    assert not [name for name in names(bucket) if name.startswith(recording.public_id)]


def test_an_attachment_is_kept_there(world: World, bucket: Any) -> None:
    kept = storage.keep_bytes("attachments/x.sealed", b"sealed bytes")
    assert storage.digest("attachments/x.sealed") == kept
    assert "attachments/x.sealed" in names(bucket)
    storage.remove_kept("attachments/x.sealed")
    storage.remove_kept("attachments/x.sealed")
    assert "attachments/x.sealed" not in names(bucket)


def test_wrong_combinations_are_told(settings: Any) -> None:
    assert check_storage() == []
    settings.RECORDINGS_S3_LEFTOVERS = ["RECORDINGS_S3_BUCKET"]
    assert [one.id for one in check_storage()] == ["recordings.E001"]
    for url, ids in (
        ("http://s3.example", ["recordings.E002"]),
        ("https://s3.example", []),
        ("http://localhost:9", []),
    ):
        configured(settings, url, "films")
        assert [one.id for one in check_storage()] == ids
    storages._storages = {}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"RECORDINGS_STORAGE": "s4"}, "must be local or s3"),
        ({"RECORDINGS_STORAGE": "s3"}, "RECORDINGS_S3_BUCKET is not set"),
        ({"RECORDINGS_STORAGE": "s3", "RECORDINGS_S3_BUCKET": "b", "RECORDINGS_S3_REGION": "r",
          "RECORDINGS_S3_ACCESS_KEY": "k"}, "RECORDINGS_S3_SECRET_KEY"),
    ],
)  # fmt: skip
def test_settings_fail_loudly(environment: dict[str, str], words: str, tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import telemed.settings"],
        env={**os.environ, "TELEMED_VAR_DIR": str(tmp_path), "TESTING": "1", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
