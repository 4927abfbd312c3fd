"""What was measured in a meeting. Times are ms since the epoch, on the one clock that all browsers here share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.svg_plot import Series, write_plot


@dataclass
class Record:
    """`pages`: samples by name (call_engine/sampler.js); `server`: rows of group_process.py; `sizes`: by name and
    "peer slot" when the shown picture changed its size, 0 for none."""

    pages: dict[str, list[dict[str, Any]]]
    server: list[dict[str, Any]]
    sizes: dict[str, dict[str, list[dict[str, float]]]]
    marks: list[tuple[float, str]]

    def total(self, me: str, key: str, what: str, at_ms: float) -> float:
        """A counter of `rx` as it stood then; 0 before there was one."""
        value = 0.0
        for sample in self.pages[me]:
            if sample["at_ms"] > at_ms:
                break
            value = sample["rx"].get(key, {}).get(what, value)
        return value

    def gained(self, me: str, key: str, what: str, from_ms: float, to_ms: float) -> float:
        return self.total(me, key, what, to_ms) - self.total(me, key, what, from_ms)

    def freeze_share(self, me: str, peer: str, from_ms: float, to_ms: float) -> float:
        """Frozen time of the picture, as webrtc-stats defines it, over the time looked at. A picture that never comes
        back is not in it: ask for frames as well."""
        return self.gained(me, f"{peer} video", "freeze_s", from_ms, to_ms) * 1000 / (to_ms - from_ms)

    def frames_per_s(self, me: str, peer: str, from_ms: float, to_ms: float) -> float:
        return self.gained(me, f"{peer} video", "frames", from_ms, to_ms) * 1000 / (to_ms - from_ms)

    def heights(self, me: str, peer: str, from_ms: float, to_ms: float) -> list[int]:
        """Height of the decoded picture at each sample."""
        return [
            sample["rx"].get(f"{peer} video", {}).get("height", 0)
            for sample in self.pages[me]
            if from_ms <= sample["at_ms"] <= to_ms
        ]

    def reached_s(self, me: str, peer: str, height: int, since_ms: float) -> float | None:
        """Seconds until a frame of at least this height was shown; 0 when the one shown was, None for never."""
        shown = 0.0
        for size in self.sizes[me].get(f"{peer} video", []):
            if size["at_ms"] > since_ms:
                if shown >= height:
                    return 0.0
                if size["height"] >= height:
                    return (size["at_ms"] - since_ms) / 1000
            shown = size["height"]
        return 0.0 if shown >= height else None

    def sent_layers(self, me: str, peer: str, from_ms: float, to_ms: float) -> list[int]:
        """Which layer of `peer` the server sent to `me`, -1 for none, at each of its samples."""
        return [
            row["layers"].get(peer, -1) for row in self.server if row["me"] == me and from_ms <= row["at_ms"] <= to_ms
        ]

    def sent_after_s(self, me: str, peer: str, layer: int, since_ms: float) -> float | None:
        """Seconds until the server sent `me` that layer of `peer`, to its next sample; None for never."""
        at_ms = (row["at_ms"] for row in self.server if row["me"] == me and row["layers"].get(peer, -1) >= layer)
        return next(((at - since_ms) / 1000 for at in at_ms if at > since_ms), None)

    def plot(self, name: str, title: str) -> Path:
        """var/artefacts/lab_<name>.svg."""
        began = min(samples[0]["at_ms"] for samples in self.pages.values() if samples)
        told = ", ".join(f"{(at - began) / 1000:.0f} s {what}" for at, what in self.marks)
        panels: list[tuple[str, Series]] = []
        for me, samples in self.pages.items():
            rows = [row for row in self.server if row["me"] == me]
            rates = {
                "estimate": [((r["at_ms"] - began) / 1000, r["target_bps"] / 1000) for r in rows],
                "received": _rate(samples, "bytes_in", began),
                "sent": _rate(samples, "bytes_out", began),
            }
            panels.append((f"{title}; {me}, kbit/s. {told}", rates))
            keys = sorted({key for sample in samples for key in sample["rx"] if key.endswith(" video")})
            sizes = {key: [(_s(s, began), s["rx"].get(key, {}).get("height", 0)) for s in samples] for key in keys}
            panels.append((f"height of what {me} sees", sizes))
            freezes = {key: [(_s(s, began), s["rx"].get(key, {}).get("freeze_s", 0)) for s in samples] for key in keys}
            panels.append((f"seconds frozen so far, seen by {me}", freezes))
            rids = [rid for rid in ("l", "m", "h") if any(rid in sample["tx"] for sample in samples)]
            if rids:
                layers = {rid: _layer_rate(samples, rid, began) for rid in rids}
                panels.append((f"layers that {me} sends, kbit/s", layers))
        return write_plot(f"lab_{name}", panels)


def _s(sample: dict[str, Any], began_ms: float) -> float:
    return float(sample["at_ms"] - began_ms) / 1000


def _rate(samples: list[dict[str, Any]], what: str, began_ms: float) -> list[tuple[float, float]]:
    return [
        (_s(b, began_ms), max(0.0, (b["pair"][what] - a["pair"][what]) * 8 / (b["at_ms"] - a["at_ms"])))
        for a, b in itertools.pairwise(samples)
    ]


def _layer_rate(samples: list[dict[str, Any]], rid: str, began_ms: float) -> list[tuple[float, float]]:
    def sent(sample: dict[str, Any]) -> float:
        return float(sample["tx"].get(rid, {}).get("bytes", 0))

    return [
        (_s(b, began_ms), max(0.0, (sent(b) - sent(a)) * 8 / (b["at_ms"] - a["at_ms"])))
        for a, b in itertools.pairwise(samples)
    ]
