"""From the practitioner's click on "Admit" to the first frame of the other person that each browser has decoded."""

import asyncio

from tests.bench.rows import Row, median
from tests.e2e import first_visit
from tests.e2e.chromium import Person
from tests.e2e.server import AppServer

VISITS = 10

# Both browsers run on this machine: Date.now() is one clock. 5 ms is the resolution.
FIRST_FRAME = """async () => {
  const deadline = Date.now() + 30000;
  while (Date.now() < deadline) {
    for (const connection of window.__connections) {
      if (connection.connectionState === "closed") continue;
      for (const row of (await connection.getStats()).values()) {
        if (row.type === "inbound-rtp" && row.kind === "video" && row.framesDecoded > 0) return Date.now();
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("no frame within 30 s");
}"""
NOTE_CLICK = """() => {
  document.querySelector('[data-testid="admit"]').addEventListener(
    "click", () => { window.__admitted_at = Date.now(); }, {capture: true, once: true});
}"""


async def one_visit() -> tuple[float, float]:
    """(practitioner's, patient's) milliseconds from the click to the first frame."""
    with AppServer() as server:
        async with first_visit.two_people(server) as visit:
            doctor, patient = visit.doctor, visit.patient
            await first_visit.sign_in(doctor, server)
            await first_visit.open_visit(doctor, server)
            await first_visit.walk_to_waiting(patient, server)
            await doctor.page.get_by_test_id("admit").wait_for(state="visible")
            await doctor.page.evaluate(NOTE_CLICK)
            seen = [asyncio.ensure_future(_first_frame(one)) for one in (doctor, patient)]
            await first_visit.admit(doctor)
            times = await asyncio.gather(*seen)
            admitted = await doctor.page.evaluate("window.__admitted_at")
            return times[0] - admitted, times[1] - admitted


async def _first_frame(one: Person) -> float:
    return float(await one.page.evaluate(FIRST_FRAME))


def measure() -> list[Row]:
    visits = [asyncio.run(one_visit()) for _ in range(VISITS)]
    context = f"median of {VISITS}, two headless Chromiums and the server on one machine"
    return [
        Row(f"admit_to_first_frame_{who}", median([visit[index] for visit in visits]), "ms", context)
        for index, who in enumerate(("practitioner", "patient"))
    ]
