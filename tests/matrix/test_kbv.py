"""PRIV-1: under the kbv profile recording, transcripts, AI, kept pictures and keys of a server cannot be reached, by any way in."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.cache import cache
from django.core.management import get_commands
from django.urls import get_resolver

from consultations.clinics.models import Clinic
from consultations.rooms.protocol import READERS
from consultations.rooms.recorder.listener import PROGRAMS
from telemed.celery import app as celery_app
from tests.base import Cast
from tests.matrix.kbv_table import REFUSALS
from tests.matrix.kbv_unrelated import UNRELATED
from tests.matrix.test_access_matrix import OWN_ACCOUNT_PREFIXES, _names
from tests.matrix.world import World, make_world

OURS = ("consultations", "telemed")


def entry_points() -> Iterator[str]:
    for name in _names(get_resolver().url_patterns):
        if not name.startswith(("admin:", *OWN_ACCOUNT_PREFIXES)):
            yield f"view {name}"
    yield from (f"message {kind}" for kind in READERS)
    celery_app.loader.import_default_modules()
    yield from (f"task {name}" for name in celery_app.tasks if not name.startswith("celery."))
    yield from (f"program {name}" for name in PROGRAMS)
    yield from (f"command {name}" for name, app in get_commands().items() if str(app).startswith(OURS))
    for model, pages in admin.site._registry.items():
        yield f"admin {model._meta.label}"
        yield from (f"admin {model._meta.label} {button.name}" for button in getattr(pages, "buttons", ()))
        yield from (f"admin {model._meta.label} {name}" for name in pages.actions or ())
    yield from (f"model {model._meta.label}" for model in apps.get_models() if model.__module__.startswith(OURS))


def undeclared(found: Iterable[str], unrelated: Iterable[str] = UNRELATED) -> set[str]:
    return set(found) - set(REFUSALS) - set(unrelated)


@pytest.fixture
def world(cast: Cast, settings: Any, tmp_path: Path) -> World:
    """Everything there is, recordings too, and then the clinic comes under the profile."""
    settings.RECORDINGS_DIR = str(tmp_path / "recordings")
    cache.clear()
    world = make_world(cast)
    Clinic.objects.filter(pk=cast.harbour.pk).update(profile="kbv")
    cast.harbour.refresh_from_db()
    return world


def test_every_way_in_is_declared() -> None:
    found = set(entry_points())
    assert not undeclared(found), "say in kbv_table.py how it refuses, or in kbv_unrelated.py that it captures nothing"
    assert not set(UNRELATED) & set(REFUSALS)
    assert {*UNRELATED, *REFUSALS} <= found, "a row for something that is gone"


def test_control_a_new_way_in_fails() -> None:
    for name in (
        "view recording_share",
        "message start_transcript",
        "program transcriber",
        "task recordings.share",
        "model scribe.Draft",
    ):
        assert undeclared([*entry_points(), name]) == {name}


def test_control_a_recording_endpoint_without_its_row_fails() -> None:
    from unittest.mock import patch

    for name in ("view recording_media", "message recording", "task recordings.finalise", "model recordings.Recording"):
        with patch.dict(REFUSALS):
            del REFUSALS[name]
            assert undeclared(entry_points()) == {name}


def test_nothing_that_names_capture_hides_among_the_unrelated() -> None:
    words = ("record", "transcri", "still", "scribe", "stills", "capture", "ai_")
    allowed = {"model audit.KeyRecord"}
    suspects = {name for name in UNRELATED if any(word in name.lower() for word in words)} - allowed
    assert not suspects


@pytest.mark.parametrize("name", REFUSALS)
def test_it_refuses(world: World, name: str) -> None:
    REFUSALS[name](world)


@pytest.mark.parametrize(
    "name",
    [
        "message consent",
        "message recording",
        "view recording_media",
        "view attachment",
        "model recordings.Recording",
        "model recordings.Attachment",
        "program level_meter",
    ],
)
def test_control_another_profile_is_obeyed(world: World, name: str) -> None:
    """The proofs can fail: where recording is allowed, what they deny happens."""
    Clinic.objects.update(profile="gdpr")
    world.cast.harbour.refresh_from_db()
    with pytest.raises(AssertionError):
        REFUSALS[name](world)
