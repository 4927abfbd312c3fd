"""Line plots as SVG, for people who look at what a test has measured. Written next to the other artefacts of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench.rows import ROOT

DIRECTORY = ROOT / "var" / "artefacts"
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 900, 260, 70, 30, 40, 170
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")

Series = Mapping[str, Sequence[tuple[float, float]]]


def write_plot(name: str, panels: Sequence[tuple[str, Series]], *, directory: Path = DIRECTORY) -> Path:
    """Writes `<name>.svg`: one panel below the other, each (title, lines by name as (x, y) pairs), x in seconds."""
    directory.mkdir(parents=True, exist_ok=True)
    height = _HEIGHT * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for index, (title, series) in enumerate(panels):
        parts.append(f'<g transform="translate(0 {index * _HEIGHT})">{_panel(title, series)}</g>')
    parts.append("</svg>\n")
    file = directory / f"{name}.svg"
    file.write_text("\n".join(parts))
    return file


def _panel(title: str, series: Series) -> str:
    points = [point for line in series.values() for point in line]
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    x_min, x_max = min((x for x, _ in points), default=0.0), max((x for x, _ in points), default=1.0)
    y_min, y_max = min([0.0, *(y for _, y in points)]), max([1.0, *(y for _, y in points)])

    def x_at(x: float) -> float:
        return _LEFT + (x - x_min) / ((x_max - x_min) or 1) * (right - _LEFT)

    def y_at(y: float) -> float:
        return bottom - (y - y_min) / ((y_max - y_min) or 1) * (bottom - _TOP)

    parts = [f'<text x="{_LEFT}" y="18" font-size="13">{escape(title)}</text>']
    for step in range(5):
        y = y_min + (y_max - y_min) * step / 4
        x = x_min + (x_max - x_min) * step / 4
        parts.append(f'<path d="M{_LEFT} {y_at(y):.1f}H{right}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y_at(y) + 4:.1f}" text-anchor="end">{y:.4g}</text>')
        parts.append(f'<text x="{x_at(x):.1f}" y="{bottom + 16}" text-anchor="middle">{x:.4g} s</text>')
    for index, (name, line) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{right + 10}" y="{_TOP + 14 * index + 10}" fill="{colour}">{escape(name)}</text>')
    return "".join(parts)
