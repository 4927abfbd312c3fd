"""Where recorded files are, and how much room is left. A recording is one folder under RECORDINGS_DIR."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from consultations.recordings.models import Recording, Track


def root() -> Path:
    """Return the folder of all recordings, made with rights for this user alone."""
    path = Path(settings.RECORDINGS_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept() -> Storage:
    """Return where finished sealed files are kept, through Django's storage API."""
    return FileSystemStorage(location=root(), file_permissions_mode=0o600, directory_permissions_mode=0o700)


def keep_bytes(name: str, sealed: bytes) -> str:
    """Keep a whole sealed file under a new name and return its SHA-256. Raises OSError."""
    if kept().save(name, ContentFile(sealed)) != name:
        raise OSError("there is such a file already")
    return hashlib.sha256(sealed).hexdigest()


def open_kept(name: str) -> BinaryIO:
    """Return the sealed file, to read and to seek in. Raises FileNotFoundError."""
    return cast(BinaryIO, kept().open(name, "rb"))


def remove_kept(name: str) -> None:
    """Remove a kept file; nothing is fine."""
    kept().delete(name)


def folder_of(recording: Recording) -> Path:
    """Return where the recording's files are. Public ids are letters and digits, so none leads elsewhere."""
    return root() / recording.public_id


def path_of(track: Track) -> Path:
    """Return a track's file; raise ValueError for a name that leads out of the recording's folder."""
    if Path(track.file_name).name != track.file_name or track.file_name in {"", ".", ".."}:
        raise ValueError("not a file name")
    return folder_of(track.recording) / track.file_name


def has_room() -> bool:
    """Return whether a recording may begin: more is free than must stay free (REL-7)."""
    return shutil.disk_usage(root()).free >= settings.RECORDING_RESERVE_BYTES


def remove_folder(recording: Recording) -> None:
    """Remove what is there of a recording; nothing is fine."""
    shutil.rmtree(folder_of(recording), ignore_errors=True)


def remove_sources(recording: Recording, names: Iterable[str]) -> None:
    """Remove what a finished file was made of."""
    for name in names:
        (folder_of(recording) / Path(name).name).unlink(missing_ok=True)


def remove_file(track: Track) -> None:
    path_of(track).unlink(missing_ok=True)
