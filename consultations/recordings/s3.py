"""Sealed files in an S3-compatible storage. Only ciphertext leaves this machine; nobody is ever given its address: a link
signed for a browser would hand out what nobody can open, and no audit entry.

Reading asks for the bytes that are needed (Range): a player that looks into an hour of film fetches some records of it, not
all (django-storages fetches the whole file at the first look).
"""

import io
import os
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

# One request fetches so much: more costs memory, less costs requests. A range for a player is at most 2 MiB.
BLOCK_BYTES: Final = 512 * 1024
_NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound"})


class SealedS3Storage(S3Storage):
    """`STORAGES["recordings"]`. Files are written whole and never changed."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        if mode != "rb":
            return super()._open(name, mode)
        remote: Any = RemoteFile(self.bucket.Object(self._normalize_name(name)))
        return File(remote, name)

    def delete(self, name: str) -> None:
        try:
            super().delete(name)
        except (ClientError, BotoCoreError) as error:
            raise _as_os_error(error) from None


class RemoteFile(io.RawIOBase):
    """An object of the storage, to read and to seek in. Raises FileNotFoundError, and OSError when the storage is away."""

    def __init__(self, remote: Any) -> None:
        self._remote = remote
        self._at = 0
        self._block_at, self._block = -1, b""
        try:
            self._size = int(remote.content_length)
        except (ClientError, BotoCoreError) as error:
            raise _as_os_error(error) from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        pieces = []
        while self._at < end:
            begin = self._at - self._at % BLOCK_BYTES
            if begin != self._block_at:
                self._block_at, self._block = begin, self._fetch(begin, min(begin + BLOCK_BYTES, self._size))
            piece = self._block[self._at - begin : end - begin]
            if not piece:
                raise OSError("the storage sent less than it promised")
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def _fetch(self, begin: int, end: int) -> bytes:
        try:
            return bytes(self._remote.get(Range=f"bytes={begin}-{end - 1}")["Body"].read())
        except (ClientError, BotoCoreError) as error:
            raise _as_os_error(error) from None


def _as_os_error(error: Exception) -> OSError:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return FileNotFoundError("no such file in the storage") if code in _NOT_THERE else OSError("the storage is away")
