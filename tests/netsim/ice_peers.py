"""Two ICE agents (aioice), each in a thread that lives in one site's namespace; candidates pass through memory.

A thread that entered a namespace makes all its sockets there, so both peers run in the test's own process.
"""

import asyncio
import os
import queue
import threading
from dataclasses import dataclass
from typing import Any

from aioice import Candidate, Connection, stun

from tests.netsim.lab import Site

# A check that is never answered is repeated this often, from 0.5 s doubling: 3.5 s instead of 31.5 s until "failed".
stun.RETRY_MAX = 2


@dataclass(frozen=True)
class Path:
    """How two peers met. `relayed` when either end of the pair is a relay's address."""

    connected: bool
    relayed: bool = False
    remote: str = ""


def meet(a: Site, b: Site, relay_host: str, **servers: Any) -> tuple[Path, Path]:
    """Connects the two sites and passes one datagram each way; `servers` are aioice's STUN and TURN arguments."""
    boxes: tuple[queue.Queue, queue.Queue] = (queue.Queue(), queue.Queue())
    results: list[Path | BaseException] = [Path(False), Path(False)]

    def live(index: int, site: Site) -> None:
        try:
            with site.host.entered():
                results[index] = asyncio.run(
                    _negotiate(index == 0, boxes[index], boxes[1 - index], relay_host, servers)
                )
        except BaseException as error:  # handed to the test's thread
            results[index] = error
            boxes[1 - index].put(None)

    threads = [threading.Thread(target=live, args=(i, site), daemon=True) for i, site in enumerate((a, b))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results[0], results[1]  # type: ignore[return-value]


async def _negotiate(
    controlling: bool, inbox: queue.Queue, outbox: queue.Queue, relay_host: str, servers: dict[str, Any]
) -> Path:
    connection = Connection(ice_controlling=controlling, use_ipv6=False, **servers)
    try:
        await connection.gather_candidates()
        outbox.put((connection.local_username, connection.local_password, connection.local_candidates))
        told = await asyncio.to_thread(inbox.get, timeout=20)
        if told is None:
            return Path(False)
        connection.remote_username, connection.remote_password = told[:2]
        candidates: list[Candidate] = told[2]
        for candidate in candidates:
            await connection.add_remote_candidate(candidate)
        await connection.add_remote_candidate(None)
        try:
            await connection.connect()
        except ConnectionError:
            return Path(False)
        word = os.urandom(8)
        outbox.put(word)
        await connection.send(b"hello")
        received = await asyncio.wait_for(connection.recv(), 5)
        await asyncio.to_thread(inbox.get, timeout=10)  # both have heard: nobody closes too early
        pair = connection._nominated[1]
        relayed = relay_host in (pair.local_candidate.host, pair.remote_candidate.host)
        return Path(received == b"hello", relayed, f"{pair.remote_candidate.type} {pair.remote_candidate.host}")
    finally:
        await connection.close()
