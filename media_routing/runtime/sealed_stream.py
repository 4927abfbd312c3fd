"""Sealed files as the streams that FFmpeg wants, so that finishing a recording never puts it on the disk in clear."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from media_routing.runtime.sealed_file import MAX_DATA_BYTES, SealedReader, SealedWriter

SECTOR_BYTES: Final = 16 * 1024


class SealedSource(io.RawIOBase):
    """The plain bytes of a sealed file, to read and to seek in. Raises SealedFileError as SealedReader does."""

    def __init__(self, source: Path | BinaryIO, key: bytes) -> None:
        self._reader = SealedReader(source, key)
        self._at = 0

    @property
    def is_complete(self) -> bool:
        return self._reader.complete

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._reader.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._reader.size if size < 0 else self._at + size
        data = b"".join(self._reader.read_range(self._at, end))
        self._at += len(data)
        return data

    def close(self) -> None:
        self._reader.close()
        super().close()


class Spool(io.RawIOBase):
    """A file without a name, to write, seek and read in, encrypted under a key that only this object has.

    AES-XTS (IEEE 1619) as disks have it: a sector can be written again at its place, which a muxer does with its
    header. It hides, and does not authenticate; what is read back is sealed at once.
    """

    def __init__(self, directory: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  closed by `close`
        self._key = algorithms.AES(os.urandom(64))
        self._at = self._size = 0
        self._sector = -1
        self._data = bytearray(SECTOR_BYTES)
        self._is_changed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def write(self, data: object) -> int:
        plain = memoryview(data).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(plain):
            sector, begin = divmod(self._at, SECTOR_BYTES)
            self._load(sector)
            piece = plain[done : done + SECTOR_BYTES - begin]
            self._data[begin : begin + len(piece)] = piece
            self._is_changed = True
            self._at += len(piece)
            done += len(piece)
        self._size = max(self._size, self._at)
        return done

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        pieces = []
        while self._at < end:
            sector, begin = divmod(self._at, SECTOR_BYTES)
            self._load(sector)
            piece = bytes(self._data[begin : begin + end - self._at])
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def seal_into(self, path: Path, key: bytes) -> int:
        """Writes everything as a sealed file that must not exist; returns its plain size in bytes."""
        writer = SealedWriter(path, key)
        self.seek(0)
        while data := self.read(MAX_DATA_BYTES):
            writer.write(data)
        writer.finish()
        return writer.total_bytes

    def close(self) -> None:
        self._file.close()
        super().close()

    def _load(self, sector: int) -> None:
        if sector == self._sector:
            return
        if self._is_changed:
            encryptor = self._cipher(self._sector).encryptor()
            self._file.seek(self._sector * SECTOR_BYTES)
            self._file.write(encryptor.update(bytes(self._data)))
            self._is_changed = False
        self._file.seek(sector * SECTOR_BYTES)
        stored = self._file.read(SECTOR_BYTES)
        self._data[:] = self._cipher(sector).decryptor().update(stored) if stored else bytes(SECTOR_BYTES)
        self._sector = sector

    def _cipher(self, sector: int) -> Cipher[modes.XTS]:
        return Cipher(self._key, modes.XTS(sector.to_bytes(16, "little")))
