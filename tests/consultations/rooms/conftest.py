from collections.abc import Iterator

import pytest

from tests.e2e.server import AppServer


@pytest.fixture(scope="module")
def server() -> Iterator[AppServer]:
    """The real site with one visit that can start now; one per test file, so tests of a file run in their order."""
    with AppServer() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[AppServer]:
    """A site of the test's own, for what ends the visit."""
    with AppServer() as running:
        yield running
