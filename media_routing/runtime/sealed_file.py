"""A file that is encrypted while it grows, and readable to its last seal after a crash (REL-2).

    "TMSEAL1\\n" | file id 16 B | record | record | ...       record: length 4 B | AES-256-GCM(kind 1 B | data) + tag

Each record's nonce is its number, its associated data the file id, its key one derived for this file (HKDF, RFC 5869):
records cannot be changed, swapped, dropped in the middle or moved to another file. The last record of a finished file
says so and how long the whole is; a file without it was cut off, by a crash or by somebody.
"""

from __future__ import annotations

import io
import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"TMSEAL1\n"
FILE_ID_BYTES: Final = 16
HEADER_BYTES: Final = len(MAGIC) + FILE_ID_BYTES
KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
MAX_DATA_BYTES: Final = 64 * 1024 - 1
DATA, FINAL = b"\0", b"\1"
_LENGTH = struct.Struct("!I")
_TOTAL = struct.Struct("!Q")


class SealedFileError(Exception):
    """Not such a file, not this key, or changed by somebody."""


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def seal_bytes(plain: bytes, key: bytes) -> bytes:
    """The whole of a finished sealed file, for what fits into memory and never grows."""
    sealed = io.BytesIO()
    writer = SealedWriter(sealed, key)
    for at in range(0, len(plain), MAX_DATA_BYTES):
        writer.write(plain[at : at + MAX_DATA_BYTES])
    writer.finish(close=False)
    return sealed.getvalue()


def _cipher(key: bytes, file_id: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError("a recording key has 32 bytes")
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=file_id, info=b"telemed sealed file 1").derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12)


class SealedWriter:
    """Takes bytes as a file does; what was sealed by `seal` survives the process, and with fsync the power."""

    def __init__(self, target: Path | BinaryIO, key: bytes) -> None:
        self._file_id = os.urandom(FILE_ID_BYTES)
        self._cipher = _cipher(key, self._file_id)
        self._is_on_disk = isinstance(target, Path)
        self._file: BinaryIO
        if isinstance(target, Path):
            self._file = target.open("xb")
            os.chmod(target, 0o600)
        else:
            self._file = target
        self._file.write(MAGIC + self._file_id)
        self._pending = bytearray()
        self._number = 0
        self.total_bytes = 0
        """Plain bytes sealed so far."""

    def write(self, data: bytes) -> int:
        self._pending += data
        while len(self._pending) > MAX_DATA_BYTES:
            self._put(DATA, bytes(self._pending[:MAX_DATA_BYTES]))
            del self._pending[:MAX_DATA_BYTES]
        return len(data)

    def seal(self, *, sync: bool = True) -> None:
        """Everything written so far becomes readable. Raises OSError (disk full) and then nothing is lost but this."""
        if self._pending:
            self._put(DATA, bytes(self._pending))
            self._pending.clear()
        self._file.flush()
        if sync and self._is_on_disk:
            os.fsync(self._file.fileno())

    def finish(self, *, close: bool = True) -> None:
        """Says that nothing is missing, and closes."""
        self.seal(sync=False)
        self._put(FINAL, _TOTAL.pack(self.total_bytes))
        self.seal()
        if close:
            self._file.close()

    def abandon(self) -> None:
        """Closes as it is: readers see a file that was cut off."""
        self._file.close()

    def _put(self, kind: bytes, data: bytes) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number), kind + data, self._file_id)
        self._file.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1
        if kind == DATA:
            self.total_bytes += len(data)


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    size: int
    start: int
    """Where its data begins in the plain file."""


class SealedReader:
    """Random access to the plain bytes of a sealed file. `complete` is False for one that was cut off.

    `source` may also be a stream that can seek, such as a file of a storage far away; it is closed with the reader.
    """

    def __init__(self, source: Path | BinaryIO, key: bytes) -> None:
        self._file: BinaryIO = source.open("rb") if isinstance(source, Path) else source
        header = self._file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
            raise SealedFileError("not a sealed file")
        self._file_id = header[len(MAGIC) :]
        self._cipher = _cipher(key, self._file_id)
        self._records: list[_Record] = []
        self._kept: tuple[int, bytes] = (-1, b"")
        self.size = 0
        self.complete = False
        self._file_size = self._file.seek(0, os.SEEK_END)
        if not self._lay_out_evenly():
            self._scan()

    def __enter__(self) -> SealedReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def read_range(self, start: int, end: int) -> Iterator[bytes]:
        """The plain bytes from `start` to before `end`, in pieces of at most 64 KiB."""
        end = min(end, self.size)
        first = max(0, bisect_right(self._records, start, key=lambda record: record.start) - 1)
        for number in range(first, len(self._records)):
            record = self._records[number]
            if record.start >= end:
                return
            if self._kept[0] != number:
                self._kept = number, self._open(number, record)[1]
            data = self._kept[1]
            yield data[max(0, start - record.start) : end - record.start]

    def _lay_out_evenly(self) -> bool:
        """Finds the records of a file that was written in one go, by its last one alone: all but the last of the data
        are full then. That is what lies in a storage far away, where every look costs a request. Whether it is so is
        proven: the final record opens under its own number only, and says how long the whole is."""
        final_bytes = _LENGTH.size + 1 + _TOTAL.size + TAG_BYTES
        full, overhead = _LENGTH.size + 1 + MAX_DATA_BYTES + TAG_BYTES, _LENGTH.size + 1 + TAG_BYTES
        sealed = self._file_size - HEADER_BYTES - final_bytes
        if sealed < 0 or 0 < sealed % full <= overhead:
            return False
        count = -(-sealed // full)
        size = sealed - count * overhead
        end = HEADER_BYTES + sealed + _LENGTH.size
        try:
            kind, data = self._open(count, _Record(end, final_bytes - _LENGTH.size, size))
        except SealedFileError:
            return False
        if kind != FINAL or data != _TOTAL.pack(size):
            return False
        for number in range(count):
            start = number * MAX_DATA_BYTES
            plain_bytes = min(MAX_DATA_BYTES, size - start)
            self._records.append(
                _Record(HEADER_BYTES + number * full + _LENGTH.size, plain_bytes + 1 + TAG_BYTES, start)
            )
        self.size, self.complete = size, True
        return True

    def _scan(self) -> None:
        """Finds the records by their lengths; opens the last, which must be the final one, or the tail was cut off."""
        at, file_size = HEADER_BYTES, self._file_size
        while at + _LENGTH.size <= file_size:
            self._file.seek(at)
            (size,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
            if not TAG_BYTES < size <= MAX_DATA_BYTES + 1 + TAG_BYTES or at + _LENGTH.size + size > file_size:
                break
            self._records.append(_Record(at + _LENGTH.size, size, self.size))
            self.size += size - TAG_BYTES - 1
            at += _LENGTH.size + size
        if not self._records:
            return
        try:
            kind, data = self._open(len(self._records) - 1, self._records[-1])
        except SealedFileError:
            # Half a record that a crash left may look whole; with a wrong key the first record fails as well.
            self._drop_last()
            if self._records:
                self._open(0, self._records[0])
            return
        if kind == FINAL:
            self._drop_last()
            self.complete = at == file_size and data == _TOTAL.pack(self.size)
            if not self.complete:
                raise SealedFileError("the file was changed after it was finished")

    def _drop_last(self) -> None:
        self.size = self._records.pop().start

    def _open(self, number: int, record: _Record) -> tuple[bytes, bytes]:
        self._file.seek(record.offset)
        try:
            plain = self._cipher.decrypt(_nonce(number), self._file.read(record.size), self._file_id)
        except InvalidTag:
            raise SealedFileError("another key, or changed") from None
        return plain[:1], plain[1:]
