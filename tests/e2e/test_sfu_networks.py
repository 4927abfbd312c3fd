"""Real Chromiums over the media server, each behind a router of their own whose line is made narrow, lossy or long.

Each test leaves its plot in var/artefacts/lab_*.svg.
"""

import asyncio
import contextlib
import itertools
import os
import time
from statistics import mean

import pytest
from playwright.async_api import expect

from tests.e2e import first_visit
from tests.e2e.chromium import eventually, person
from tests.e2e.group_visit import everyone_gets_everyone, invite, let_in, walk_in
from tests.e2e.lab_server import LAB_FLAGS, server_in
from tests.e2e.sfu_lab.meeting import Meeting, meeting, pause
from tests.e2e.sfu_lab.record import Record
from tests.e2e.sfu_lab.speech import write_speech
from tests.e2e.test_call_engine import until
from tests.evidence import write_evidence
from tests.netsim.lab import WEB_HOST, Lab, SiteSpec
from tests.netsim.slow_wire import DOWN

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

WIDE_BPS = 10_000_000
HEIGHTS = {"l": 180, "m": 360, "h": 720}
# Share of the time that a picture may stand still.
MOST_FROZEN = 0.02
# Whose own line narrows changes layers, each with a key frame; one stop of a quarter of a second in nine is 3 %.
MOST_FROZEN_UPLINK = 0.05
# Where a tenth is lost one packet in a thousand needs three tries. 13 to 17 % before pictures waited for repair.
MOST_FROZEN_LOSSY = 0.08
# An encoder that shares two cores with everything else makes fewer frames than were asked for.
FPS, LEAST_FPS = 15, 9
TALL = "engine.heights['anna video']?.at(-1)?.height === 720"
JOINED = "engine.log.find(({type, detail}) => type === 'path' && detail.state === 'connecting').at_ms"
SLOW_CAMERA = ("--use-fake-device-for-media-stream=device-count=1,fps=8",)


async def three_meet(people: Meeting) -> None:
    """anna speaks and shows herself in 720p, ben and cleo listen and watch her."""
    voice = write_speech(people.lab.directory)
    anna = await people.join("anna", media="1280x720", fps=str(FPS), voice=voice)
    await asyncio.gather(*(people.join(name, media="audio", voice=voice) for name in ("ben", "cleo")))
    await people.connected()
    for name in ("ben", "cleo"):
        await people.show(name, {"anna": 720})
    await anna.evaluate("engine.voice.speak(true)")


def layers_after_s(record: Record, me: str, since_ms: float) -> float | None:
    """Seconds until all three layers have left, in their sizes. A busy machine needs seconds before that to open a page."""
    for sample in record.pages[me]:
        sent = {rid: layer["height"] for rid, layer in sample["tx"].items() if rid in HEIGHTS and layer["frames"] > 0}
        if sent == HEIGHTS:
            return float(sample["at_ms"] - since_ms) / 1000
    return None


# How long the fall may take: a full queue, then the key frame of the lower layer.
FALL_MS = 3000


async def test_a_narrow_line_gets_what_fits_it_and_nobody_else_notices():
    """The lowest layer down a line of 250 kbit/s, all of it back when it is wide again; then an uplink of 300 kbit/s."""
    async with meeting({name: SiteSpec() for name in ("anna", "ben", "cleo")}) as people:
        await three_meet(people)
        await until(people.pages["ben"], TALL, 15)
        await until(people.pages["cleo"], TALL, 15)
        start = people.mark("all well")
        await pause(3)
        capped = people.mark("ben's line at 250 kbit/s")
        people.site("ben").limit(WIDE_BPS, 250_000)
        await pause(12)
        wide = people.mark("wide again")
        people.site("ben").restore()
        await until(people.pages["ben"], TALL, 22)
        narrow_up = people.mark("anna's uplink at 300 kbit/s")
        people.site("anna").limit(300_000, WIDE_BPS)
        await pause(14)
        end = people.mark("end")
        record = await people.record()
        joined_ms = await people.pages["anna"].evaluate(JOINED)
        state = await people.pages["anna"].evaluate("engine.client.path.state")
        made = await people.pages["anna"].evaluate("engine.connections.length")
    took_s = layers_after_s(record, "anna", joined_ms)
    settled = capped + FALL_MS
    fall_s = record.gained("ben", "anna video", "freeze_s", capped, settled)
    frozen = record.freeze_share("ben", "anna", settled, wide)
    back_s = record.reached_s("ben", "anna", 720, wide)
    baseline, others = (record.freeze_share("cleo", "anna", *times) for times in ((start, capped), (capped, narrow_up)))
    sent = record.sent_layers("ben", "anna", settled, wide)
    print(
        f"three layers after {took_s:.2f} s; at 250 kbit/s frozen {fall_s:.2f} s in the fall, {frozen:.2%} after it, layers "
        f"{sorted(set(sent))}; back to 720p after {back_s} s; cleo frozen {baseline:.2%} before, {others:.2%} since; "
        f"load {os.getloadavg()[0]:.1f}; {record.plot('narrow_lines', 'ben at 250 kbit/s, anna sends 300')}"
    )
    assert took_s is not None
    assert took_s < 3
    assert sent.count(0) >= 0.95 * len(sent)
    assert frozen < MOST_FROZEN
    assert record.frames_per_s("ben", "anna", settled, wide) > LEAST_FPS
    assert set(record.heights("cleo", "anna", start, narrow_up)) == {720}
    assert others <= baseline + 0.005
    assert record.frames_per_s("cleo", "anna", capped, narrow_up) > LEAST_FPS
    assert back_s is not None
    assert back_s < 20
    assert (state, made) == ("connected", 1)
    uplink_dropped_layers(record, narrow_up + 5000, end)


def uplink_dropped_layers(record: Record, settled: float, end: float) -> None:
    """The sender's own estimate chooses its layers here; it takes some seconds."""
    frozen = {name: record.freeze_share(name, "anna", settled, end) for name in ("ben", "cleo")}
    fps = {name: record.frames_per_s(name, "anna", settled, end) for name in ("ben", "cleo")}
    heights = {height for name in ("ben", "cleo") for height in record.heights(name, "anna", settled, end)}
    heard = concealed(record, "ben", "anna", settled, end)
    print(f"uplink at 300 kbit/s: frozen {frozen}, {fps} frames/s in {heights}; sound invented {heard:.2%}")
    assert heights <= {180, 360}
    assert max(frozen.values()) < MOST_FROZEN_UPLINK
    assert min(fps.values()) > LEAST_FPS
    assert heard < 0.1


@pytest.mark.soak
async def test_without_estimation_a_narrow_receiver_freezes():
    """The control: nothing but the estimate keeps the picture moving."""
    async with meeting({name: SiteSpec() for name in ("anna", "ben", "cleo")}, fixed_bps=5_000_000) as people:
        await three_meet(people)
        await pause(4)
        capped = people.mark("ben's line at 250 kbit/s")
        people.site("ben").limit(WIDE_BPS, 250_000)
        await pause(9)
        end = people.mark("end")
        record = await people.record()
    frozen, fps = (share("ben", "anna", capped + 2000, end) for share in (record.freeze_share, record.frames_per_s))
    print(f"frozen {frozen:.1%}, {fps:.1f} frames/s; {record.plot('receiver_250_kbit_s_control', 'nothing estimated')}")
    assert frozen > 5 * MOST_FROZEN or fps < LEAST_FPS / 3


def concealed(record: Record, me: str, peer: str, from_ms: float, to_ms: float) -> float:
    """Share of the sound that was invented."""
    invented, samples = (record.gained(me, f"{peer} audio", what, from_ms, to_ms) for what in ("concealed", "samples"))
    assert samples > 40 * (to_ms - from_ms), "no sound was played"
    return invented / samples


@pytest.mark.soak
async def test_lost_packets_are_repaired_at_100_ms():
    """What the lab lost, which of it came again, and what getStats says of it; first one way, then both."""
    async with meeting({"anna": SiteSpec(), "ben": SiteSpec(far=True), "cleo": SiteSpec()}) as people:
        wire = people.site("ben").wire
        assert wire
        wire.set(delay_ms=50)
        await three_meet(people)
        await pause(6)
        lossy = people.mark("a tenth of what is sent to ben is lost")
        wire.set(down_loss=0.1)
        await pause(20)
        both = people.mark("and a tenth of what ben sends, NACKs among it")
        wire.set(up_loss=0.1)
        both_s = time.monotonic()
        await pause(15)
        whole = people.mark("no loss")
        wire.set(down_loss=0.0, up_loss=0.0)
        await pause(2)
        end = people.mark("end")
        record = await people.record()
        ssrcs = {row["ssrcs"]["anna"] for row in record.server if row["me"] == "ben" and "anna" in row["ssrcs"]}
        rtt_s = max(row["rtt_s"] for row in record.server if row["me"] == "ben")
        people.group.close()
        seen, repairs = wire.close(), people.group.repairs()
    missed = [row for row in seen if row.direction == DOWN and row.ssrc in ssrcs and not row.passed]
    lost = {(row.ssrc, row.sequence) for row in missed}
    lost_both_ways = {(row.ssrc, row.sequence) for row in missed if row.at_s > both_s}
    arrived = {(row.ssrc, row.sequence) for row in seen if row.direction == DOWN and row.passed}
    (video,) = ssrcs
    recovered = {
        (video, original) for name, ssrc, number, original in repairs if name == "ben" and (ssrc, number) in arrived
    } & lost
    told_lost, told_repaired = (record.gained("ben", "anna video", what, lossy, end) for what in ("lost", "repaired"))
    # The page notices loss within some seconds and lets its pictures wait for repair.
    spans = ((lossy + 4000, both), (both, whole))
    frozen = [record.freeze_share("ben", "anna", *span) for span in spans]
    fps = min(record.frames_per_s("ben", "anna", *span) for span in spans)
    heard = concealed(record, "ben", "anna", lossy, both)
    print(
        f"the lab lost {len(lost)} video packets, {len(recovered) / len(lost):.1%} came again (both ways "
        f"{len(recovered & lost_both_ways)} of {len(lost_both_ways)}); getStats: {told_lost:.0f} lost, "
        f"{told_repaired:.0f} repaired; round trip {1000 * rtt_s:.0f} ms; frozen {frozen}, {fps:.1f} frames/s in "
        f"{sorted(set(record.heights('ben', 'anna', lossy, whole)))}, sound invented {heard:.2%}; load "
        f"{os.getloadavg()[0]:.1f}; {record.plot('loss_10_percent', 'ben loses a tenth at 100 ms')}"
    )
    assert rtt_s >= 0.1
    assert len(lost - lost_both_ways) > 50
    assert len(recovered - lost_both_ways) >= 0.95 * len(lost - lost_both_ways)
    # Where requests are lost as well, a frame that others do not need may be given up before the second one.
    assert len(recovered & lost_both_ways) >= 0.9 * len(lost_both_ways)
    assert told_lost > 0.7 * len(lost)
    assert told_repaired >= 0.95 * told_lost
    assert max(frozen) < MOST_FROZEN_LOSSY
    assert fps > LEAST_FPS
    # What Opus cannot mend itself of a tenth (its forward error correction needs the packet after).
    assert heard < 0.15


FIVE = ("anna", "ben", "cem", "dora", "emil")
# From the first word to the larger picture.
MOST_CHANGE_S = 1.5


@pytest.mark.soak
async def test_five_narrow_receivers_see_the_speaker_larger():
    """Of a crowd, a picture that costs what its layers may, only one fits in the middle size; a still card would let in two."""
    async with meeting({name: SiteSpec() for name in FIVE}) as people:
        voice = write_speech(people.lab.directory)
        await asyncio.gather(*(people.join(name, media="640x360", fps="10", voice=voice, crowd="1") for name in FIVE))
        await people.connected(60)
        for name in FIVE:
            people.site(name).limit(WIDE_BPS, 600_000)
        turns: list[tuple[str, float]] = []
        for name in ("anna", "ben", "cem", "anna", "ben", "cem"):
            if turns:
                await people.pages[turns[-1][0]].evaluate("engine.voice.speak(false)")
            turns.append((name, people.mark(f"{name} speaks")))
            await people.pages[name].evaluate("engine.voice.speak(true)")
            await pause(8 if len(turns) > 1 else 15)
        end = people.mark("end")
        record = await people.record()
    plot = record.plot("five_at_600_kbit_s", "five at 600 kbit/s each")
    shown_after_s, sent_after_s, larger, larger_others = [], [], [], []
    for me in FIVE[3:]:
        for (name, began), (_, told) in itertools.pairwise([*turns, ("", end)]):
            if began > turns[0][1]:
                shown_after_s.append(record.reached_s(me, name, 360, began))
                sent_after_s.append(record.sent_after_s(me, name, 1, began))
            sent = {shown: record.sent_layers(me, shown, told - 6000, told) for shown in set(FIVE) - {me}}
            larger.append(mean(layer >= 1 for layer in sent.pop(name)))
            larger_others.append(max(mean(layer >= 1 for layer in layers) for layers in sent.values()))
    measured = {
        "change_until_shown_s": [took_s and round(took_s, 2) for took_s in shown_after_s],
        "change_until_sent_s": [took_s and round(took_s, 2) for took_s in sent_after_s],
        "speaker_in_the_middle_layer": larger,
        "somebody_else_in_it": larger_others,
        "load": round(os.getloadavg()[0], 1),
    }
    print(measured, plot)
    write_evidence("five_at_600_kbit_s", "issue 3, line 2", measured)
    assert min(larger) >= 0.9
    assert max(larger_others) <= 0.1
    assert all(took_s is not None and took_s <= MOST_CHANGE_S for took_s in shown_after_s)
    assert sum(bool(took_s) for took_s in shown_after_s) >= len(shown_after_s) / 2, "most were seen so already"


async def test_three_meet_on_the_product_s_pages_where_only_443_or_no_udp_gets_out():
    """The deployed relay, told of the media server and of nothing else, carries those whose networks block UDP."""
    sites = {
        "doctor": SiteSpec("symmetric"),
        "patient": SiteSpec(firewall="only_443"),
        "guest": SiteSpec(firewall="no_udp"),
    }
    addresses = {"SFU_BIND_ADDRESS": WEB_HOST, "SFU_ADVERTISED_ADDRESSES": WEB_HOST}
    async with contextlib.AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(media_server=WEB_HOST, **sites))
        server = stack.enter_context(server_in(lab, *(lab.site(name) for name in sites), **addresses))
        people = {
            name: await stack.enter_async_context(
                person(name, executable=lab.site(name).browser_executable(), flags=(*LAB_FLAGS, *SLOW_CAMERA))
            )
            for name in sites
        }
        doctor, patient, guest = people.values()
        await first_visit.sign_in(doctor, server)
        await first_visit.open_visit(doctor, server)
        await first_visit.walk_to_waiting(patient, server)
        await let_in(doctor, patient)
        await walk_in(guest.page, await invite(doctor, role="interpreter", name="Ines Interpreter"))
        await let_in(doctor, guest)
        for one in people.values():
            await expect(one.page.get_by_test_id("route")).to_have_attribute("data-route", "server", timeout=40_000)
        await everyone_gets_everyone(list(people.values()))
        protocols = {}

        async def as_their_networks_allow() -> bool:
            for name, one in people.items():
                media = await one.media()
                protocols[name] = (media.relayed, media.protocol)
            return protocols == {"doctor": (False, "udp"), "patient": (True, "tls"), "guest": (True, "tcp")}

        await eventually(as_their_networks_allow, 15, lambda: str(protocols))
