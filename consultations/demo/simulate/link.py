"""A bad network between one participant and the media server: a UDP forwarder on this machine that loses and delays."""

import asyncio
import random
import socket

from consultations.demo.simulate.profiles import Profile

Address = tuple[str, int]
# A full router drops what would wait longer.
MAX_QUEUE_S = 0.3


class BadLink(asyncio.DatagramProtocol):
    """Forwards between whoever writes first and `server`."""

    def __init__(self, server: Address, profile: Profile, seed: int) -> None:
        self._server, self._profile = server, profile
        self._random = random.Random(seed)  # noqa: S311  chance of a network, no secret
        self._client: Address | None = None
        self._free_at = {"up": 0.0, "down": 0.0}
        self._arrives_at = {"up": 0.0, "down": 0.0}
        self._transport: asyncio.DatagramTransport | None = None
        self.dropped = 0

    async def open(self) -> Address:
        """Listen, and return the address that stands for the server's."""
        loop = asyncio.get_running_loop()
        host = _own_address_towards(self._server)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        return host, self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr[:2] == self._server:
            self._pass(data, self._client, "down")
        else:
            self._client = addr
            self._pass(data, self._server, "up")

    def _pass(self, data: bytes, to: Address | None, way: str) -> None:
        if to is None:
            return
        profile, loop = self._profile, asyncio.get_running_loop()
        now = loop.time()
        wait_s = (profile.delay_ms + self._random.random() * profile.jitter_ms) / 1000
        if profile.rate_bps:
            starts = max(now, self._free_at[way])
            if starts - now > MAX_QUEUE_S:
                self.dropped += 1
                return
            self._free_at[way] = starts + len(data) * 8 / profile.rate_bps
            wait_s += self._free_at[way] - now
        if self._random.random() < profile.loss:
            self.dropped += 1
            return
        # Jitter delays, it does not overtake: real paths rarely do.
        self._arrives_at[way] = max(self._arrives_at[way], now + wait_s)
        loop.call_at(self._arrives_at[way], self._send, data, to)

    def _send(self, data: bytes, to: Address) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(data, to)


def _own_address_towards(server: Address) -> str:
    """Return this machine's address on the way there: answers must come from where the checks were sent to (RFC 8445 §7.2.5.2.1)."""
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(server)  # sends nothing
        return str(probe.getsockname()[0])
