"""A visit between two sites behind routers of their own, with the real server and the deployed relay (testing.md)."""

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import Person, person
from tests.e2e.lab_server import LAB_FLAGS, server_in
from tests.netsim.lab import Lab, SiteSpec

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

NETWORKS = {
    "cone-cone": (SiteSpec("cone"), SiteSpec("cone"), "direct", ""),
    "symmetric-symmetric": (SiteSpec("symmetric"), SiteSpec("symmetric"), "relay", "udp"),
    "udp-blocked": (SiteSpec(firewall="no_udp"), SiteSpec(firewall="no_udp"), "relay", "tcp"),
    "only-443": (SiteSpec(firewall="only_443"), SiteSpec("cone"), "relay", "tls"),
}


@pytest.mark.parametrize("network", NETWORKS)
async def test_two_people_meet_whatever_their_networks_allow(network):
    """Both see and hear each other, and both pages tell the route that getStats tells (PRIV-2)."""
    patient_site, doctor_site, route, relay_protocol = NETWORKS[network]
    with Lab(a=patient_site, b=doctor_site) as lab, server_in(lab, lab.site("a"), lab.site("b")) as server:
        executables = [lab.site(name).browser_executable() for name in ("a", "b")]
        async with (
            person("patient", executable=executables[0], flags=LAB_FLAGS) as patient,
            person("doctor", executable=executables[1], flags=LAB_FLAGS) as doctor,
        ):
            await hold_visit(server, patient, doctor)
            for one in (patient, doctor):
                await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", route, timeout=30_000)
                media = await one.sees_and_hears(within_s=30)
                assert media.relayed == (route == "relay"), media
            if relay_protocol:
                # One relay is enough for both: the other side may then see its own address as peer reflexive.
                pairs = [await one.media() for one in (patient, doctor)]
                relays = [media for media in pairs if media.local == "relay"]
                assert relays, pairs
                if patient_site.firewall != "open":  # nothing but the named transport leads out of there
                    assert pairs[0] in relays, pairs
                    relays = pairs[:1]
                assert {media.protocol for media in relays} == {relay_protocol}, pairs


async def hold_visit(server, patient: Person, doctor: Person) -> None:
    await first_visit.sign_in(doctor, server)
    await first_visit.open_visit(doctor, server)
    await first_visit.walk_to_waiting(patient, server)
    await first_visit.admit(doctor)
