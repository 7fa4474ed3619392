"""Small plots as SVG, written by hand: the same figures give the same bytes."""

from collections.abc import Sequence

from bench.race import shown

WIDTH, LEFT, RIGHT = 460, 50, 80
GREY, BLUE = "#9aa5b1", "#2f6f9f"


def bars(title: str, floor: float, ours: float) -> str:
    """Return ours beside the floor."""
    longest = (WIDTH - LEFT - RIGHT) / max(floor, ours)
    drawn = []
    for top, name, value, color in ((34, "floor", floor, GREY), (62, "ours", ours, BLUE)):
        length = value * longest
        drawn += [
            _text(LEFT - 8, top + 15, name, "end"),
            f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="20" rx="3" fill="{color}"/>',
            _text(LEFT + length + 6, top + 15, shown(value)),
        ]
    return _svg(title, 96, drawn)


def line(title: str, points: Sequence[tuple[float, float]]) -> str:
    """Return how a figure came about, from nothing up to the highest; the first and the last value are written."""
    height, top, bottom = 180, 40, 150
    across = (WIDTH - LEFT - RIGHT) / (points[-1][0] - points[0][0] or 1)
    up = (bottom - top) / max(y for _, y in points)
    placed = [(LEFT + (x - points[0][0]) * across, bottom - y * up) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    drawn = [
        f'<line x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}" stroke="{GREY}"/>',
        f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2"/>',
    ]
    for (x, y), (number, value), anchor in ((placed[0], points[0], "end"), (placed[-1], points[-1], "start")):
        drawn += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{BLUE}"/>',
            _text(x + (6 if anchor == "start" else -6), y + 4, shown(value), anchor),
            _text(x, bottom + 18, f"{number:,.0f}", "middle"),
        ]
    return _svg(title, height, drawn)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _svg(title: str, height: int, drawn: Sequence[str]) -> str:
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"'
    paper = f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>'
    return "\n".join((f'{frame} font-size="12">', paper, _text(12, 20, title), *drawn, "</svg>", ""))
