"""Draws the table of the house: `python tests/architecture/draw_house.py` writes docs/figures/house.svg."""

from pathlib import Path

from house import FLOORS, IMPORTS, PLANNED, ROOMS

PICTURE = Path(__file__).parents[2] / "docs" / "figures" / "house.svg"
WIDTH, MARGIN, GAP = 960, 16, 14
NOT_DRAWN = {"version", "lazy_face", "counted", "installation"}  # they say nothing about the house
HEAD, ROOM, FLOOR_GAP = 26, 22, 34  # heights: a package's name, a room, the space between floors for arrows
INK, FAINT, PAPER, BOX, INNER, LINE = "#1f2328", "#59636e", "#ffffff", "#f6f8fa", "#ffffff", "#9aa4af"
Box = tuple[float, float, float, float]


def direct_imports() -> set[tuple[str, str]]:
    """The arrows to draw: an import that other arrows already imply, as cli -> errors, is left out."""
    below = {package: {*others} - NOT_DRAWN for package, others in IMPORTS.items() if package not in NOT_DRAWN}
    return {
        (package, other)
        for package, others in below.items()
        for other in others
        if not any(other in below[between] for between in others - {other})
    }


def places() -> dict[str, Box]:
    """Where every package stands: (left, top, width, height); the roof on top, a floor's packages on one line."""
    found, top = {}, float(MARGIN)
    for floor in reversed(FLOORS):
        packages = [package for package in floor if package not in NOT_DRAWN]
        heights = {package: HEAD + ROOM * len(ROOMS.get(package, ())) + 6 for package in packages}
        tallest = max(heights.values())
        width = (WIDTH - 2 * MARGIN - GAP * (len(packages) - 1)) / len(packages)
        width = min(width, 300)
        left = (WIDTH - len(packages) * width - GAP * (len(packages) - 1)) / 2
        for package in packages:
            found[package] = (left, top + tallest - heights[package], width, heights[package])
            left += width + GAP
        top += tallest + FLOOR_GAP
    return found


def drawing() -> str:
    """The whole picture as SVG."""
    boxes = places()
    height = max(top + tall for _, top, _, tall in boxes.values()) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" font-family="sans-serif">',
        "<title>Floors and rooms of gpt25: imports go down only</title>",
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height:g}" fill="{PAPER}"/>',
    ]
    parts += [_arrow(boxes[package], boxes[other]) for package, other in sorted(direct_imports())]
    parts += [_package(package, box) for package, box in boxes.items()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _package(package: str, box: Box) -> str:
    left, top, width, height = box
    dash = ' stroke-dasharray="5 4"' if package in PLANNED else ""
    name = f"{package} (planned)" if package in PLANNED else package
    parts = [
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="6" fill="{BOX}" '
        f'stroke="{INK}"{dash}/>',
        f'<text x="{left + 10:g}" y="{top + 18:g}" font-size="14" font-weight="600" fill="{INK}">{name}</text>',
    ]
    rooms = ROOMS.get(package, {})
    for number, (room, others) in enumerate(reversed(rooms.items())):
        y = top + HEAD + number * ROOM
        is_all = len(others) == len(rooms) - 1 - number and len(others) > 2
        names = "all below" if is_all else ", ".join(sorted(others))
        known = f'<tspan fill="{FAINT}"> ← {names}</tspan>' if others else ""
        parts += [
            f'<rect x="{left + 8:g}" y="{y:g}" width="{width - 16:g}" height="{ROOM - 3}" rx="3" fill="{INNER}" '
            f'stroke="{LINE}"/>',
            f'<text x="{left + 14:g}" y="{y + 13.5:g}" font-size="10.5" fill="{INK}">{room}{known}</text>',
        ]
    return "\n".join(parts)


def _arrow(box: Box, other: Box) -> str:
    """From the bottom of one package to the top of another, spread by where the other one stands."""
    left, top, width, height = box
    other_left, other_top, other_width, _ = other
    middle, other_middle = left + width / 2, other_left + other_width / 2
    slant = (other_middle - middle) / WIDTH  # from -1 to 1
    start, end = middle + slant * width * 0.8, other_middle - slant * other_width * 0.8
    begin, finish = top + height, other_top - 2
    return (
        f'<path d="M{start:.1f} {begin:.1f}C{start:.1f} {begin + 20:.1f} {end:.1f} {finish - 20:.1f} {end:.1f} '
        f'{finish:.1f}" fill="none" stroke="{LINE}" stroke-width="1.3" marker-end="url(#tip)"/>'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
