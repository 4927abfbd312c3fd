"""A finished recording in real Chromium: it has a duration, seeks, and its beeps are where its flashes are."""

from __future__ import annotations

import asyncio
import base64

import pytest
from playwright.async_api import async_playwright

from media_routing.runtime.finalise import finalise
from media_routing.runtime.sealed_file import new_key
from tests.e2e.chromium import EXECUTABLE
from tests.media_routing.runtime.showing_peer import instants
from tests.media_routing.runtime.test_recorder import NAMES, ROOM, nearest, unseal, visit

pytestmark = pytest.mark.e2e

LOOK = """async ([bytes, step_s]) => {
  const file = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  const video = Object.assign(document.createElement("video"), { src: URL.createObjectURL(new Blob([file], { type: "video/webm" })) });
  const next = (type) => new Promise((resolve, reject) => {
    video.addEventListener(type, resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
  await next("loadeddata");
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const flashes = [];
  let bright = false;
  for (let at_s = 0; at_s < video.duration; at_s += step_s) {
    video.currentTime = at_s;
    await next("seeked");
    canvas.drawImage(video, 0, 0, 1, 1);
    const is_bright = canvas.getImageData(0, 0, 1, 1).data[0] > 128;
    if (is_bright && !bright) flashes.push(at_s);
    bright = is_bright;
  }
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(file.buffer);
  const beeps = [];
  let last_s = -1;
  sound.getChannelData(0).forEach((sample, n) => {
    if (Math.abs(sample) < 0.1) return;
    if (n / sound.sampleRate - last_s > 0.12) beeps.push(n / sound.sampleRate);
    last_s = n / sound.sampleRate;
  });
  video.currentTime = video.duration - 1;
  video.muted = true;
  await video.play();
  await next("ended");
  return { duration_s: video.duration, sound_s: sound.duration, flashes, beeps };
}"""
STEP_S = 0.02


async def test_it_plays_seeks_and_stays_in_step_over_a_pause(tmp_path):
    key = new_key()
    async with visit(NAMES[:1]) as (service, [anna], keys):
        anna.give_key(keys)
        await asyncio.sleep(1.2)
        recording = service.start_recording(ROOM, tmp_path / "r", key, print, keys)
        await asyncio.sleep(2.5)
        recording.hold()
        await asyncio.sleep(1.3)
        recording.go_on()
        await asyncio.sleep(3)
        manifest = await recording.stop()
    [final] = finalise(tmp_path / "r", key, manifest.tracks)
    plain = base64.b64encode(unseal(tmp_path / "r" / final.file, key)).decode()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, headless=True)
        seen = await (await browser.new_page()).evaluate(LOOK, [plain, STEP_S])
        await browser.close()
    assert seen["duration_s"] == pytest.approx(manifest.length_ms / 1000, abs=0.2)
    assert seen["sound_s"] == pytest.approx(seen["duration_s"], abs=0.1), "players count samples"
    [(held_ms, resumed_ms)] = manifest.holds
    marks = [at + anna.zero - recording.began for at in instants(30)]
    before = [at for at in marks if 0.5 < at < held_ms / 1000 - 0.3]
    after = [at for at in marks if resumed_ms / 1000 + 0.5 < at < manifest.length_ms / 1000 - 0.3]
    assert before
    assert after
    skews = [nearest(seen["beeps"], at) - nearest(seen["flashes"], at) for at in before + after]
    print(f"beeps after flashes by {min(skews):.3f} to {max(skews):.3f} s")
    assert max(map(abs, skews)) <= 0.08
    assert max(abs(nearest(seen["beeps"], at) - at) for at in before + after) <= 0.1
