"""Which candidates meet behind which routers: real Chromiums, one a site, judged by getStats (issue 5, "NAT pairs").

The pages hold nothing but a peer connection, so all pairs fit into one lab; tests/e2e/test_networks.py takes the product's
own pages through the same networks.
"""

import asyncio
import contextlib
from dataclasses import dataclass

import pytest
from playwright.async_api import Page

from tests.e2e.chromium import eventually
from tests.netsim.bare_pages import ice_configuration, pages_in
from tests.netsim.lab import Lab, SiteSpec

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

SITES = {
    "cone": SiteSpec("cone"),
    "cone2": SiteSpec("cone"),
    "fullcone": SiteSpec("fullcone"),
    "symmetric": SiteSpec("symmetric"),
    "symmetric2": SiteSpec("symmetric"),
    "no_udp": SiteSpec(firewall="no_udp"),
    "only_443": SiteSpec(firewall="only_443"),
    "only_443_2": SiteSpec(firewall="only_443"),
}


@dataclass(frozen=True)
class Pair:
    """`relay`: how the first site reaches a relay, "" when the two meet directly; None when they cannot meet at all."""

    one: str
    other: str
    relay: str | None
    policy: str = "all"
    turn: bool = True

    def __str__(self) -> str:
        return f"{self.one}–{self.other}{'' if self.policy == 'all' else ' relay-only'}{'' if self.turn else ' without TURN'}"


PAIRS = [
    Pair("cone", "cone2", ""),
    Pair("symmetric", "fullcone", ""),
    Pair("symmetric", "cone", "udp"),
    Pair("symmetric", "symmetric2", "udp"),
    Pair("cone", "cone2", "udp", policy="relay"),
    Pair("no_udp", "cone", "tcp"),
    Pair("only_443", "cone", "tls"),
    Pair("only_443", "only_443_2", "tls"),
    Pair("symmetric", "symmetric2", None, turn=False),
]
# A pair that cannot meet is given this long; those that can take a second or two.
HOPELESS_S = 6
PEERS = """
globalThis.peers = {};
globalThis.open_peer = (name, configuration) => {
  const connection = peers[name] = new RTCPeerConnection(configuration);
  const channel = connection.createDataChannel("x", {negotiated: true, id: 0});
  // Chromium's controlled side follows the other's choice when something comes by it.
  setInterval(() => { if (channel.readyState === "open") channel.send("x"); }, 100);
  connection.onicecandidate = ({candidate}) => tell(name, candidate ? candidate.toJSON() : null);
};
globalThis.offer = async (name) => {
  await peers[name].setLocalDescription();
  return peers[name].localDescription.toJSON();
};
globalThis.early = {};
globalThis.hear = async (name, candidate) => {
  if (!peers[name]?.remoteDescription) (early[name] ??= []).push(candidate);
  else await peers[name].addIceCandidate(candidate ?? undefined);
};
globalThis.answer = async (name, description) => {
  await peers[name].setRemoteDescription(description);
  for (const candidate of early[name] ?? []) await peers[name].addIceCandidate(candidate ?? undefined);
  if (description.type === "answer") return null;
  await peers[name].setLocalDescription();
  return peers[name].localDescription.toJSON();
};
globalThis.selected = async (name) => {
  const stats = await peers[name].getStats();
  return peers[name].connectionState === "connected" ? selected_pair(stats) : null;
};
"ready";  // a script that ends in a function would be called
"""


async def meet(lab: Lab, pages: dict[str, Page], pair: Pair) -> list[list[str] | None]:
    """What each end selected after the two had their time."""
    one, other = pages[pair.one], pages[pair.other]
    name = str(pair)
    configuration = ice_configuration(lab, name, policy=pair.policy, turn=pair.turn)
    for page in (one, other):
        await page.evaluate("([name, configuration]) => open_peer(name, configuration)", [name, configuration])
    description = await one.evaluate("(name) => offer(name)", name)
    reply = await other.evaluate("([name, description]) => answer(name, description)", [name, description])
    await one.evaluate("([name, description]) => answer(name, description)", [name, reply])
    found: list[list[str] | None] = [None, None]

    async def settled() -> bool:
        found[:] = [await page.evaluate("(name) => selected(name)", name) for page in (one, other)]
        if None in found or pair.relay is None:
            return None not in found
        # What stands first may be a relay where a direct pair is possible, or TCP where UDP is: the better one takes over.
        relays = {end[2] for end in found if end and end[0] == "relay"}
        return pair.relay in relays if pair.relay else "relay" not in str(found)

    with contextlib.suppress(AssertionError):
        await eventually(settled, HOPELESS_S if pair.relay is None else 20, lambda: "")
    return found


async def test_every_pair_of_networks_meets_as_far_as_it_can():
    with Lab(**SITES) as lab:
        async with pages_in(lab, SITES) as pages:
            partner: dict[tuple[str, str], Page] = {}
            for pair in PAIRS:
                partner[pair.one, str(pair)], partner[pair.other, str(pair)] = pages[pair.other], pages[pair.one]

            def passer(site: str):
                async def pass_on(name: str, candidate: object) -> None:
                    await partner[site, name].evaluate(
                        "([name, candidate]) => hear(name, candidate)", [name, candidate]
                    )

                return pass_on

            for site, page in pages.items():
                await page.expose_function("tell", passer(site))
                await page.evaluate(PEERS)
            found = dict(zip(map(str, PAIRS), await asyncio.gather(*(meet(lab, pages, p) for p in PAIRS)), strict=True))
    print(found)
    for pair in PAIRS:
        ends = found[str(pair)]
        if pair.relay is None:
            assert ends == [None, None], f"{pair}: {ends}"
            continue
        assert None not in ends, f"{pair} did not meet: {found}"
        (local, remote, protocol), (local2, remote2, _) = ends
        if pair.relay == "":
            assert "relay" not in {local, remote, local2, remote2}, f"{pair}: {ends}"
        elif pair.policy == "relay":
            assert (local, local2, protocol) == ("relay", "relay", "udp"), f"{pair}: {ends}"
        else:
            # One relay is enough for both; where nothing else leads out it is the first site's own.
            ways = {end[2] for end in ends if end[0] == "relay"}
            assert pair.relay in ways, f"{pair}: {ends}"
            if SITES[pair.one].firewall != "open":
                assert (local, protocol) == ("relay", pair.relay), f"{pair}: {ends}"
