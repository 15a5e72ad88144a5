"""Draw the rooms of the package and their imports into the lower half of docs/architecture.svg."""

from __future__ import annotations

import re
from pathlib import Path

from structure import GROUND, ORDER, room_arrows

FIGURE = Path(__file__).resolve().parent.parent / "docs" / "architecture.svg"
_START, _END = "<!-- rooms -->", "<!-- end of rooms -->"
#: Pixels: left edge of the first column, top of the first row, box, and distance of boxes.
_LEFT, _TOP, _WIDTH, _HEIGHT, _STEP_X, _STEP_Y = 30, 470, 84, 40, 112, 66


def levels(pairs: set[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each room: one more than the last of those that it imports."""
    rooms = [name for name in ORDER if name not in {"sweep", "__main__", *GROUND}]
    found: dict[str, int] = {}
    for name in rooms:
        found[name] = 1 + max((found[other] for room, other in pairs if room == name), default=-1)
    return found


def shortest(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leave out the imports that a chain of others implies."""

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        waiting = [b for a, b in pairs if a == name]
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += [b for a, b in pairs if a == other]
        return found

    beyond = {name: reached(name) for pair in pairs for name in pair}
    return {(a, b) for a, b in pairs if not any(b in beyond[c] for d, c in pairs if d == a and c != b)}


def rooms() -> str:
    """Return boxes and arrows as SVG."""
    pairs = room_arrows()
    column = levels(pairs)
    place: dict[str, tuple[int, int]] = {}
    for name, number in column.items():
        row = sum(other == number for known, other in column.items() if known in place)
        place[name] = (_LEFT + number * _STEP_X, _TOP + row * _STEP_Y)
    lines = []
    for importing, imported in sorted(shortest(pairs)):
        (x1, y1), (x0, y0) = place[importing], place[imported]
        start, end = (x0 + _WIDTH, y0 + _HEIGHT // 2), (x1 - 2, y1 + _HEIGHT // 2)
        bend = (start[0] + end[0]) // 2
        lines.append(
            f'<path class="i" d="M{start[0]} {start[1]}C{bend} {start[1]} {bend} {end[1]} {end[0]} {end[1]}"/>'
        )
    for name, (x, y) in place.items():
        above, _, own = name.rpartition(".")
        middle = x + _WIDTH // 2
        lines.append(f'<rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>')
        lines.append(f'<text class="m" x="{middle}" y="{y + (33 if above else 25)}">{own}</text>')
        if above:
            lines.append(f'<text class="s" x="{middle}" y="{y + 16}">{above}</text>')
    bottom = max(y for _, y in place.values()) + _HEIGHT + 26
    lines.append(f'<text class="t" x="{_LEFT}" y="{bottom}">used by all: {", ".join(GROUND)}</text>')
    return "\n".join(f"  {line}" for line in lines)


def drawn(text: str) -> str:
    """Return the figure with its lower half drawn anew."""
    found = re.search(f"{_START}.*{_END}", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"{FIGURE.name}: the marks {_START} and {_END} are missing")
    return f"{text[: found.start()]}{_START}\n{rooms()}\n  {_END}{text[found.end() :]}"


if __name__ == "__main__":
    FIGURE.write_text(drawn(FIGURE.read_text(encoding="utf-8")), encoding="utf-8")
