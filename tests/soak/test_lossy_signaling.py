"""REL-5: calls are set up, and restarted once, by the pages' own modules over the real server and a bad way to it."""

import asyncio
import json
import shutil

import pytest

from tests.bench.rows import percentile
from tests.bench.signaling_load import SEATS
from tests.e2e.server import ROOT, AppServer
from tests.evidence import write_evidence
from tests.soak import scaled
from tests.soak.lossy_proxy import LossyProxy

CALLS = 200


async def connect_calls(count: int) -> dict[str, object]:
    """Both sides must have received every body once and in order."""
    with AppServer() as server:
        pairs = json.loads(server.run(SEATS.replace("WAITING", "0").replace("PAIRS", str(count))))
        seats = [seat for pair in pairs for seat in pair]
        async with LossyProxy(server.base_url, seats) as proxy:

            def side(number: int) -> dict[str, str]:
                return {"id": seats[number]["id"], "url": f"ws://127.0.0.1:{proxy.port}/{number}"}

            calls = [{"a": side(2 * number), "b": side(2 * number + 1)} for number in range(count)]
            node = await asyncio.create_subprocess_exec(
                str(shutil.which("node", path=f"{ROOT}/.venv/bin")),
                "--no-warnings",
                str(ROOT / "tests/soak/two_peers.mjs"),
                json.dumps(calls),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await asyncio.wait_for(node.communicate(), 60 + 10 * count)
        assert "socket failed" not in server.log_text()
    results = [json.loads(line) for line in output.decode().splitlines()]
    bad = [result for result in results if not result["ok"]]
    assert len(results) == count
    assert bad == []
    times = [result["took_ms"] for result in results]
    return {
        "calls": count,
        "connected": len(results) - len(bad),
        "signals_and_acks": proxy.counts,
        "set_up_and_restart_ms": {"p50": percentile(times, 50), "p95": percentile(times, 95), "max": max(times)},
    }


@pytest.mark.timeout(60)
async def test_calls_connect_over_a_bad_way_to_the_server() -> None:
    measured = await connect_calls(6)
    assert measured["signals_and_acks"]["lost"] > 20  # type: ignore[index]  # the way was bad indeed


@pytest.mark.soak
async def test_200_calls_connect_over_a_bad_way_to_the_server() -> None:
    write_evidence("lossy_signaling", "REL-5", await connect_calls(scaled(CALLS)))
