"""A visit between two sites behind routers of their own, with the real server and the deployed relay (testing.md)."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import Person, person
from tests.e2e.lab_server import LAB_FLAGS, server_in
from tests.netsim.lab import Lab, SiteSpec

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

CONE, SYMMETRIC, NO_UDP = SiteSpec("cone"), SiteSpec("symmetric"), SiteSpec(firewall="no_udp")
ONLY_443 = SiteSpec(firewall="only_443")
# All pairs in bare pages: tests/netsim/test_nat_pairs.py. Cone to cone in these pages: test_moving_networks.py.
NETWORKS = {
    "symmetric-symmetric": (SYMMETRIC, SYMMETRIC, "relay", "udp"),
    "only-443": (ONLY_443, CONE, "relay", "tls"),
}
IN_THE_LONG_RUN = {
    "cone-cone": (CONE, CONE, "direct", ""),
    "symmetric-fullcone": (SYMMETRIC, SiteSpec("fullcone"), "direct", ""),
    "symmetric-cone": (SYMMETRIC, CONE, "relay", "udp"),
    "udp-blocked-cone": (NO_UDP, CONE, "relay", "tcp"),
    "only-443-both": (ONLY_443, ONLY_443, "relay", "tls"),
}


@pytest.mark.parametrize(
    "network", [*NETWORKS, *(pytest.param(name, marks=pytest.mark.soak) for name in IN_THE_LONG_RUN)]
)
async def test_two_people_meet_whatever_their_networks_allow(network):
    """Both see and hear each other, and both pages tell the route that getStats tells (PRIV-2)."""
    patient_site, doctor_site, route, relay_protocol = {**NETWORKS, **IN_THE_LONG_RUN}[network]
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


NO_WAY = re.compile("(have|has) not found a way to (each other|the clinic's server)")


async def test_where_no_path_exists_both_are_told_in_words_and_whom_to_call():
    """Two symmetric NATs, no relay, a media server that nobody reaches: nothing can work, and the pages say so."""
    with (
        Lab(relay=False, a=SYMMETRIC, b=SYMMETRIC) as lab,
        server_in(lab, lab.site("a"), lab.site("b"), offers_relay=False) as server,
    ):
        executables = [lab.site(name).browser_executable() for name in ("a", "b")]
        async with (
            person("patient", executable=executables[0], flags=LAB_FLAGS) as patient,
            person("doctor", executable=executables[1], flags=LAB_FLAGS) as doctor,
        ):
            await hold_visit(server, patient, doctor)
            for one, number in ((patient, "tel:"), (doctor, "tel:+49301234567")):
                banner = one.page.locator("[data-part=loss]")
                await expect(banner).to_contain_text(NO_WAY, timeout=60_000)
                await expect(banner.locator(f"a[href^='{number}']")).to_be_visible()
                # Nothing is claimed that is not there.
                await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "")
                await expect(one.page.get_by_test_id("privacy-badge")).to_have_text("Not connected")


async def hold_visit(server, patient: Person, doctor: Person) -> None:
    await first_visit.sign_in(doctor, server)
    await first_visit.open_visit(doctor, server)
    await first_visit.walk_to_waiting(patient, server)
    await first_visit.admit(doctor)
