"""Where recorded files are, and how much room is left. A recording is one folder under RECORDINGS_DIR.

What grows is always there, on the local disk. What is finished is kept through Django's storage API: in the same place, or
in an S3-compatible storage (`move_in`), sealed in both. A file that is still here is read here, so a move that was cut off
loses nothing and is made again.

    <recording>/<person>-1.webm.sealed      attachments/<id>.sealed
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages

from consultations.recordings.models import Film, Recording, Track


def root() -> Path:
    """Return the folder of all recordings, made with rights for this user alone."""
    path = Path(settings.RECORDINGS_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def is_remote() -> bool:
    return "recordings" in settings.STORAGES


def kept() -> Storage:
    """Return where finished sealed files are kept."""
    return storages["recordings"] if is_remote() else _local()


def _local() -> Storage:
    return FileSystemStorage(location=root(), file_permissions_mode=0o600, directory_permissions_mode=0o700)


def keep_bytes(name: str, sealed: bytes) -> str:
    """Keep a whole sealed file under a new name and return its SHA-256. Raises OSError."""
    if kept().save(name, ContentFile(sealed)) != name:
        raise OSError("there is such a file already")
    return hashlib.sha256(sealed).hexdigest()


def open_kept(name: str) -> BinaryIO:
    """Return the sealed file, to read and to seek in. Raises FileNotFoundError, and OSError when the storage is away."""
    here = root() / name
    return here.open("rb") if here.is_file() else cast(BinaryIO, kept().open(name, "rb"))


def remove_kept(name: str) -> None:
    """Remove a kept file, wherever it is; nothing is fine. Raises OSError when the storage is away."""
    (root() / name).unlink(missing_ok=True)
    if is_remote():
        kept().delete(name)


def move_in(name: str) -> None:
    """Bring a finished file from the disk to where finished files are kept. May be repeated, also after a crash at any
    moment: what is here goes only when as many bytes are there. Raises OSError."""
    here = root() / name
    if not is_remote() or not here.is_file():
        return
    storage = kept()
    with here.open("rb") as file:
        if not storage.exists(name) or storage.size(name) != here.stat().st_size:
            storage.delete(name)
            storage.save(name, File(file))
    if storage.size(name) != here.stat().st_size:
        raise OSError("the storage did not take the whole file")
    here.unlink()
    with contextlib.suppress(OSError):  # others are still here
        here.parent.rmdir()


def digest(name: str) -> str:
    """Return the SHA-256 of a sealed file as it is now. Raises FileNotFoundError and OSError."""
    with open_kept(name) as file:
        found = hashlib.sha256()
        while piece := file.read(1024 * 1024):
            found.update(piece)
    return found.hexdigest()


def folder_of(recording: Recording) -> Path:
    """Return where the recording's files grow. Public ids are letters and digits, so none leads elsewhere."""
    return root() / recording.public_id


def name_of(file: Track | Film) -> str:
    """Return a file's name in the storage; raise ValueError for one that leads out of the recording's folder."""
    if Path(file.file_name).name != file.file_name or file.file_name in {"", ".", ".."}:
        raise ValueError("not a file name")
    return f"{file.recording.public_id}/{file.file_name}"


def path_of(file: Track | Film) -> Path:
    """Return where the file is while it is here."""
    return root() / name_of(file)


def has_room() -> bool:
    """Return whether a recording may begin: more is free than must stay free (REL-7)."""
    return shutil.disk_usage(root()).free >= settings.RECORDING_RESERVE_BYTES


def remove_folder(recording: Recording) -> None:
    """Remove what is there of a recording; nothing is fine."""
    shutil.rmtree(folder_of(recording), ignore_errors=True)
    if is_remote():
        storage = kept()
        for name in storage.listdir(recording.public_id)[1]:
            storage.delete(f"{recording.public_id}/{name}")


def remove_sources(recording: Recording, names: Iterable[str]) -> None:
    """Remove what a finished file was made of."""
    for name in names:
        (folder_of(recording) / Path(name).name).unlink(missing_ok=True)
