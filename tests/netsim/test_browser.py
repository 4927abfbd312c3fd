"""A browser started inside a site lives behind that site's router."""

import pytest

from tests.e2e.chromium import person
from tests.netsim.lab import Lab, SiteSpec

pytestmark = pytest.mark.lab

GATHER = """async ([url, username, credential]) => {
  const connection = new RTCPeerConnection({iceServers: [{urls: [url], username, credential}], iceTransportPolicy: "relay"});
  const found = [];
  connection.createDataChannel("x");
  const ended = new Promise((resolve) => {
    connection.onicecandidateerror = (event) => { found.push(`error ${event.errorCode}`); resolve(); };
    connection.onicecandidate = (event) => {
      if (event.candidate) found.push(event.candidate.candidate.split(" ")[7]);
      resolve();
    };
  });
  await connection.setLocalDescription();
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2500))]);
  connection.close();
  return found;
}"""


@pytest.mark.parametrize(
    ("flags", "found"),
    [(("--ignore-certificate-errors",), ["relay"]), ((), ["error 701"])],
    ids=["trusted", "certificate-unknown"],
)
async def test_behind_port_443_only_turn_over_tls_is_left(flags, found):
    """The second row is the control: a browser does not talk TURN to a server that it cannot identify."""
    with Lab(a=SiteSpec(firewall="only_443")) as lab:
        executable = lab.site("a").browser_executable()
        async with person("patient", executable=executable, flags=flags) as patient:
            username, credential = lab.relay.credentials()
            plain = f"turn:{lab.relay.host}:{lab.relay.tcp_port}?transport=tcp"
            tls = f"turns:{lab.relay.host}:{lab.relay.tls_port}?transport=tcp"
            assert await patient.page.evaluate(GATHER, [tls, username, credential]) == found
            assert await patient.page.evaluate(GATHER, [plain, username, credential]) != ["relay"]
