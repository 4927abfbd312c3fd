"""Chromiums in the lab, one a site, whose pages hold nothing but peer connections: judged by what getStats says they selected."""

import contextlib
import mimetypes
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from playwright.async_api import Page, Route, async_playwright

from tests.e2e.chromium import FLAGS
from tests.netsim.lab import Lab

STATIC = Path(__file__).resolve().parents[2] / "static"
# Played by Playwright, so that no network of the lab has to let it through; a name that is a secure context everywhere.
ORIGIN = "http://localhost"
SELECTED = """
globalThis.selected_pair = (stats) => {
  const transport = [...stats.values()].find(({type}) => type === "transport");
  const pair = stats.get(transport?.selectedCandidatePairId);
  if (!pair) return null;
  const [local, remote] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)];
  return [local.candidateType, remote.candidateType, local.relayProtocol ?? ""];
};
"ready";  // a script that ends in a function would be called
"""


@contextlib.asynccontextmanager
async def pages_in(lab: Lab, names: Iterable[str]) -> AsyncIterator[dict[str, Page]]:
    """An empty page in each of these sites; it can import the product's modules."""
    async with async_playwright() as playwright, contextlib.AsyncExitStack() as stack:
        pages = {}
        for name in names:
            browser = await playwright.chromium.launch(
                executable_path=lab.site(name).browser_executable(),
                headless=True,
                args=[*FLAGS, "--ignore-certificate-errors"],
            )
            stack.push_async_callback(browser.close)
            pages[name] = await browser.new_page()
            await pages[name].route(f"{ORIGIN}/**", _serve)
            await pages[name].goto(f"{ORIGIN}/")
            await pages[name].evaluate(SELECTED)
        yield pages


async def _serve(route: Route) -> None:
    path = route.request.url.removeprefix(f"{ORIGIN}/")
    if not path:
        await route.fulfill(content_type="text/html", body="<!doctype html>")
        return
    kind = "text/javascript" if path.endswith(".js") else mimetypes.guess_type(path)[0]
    await route.fulfill(path=STATIC / path, content_type=kind)


def ice_configuration(lab: Lab, name: str, *, policy: str, turn: bool) -> dict[str, object]:
    """What a page is given: the lab's relay by every transport, or only its STUN."""
    relay = lab.relay
    if not turn:
        return {"iceServers": [{"urls": f"stun:{relay.host}:{relay.udp_port}"}], "iceTransportPolicy": policy}
    username, credential = relay.credentials("".join(filter(str.isalnum, name)))
    urls = [
        f"turn:{relay.host}:{relay.udp_port}?transport=udp",
        f"turn:{relay.host}:{relay.tcp_port}?transport=tcp",
        f"turns:{relay.host}:{relay.tls_port}?transport=tcp",
    ]
    return {
        "iceServers": [{"urls": urls, "username": username, "credential": credential}],
        "iceTransportPolicy": policy,
    }
