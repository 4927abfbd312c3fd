"""manage.py verify_recordings: is every sealed file there, and as it was when it was finished? Opens none of them."""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from consultations.recordings import storage
from consultations.recordings.models import Attachment, Film, Track


class Command(BaseCommand):
    help = (
        "Compare the sealed files of recordings and attachments with their checksums. Needs no key and opens nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--manifest",
            action="store_true",
            help="print the checksums, as `sha256sum --check` reads them, and look at no file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["manifest"]:
            for name, sha256 in _files():
                self.stdout.write(f"{sha256}  {name}")
            return
        seen = wrong = 0
        for name, sha256 in _files():
            seen += 1
            if words := _wrong(name, sha256):
                wrong += 1
                self.stdout.write(f"{words}: {name}")
        self.stdout.write(f"{seen} files, {wrong} of them wrong")
        if wrong:
            sys.exit(1)


def _files() -> Iterator[tuple[str, str]]:
    """(name in the storage, SHA-256 of the sealed file) of all that should be there."""
    for track in (
        Track.objects.filter(deleted_at__isnull=True).exclude(sha256="").select_related("recording").iterator()
    ):
        yield storage.name_of(track), track.sha256
    made = Film.objects.filter(deleted_at__isnull=True, state=Film.State.DONE).exclude(sha256="")
    for film in made.select_related("recording").iterator():
        yield storage.name_of(film), film.sha256
    for attachment in Attachment.objects.filter(deleted_at__isnull=True).iterator():
        yield attachment.file_name, attachment.sha256


def _wrong(name: str, sha256: str) -> str:
    try:
        return "" if storage.digest(name) == sha256 else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "cannot be read"
