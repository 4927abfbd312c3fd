"""A spool does what a file does, and none of it is on the disk in clear; a sealed file reads as a stream."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media_routing.runtime.sealed_file import SealedFileError, SealedWriter, new_key
from media_routing.runtime.sealed_stream import SECTOR_BYTES, SealedSource, Spool

KEY = new_key()
PLACES = st.integers(0, 3 * SECTOR_BYTES)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PLACES, st.binary(min_size=1, max_size=2 * SECTOR_BYTES)),
        st.tuples(st.just("read"), PLACES, st.integers(0, 2 * SECTOR_BYTES)),
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(STEPS)
def test_a_spool_is_like_a_file(tmp_path: Path, steps: list[tuple[str, int, object]]) -> None:
    model = io.BytesIO()
    with Spool(tmp_path) as spool:
        for what, place, argument in steps:
            size = len(model.getvalue())
            place = min(place, size)
            assert spool.seek(place) == model.seek(place)
            assert getattr(spool, what)(argument) == getattr(model, what)(argument)
            assert spool.tell() == model.tell()
            assert spool.seek(0, os.SEEK_END) == model.seek(0, os.SEEK_END)
        spool.seek(0)
        assert spool.read() == model.getvalue()


def test_a_spool_has_no_name_and_nothing_in_clear(tmp_path: Path) -> None:
    words = b"what the patient said " * 10_000
    with Spool(tmp_path) as spool:
        spool.write(words)
        spool.seek(0)
        assert spool.read(22) == words[:22]
        spool._file.flush()
        stored = os.pread(spool._file.fileno(), len(words), 0)
        assert len(stored) > len(words) - 2 * SECTOR_BYTES
        assert b"patient" not in stored
        assert list(tmp_path.iterdir()) == []
        assert spool.seal_into(tmp_path / "a", KEY) == len(words)
    with SealedSource(tmp_path / "a", KEY) as source:
        assert source.is_complete
        assert source.read() == words


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 5000), max_size=30), st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 70_000)))
)
def test_a_sealed_file_reads_like_what_was_written(
    tmp_path: Path, sizes: list[int], reads: list[tuple[int, int]]
) -> None:
    path, plain = tmp_path / os.urandom(8).hex(), b""
    writer = SealedWriter(path, KEY)
    for size in sizes:
        data = os.urandom(size)
        plain += data
        writer.write(data)
        writer.seal(sync=False)
    writer.finish()
    model = io.BytesIO(plain)
    with SealedSource(path, KEY) as source:
        for place, size in reads:
            assert source.seek(place) == model.seek(place)
            assert source.read(size) == model.read(size)


def test_another_key_reads_nothing(tmp_path: Path) -> None:
    writer = SealedWriter(tmp_path / "a", KEY)
    writer.write(b"x")
    writer.finish()
    with pytest.raises(SealedFileError):
        SealedSource(tmp_path / "a", new_key())
