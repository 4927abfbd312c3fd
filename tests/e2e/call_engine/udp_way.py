"""One way to a server, as a router makes it: it can be cut, it can forget whom it served, and it can listen."""

from __future__ import annotations

import asyncio
from typing import Any

Address = tuple[str, int]


class UdpWay(asyncio.DatagramProtocol):
    """Listens on `port`; every browser socket gets an outer socket of its own towards the server."""

    def __init__(self, server: Address) -> None:
        self.server = server
        self.port = 0
        self.cut = False
        self.taken: list[bytes] | None = None
        """Everything that passes here from now on, when it is a list."""
        self._inner: asyncio.DatagramTransport | None = None
        self._outer: dict[Address, asyncio.DatagramTransport] = {}
        self._opening: dict[Address, asyncio.Task[None]] = {}

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._inner, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.server[0], 0))
        self.port = self._inner.get_extra_info("sockname")[1]

    def close(self) -> None:
        self.forget()
        if self._inner:
            self._inner.close()

    def forget(self) -> None:
        """As a NAT that was restarted: what comes next goes out from another port, what comes back finds nobody."""
        for outer in self._outer.values():
            outer.close()
        self._outer.clear()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.cut:
            return
        self._take(data)
        if outer := self._outer.get(addr):
            outer.sendto(data)
        elif addr not in self._opening:
            self._opening[addr] = asyncio.ensure_future(self._open_outer(addr, data))

    async def _open_outer(self, browser: Address, first: bytes) -> None:
        loop = asyncio.get_running_loop()
        outer, _ = await loop.create_datagram_endpoint(lambda: _Outer(self, browser), remote_addr=self.server)
        del self._opening[browser]
        self._outer[browser] = outer
        outer.sendto(first)

    def back(self, browser: Address, data: bytes) -> None:
        if not self.cut and self._inner and not self._inner.is_closing():
            self._take(data)
            self._inner.sendto(data, browser)

    def _take(self, data: bytes) -> None:
        if self.taken is not None:
            self.taken.append(data)


class _Outer(asyncio.DatagramProtocol):
    def __init__(self, way: UdpWay, browser: Address) -> None:
        self._way, self._browser = way, browser

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._way.back(self._browser, data)
