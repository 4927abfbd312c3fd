"""aiortc's participants gather the loopback address only, which it leaves out by itself: no test depends on a network."""

import aioice.ice
import pytest


@pytest.fixture(autouse=True)
def loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
