"""Every kind of network reaches the media server, by the candidates that it allows (issue 5, "NAT pairs").

A leg to the media server has one end: whom one meets there changes nothing of how one gets there. So every network of
test_nat_pairs.py once stands for every pair of them. Chromium's ICE and the product's own offer (SfuConnection) against the
real media service; the frames are not sealed here.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Page

from media_routing.api import MediaSettings
from media_routing.runtime.service import MediaService
from tests.e2e.chromium import eventually
from tests.netsim.bare_pages import ice_configuration, pages_in
from tests.netsim.lab import WEB_HOST, Lab, SiteSpec

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

SITES = {
    "cone": SiteSpec("cone"),
    "fullcone": SiteSpec("fullcone"),
    "symmetric": SiteSpec("symmetric"),
    "no_udp": SiteSpec(firewall="no_udp"),
    "only_443": SiteSpec(firewall="only_443"),
}


@dataclass(frozen=True)
class Way:
    """`relay`: how the site reaches a relay, "" when it reaches the media server itself; None when it cannot at all."""

    site: str
    relay: str | None
    policy: str = "all"
    turn: bool = True

    def __str__(self) -> str:
        return f"{self.site}{'' if self.policy == 'all' else ' relay-only'}{'' if self.turn else ' without TURN'}"


WAYS = [
    Way("cone", ""),
    Way("fullcone", ""),
    Way("symmetric", ""),
    Way("no_udp", "tcp"),
    Way("only_443", "tls"),
    Way("cone", "udp", policy="relay"),
    # Two of these cannot meet each other (test_nat_pairs.py); the media server is reached by both.
    Way("symmetric", "", turn=False),
    # The control: what cannot get there does not.
    Way("no_udp", None, turn=False),
]
# What the server sees is the router's address: the one that STUN told, or, where each way out has a port of its own, another.
SEEN_AS = {"cone": {"srflx", "prflx"}, "fullcone": {"srflx", "prflx"}, "symmetric": {"prflx"}}
HOPELESS_S = 6
LEGS = """
globalThis.legs = {};
globalThis.offer = async (name, room_size, {iceServers, iceTransportPolicy}) => {
  const [{SfuConnection}, {DEFAULT_LAYERS}] = await Promise.all(["/js/call/sfu_connection.js", "/js/lib/simulcast.js"].map((url) => import(url)));
  const audio = new AudioContext(), out = audio.createMediaStreamDestination(), tone = new OscillatorNode(audio);
  tone.connect(out);
  tone.start();
  legs[name] = new SfuConnection({
    id: name, room_size, layers: DEFAULT_LAYERS, codecs: ["video/VP8"], ice_servers: iceServers, ice_transport_policy: iceTransportPolicy,
    transforms: {attach() {}, expect() {}, forget() {}}, tracks: {audio: out.stream.getAudioTracks()[0]},
  });
  return legs[name].offer();
};
globalThis.answer = (name, serial, sdp) => legs[name].answer(serial, sdp);
globalThis.selected = async (name) => {
  const stats = await legs[name].get_stats();
  return legs[name].connection_state === "connected" ? selected_pair(stats) : null;
};
globalThis.hears = async (name) => [...(await legs[name].get_stats()).values()]
  .some(({type, kind, packetsReceived}) => type === "inbound-rtp" && kind === "audio" && packetsReceived > 10);
"ready";  // a script that ends in a function would be called
"""


@contextlib.asynccontextmanager
async def media_server(lab: Lab) -> AsyncIterator[MediaService]:
    """On the lab's public side; its one socket is made there."""
    service = MediaService(MediaSettings(bind_address=WEB_HOST, max_load=4.0))
    with lab.public.entered():
        await service.start()
    try:
        yield service
    finally:
        await service.close()


async def reach(lab: Lab, page: Page, service: MediaService, way: Way) -> tuple[list[str] | None, bool]:
    """The pair that the leg selected after it had its time, and whether it hears the others."""
    name = str(way)
    configuration = ice_configuration(lab, name, policy=way.policy, turn=way.turn)
    offer: dict[str, Any] = await page.evaluate(
        "([name, size, configuration]) => offer(name, size, configuration)", [name, len(WAYS), configuration]
    )
    answer = await service.join(
        "visit",
        name,
        name,
        sdp=offer["sdp"],
        sources=offer["sources"],
        room_size=len(WAYS),
        listener=lambda told: None,
    )
    applied = await page.evaluate(
        "([name, serial, sdp]) => answer(name, serial, sdp)", [name, offer["serial"], answer.sdp]
    )
    assert applied == "applied"
    pair: list[str] | None = None
    hears = False

    async def settled() -> bool:
        nonlocal pair, hears
        pair, hears = await page.evaluate("async (name) => [await selected(name), await hears(name)]", name)
        # What stands first may be a relay where the way itself is open, or TCP where UDP is: the better one takes over.
        return pair is not None and hears and pair[2] == way.relay

    with contextlib.suppress(AssertionError):
        await eventually(settled, HOPELESS_S if way.relay is None else 20, lambda: "")
    return pair, hears


async def test_every_kind_of_network_reaches_the_media_server():
    with Lab(media_server=WEB_HOST, **SITES) as lab:
        async with media_server(lab) as service, pages_in(lab, SITES) as pages:
            for page in pages.values():
                await page.evaluate(LEGS)
            ends = await asyncio.gather(*(reach(lab, pages[way.site], service, way) for way in WAYS))
    found = dict(zip(map(str, WAYS), ends, strict=True))
    print(found)
    for way in WAYS:
        pair, hears = found[str(way)]
        if way.relay is None:
            assert (pair, hears) == (None, False), f"{way}: {pair}"
            continue
        assert pair is not None and hears, f"{way} did not reach it: {found}"
        local, remote, protocol = pair
        assert remote == "host", "the media server has one address of its own"
        # Where any way to the relay is open the browser takes the one that answers first, mostly UDP.
        assert protocol == way.relay or (way.policy == "relay" and protocol in ("tcp", "tls")), f"{way}: {pair}"
        assert local in ({"relay"} if way.relay else SEEN_AS[way.site]), f"{way}: {pair}"
