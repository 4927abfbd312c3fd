"""REL-2: what was sealed survives; nothing can be changed unnoticed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_routing.runtime.sealed_file import (
    HEADER_BYTES,
    MAX_DATA_BYTES,
    SealedFileError,
    SealedReader,
    SealedWriter,
    new_key,
)

KEY = bytes(range(32))


def _write(path: Path, pieces: list[bytes], *, finish: bool = True) -> bytes:
    writer = SealedWriter(path, KEY)
    for piece in pieces:
        writer.write(piece)
        writer.seal(sync=False)
    writer.finish() if finish else writer.abandon()
    return b"".join(pieces)


def _read(path: Path) -> tuple[bytes, bool]:
    with SealedReader(path, KEY) as reader:
        return b"".join(reader.read_range(0, reader.size)), reader.complete


@pytest.mark.parametrize("sizes", [[], [0], [1], [MAX_DATA_BYTES], [MAX_DATA_BYTES + 1], [200_000, 3, 70_000]])
def test_what_goes_in_comes_out(tmp_path: Path, sizes: list[int]) -> None:
    plain = _write(tmp_path / "a", [os.urandom(size) for size in sizes])
    assert _read(tmp_path / "a") == (plain, True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    if len(plain) > 100:
        assert plain[:50] not in (tmp_path / "a").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(0, 2500), st.integers(0, 2500))
def test_any_range(tmp_path: Path, pieces: list[bytes], start: int, end: int) -> None:
    path = tmp_path / os.urandom(8).hex()
    plain = _write(path, pieces)
    with SealedReader(path, KEY) as reader:
        assert b"".join(reader.read_range(start, end)) == plain[start:end]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 900))
def test_cut_anywhere_it_reads_to_its_last_whole_record(tmp_path: Path, cut: int) -> None:
    path = tmp_path / os.urandom(8).hex()
    plain = _write(path, [bytes((n,)) * 100 for n in range(6)], finish=False)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(HEADER_BYTES, len(whole) - cut)])
    data, complete = _read(path)
    assert plain.startswith(data)
    assert len(data) >= len(plain) - 100 * (cut // 121 + 1)
    assert not complete


def test_a_finished_file_cannot_lose_its_tail_unnoticed(tmp_path: Path) -> None:
    plain = _write(tmp_path / "a", [b"x" * 100] * 4)
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[:-29])  # the final record: 4 + 1 + 8 + 16
    assert _read(tmp_path / "a") == (plain, False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_can_be_changed_unnoticed(tmp_path: Path, at: int, bit: int) -> None:
    path = tmp_path / os.urandom(8).hex()
    plain = _write(path, [b"x" * 100] * 4)
    changed = bytearray(path.read_bytes())
    changed[at % len(changed)] ^= 1 << bit
    path.write_bytes(changed)
    try:
        data, complete = _read(path)
    except SealedFileError:
        return
    # Only a changed length can end the file early, and then it does not count as complete.
    assert plain.startswith(data)
    assert not complete


def test_another_key_another_file_and_swapped_records_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a", [b"a" * 50, b"b" * 50])
    with pytest.raises(SealedFileError):
        SealedReader(tmp_path / "a", new_key())
    whole = (tmp_path / "a").read_bytes()
    record = 4 + 1 + 50 + 16
    first, second = (
        whole[HEADER_BYTES : HEADER_BYTES + record],
        whole[HEADER_BYTES + record : HEADER_BYTES + 2 * record],
    )
    (tmp_path / "a").write_bytes(whole[:HEADER_BYTES] + second + first + whole[HEADER_BYTES + 2 * record :])
    with pytest.raises(SealedFileError):
        _read(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"no such file")
    with pytest.raises(SealedFileError):
        SealedReader(tmp_path / "b", KEY)


def test_a_killed_process_loses_only_what_it_had_not_sealed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from media_routing.runtime.sealed_file import SealedWriter\n"
        "writer = SealedWriter(Path(sys.argv[1]), bytes(range(32)))\n"
        "for n in range(10**6):\n"
        "    writer.write(n.to_bytes(8)); writer.seal(); print(n, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        told = [int(line) for line in process.stdout.read().split("\n")[:-1]]
    data, complete = _read(tmp_path / "a")
    numbers = [int.from_bytes(data[at : at + 8]) for at in range(0, len(data), 8)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= told[-1] + 1, "everything that was said to be sealed is there"
    assert not complete
