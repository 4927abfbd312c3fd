"""A path between one client and the service that can be cut, and that can change its address as a NAT does."""

from __future__ import annotations

import asyncio
import re


class Relay(asyncio.DatagramProtocol):
    """Downstream is the client's side; `rebind` opens another upstream socket."""

    @classmethod
    async def open(cls, server):
        relay = cls()
        relay.server, relay.is_cut, relay.client = server, False, None
        loop = asyncio.get_running_loop()
        relay.down, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
        relay.up = None
        await relay.rebind()
        return relay

    async def rebind(self):
        relay = self

        class Up(asyncio.DatagramProtocol):
            def datagram_received(self, data, addr):
                if relay.client and not relay.is_cut:
                    relay.down.sendto(data, relay.client)

        if self.up is not None:
            self.up.close()
        loop = asyncio.get_running_loop()
        self.up, _ = await loop.create_datagram_endpoint(Up, remote_addr=self.server)

    def datagram_received(self, data, addr):
        self.client = addr
        if not self.is_cut:
            self.up.sendto(data)

    def through(self, answer):
        """The answer with this relay's port in its candidates."""
        port = self.down.get_extra_info("sockname")[1]
        return re.sub(r"127\.0\.0\.1 \d+ typ host", f"127.0.0.1 {port} typ host", answer)

    def close(self):
        self.up.close()
        self.down.close()
