"""Of what a page measures of a path every two seconds, one report in ten seconds is kept: the worst of each number.

Kept in memory, because everybody shares one database thread.
"""

from dataclasses import replace
from typing import Any, Final

from consultations.rooms.protocol.quality import QualityReport

WINDOW_S: Final = 10.0

_LARGER_IS_WORSE: Final = ("rtt_ms", "jitter_ms", "loss_in", "loss_out", "concealed", "freeze")
_SMALLER_IS_WORSE: Final = ("fps", "in_bps", "out_bps", "available_out_bps")
_REMEDIES: Final = ("", "lowered", "audio_first", "audio_only")


class WorstOfTen:
    """One per socket. The first report of a path is given back at once, so that a short visit has one."""

    def __init__(self) -> None:
        # By path: when its ten seconds began, and the worst of them so far.
        self._windows: dict[tuple[str, bool], tuple[float, QualityReport] | None] = {}

    def take(self, report: QualityReport, now_s: float) -> tuple[QualityReport, float] | None:
        """Return what is to be stored now, and how many seconds ago it began."""
        path = (report.engine, report.warm)
        if path not in self._windows:
            self._windows[path] = None
            return report, 0.0
        window = self._windows[path]
        if window is not None and now_s - window[0] < WINDOW_S:
            self._windows[path] = (window[0], worse_of(window[1], report))
            return None
        self._windows[path] = (now_s, report)
        return (window[1], now_s - window[0]) if window is not None else None


def worse_of(known: QualityReport, report: QualityReport) -> QualityReport:
    """Return of each number the worse one, of each judgement the worse with its factor; what was not measured counts for nothing."""
    worse: dict[str, Any] = {}
    for medium in ("audio", "video"):
        scores = [getattr(one, medium) for one in (known, report)]
        is_worse = scores[0] is None or (scores[1] is not None and scores[1] < scores[0])
        worse[medium] = scores[1] if is_worse else scores[0]
        worse[f"{medium}_factor"] = getattr(report if is_worse else known, f"{medium}_factor")
    for names, pick in ((_LARGER_IS_WORSE, max), (_SMALLER_IS_WORSE, min)):
        for name in names:
            measured = [value for value in (getattr(known, name), getattr(report, name)) if value is not None]
            worse[name] = pick(measured, default=None)
    return replace(known, **worse, remedy=max(known.remedy, report.remedy, key=_REMEDIES.index))
