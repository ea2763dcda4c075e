"""The picture of the rooms in docs/architecture.md, drawn from the imports: `python -m tools.architecture` writes it into the page.

A room is a package of `padocc_dagster`, or a file beside the packages. An arrow goes from a room to one that it imports; it is left out
where a longer way leads there as well.
"""

from collections.abc import Iterable
from pathlib import Path

import grimp

PACKAGE = "padocc_dagster"
PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: python -m tools.architecture -->", "<!-- end of rooms -->"
Arrows = set[tuple[str, str]]


def rooms_and_arrows() -> tuple[dict[str, str], Arrows]:
    """Name of each room → how the picture calls it, and who imports whom."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    rooms = {name: f"{name}/" if graph.find_children(f"{PACKAGE}.{name}") else f"{name}.py" for name in map(_room, graph.modules) if name}
    imports = ((_room(module), _room(other)) for module in graph.modules for other in graph.find_modules_directly_imported_by(module))
    return rooms, {(room, other) for room, other in imports if room and other and room != other}


def _room(module: str) -> str:
    """The room of a module; empty for the package itself."""
    return module.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


def without_shortcuts(arrows: Arrows) -> Arrows:
    """The arrows without those whose end a longer way reaches as well. Which room reaches which does not change."""
    left = set(arrows)
    for room, other in sorted(arrows):
        left.discard((room, other))
        if other not in _reached(room, left):
            left.add((room, other))
    return left


def _reached(room: str, arrows: Arrows) -> set[str]:
    found: set[str] = set()
    todo = [room]
    while todo:
        new = {other for start, other in arrows if start == todo[-1]} - found
        todo = [*todo[:-1], *new]
        found |= new
    return found


def mermaid(rooms: dict[str, str], arrows: Iterable[tuple[str, str]]) -> str:
    """The picture as Mermaid text: packages as boxes, files rounded."""
    boxes = [f'    {name}["{label}"]' if label.endswith("/") else f'    {name}("{label}")' for name, label in sorted(rooms.items())]
    return "\n".join(["```mermaid", "flowchart TD", *boxes, *(f"    {room} --> {other}" for room, other in sorted(arrows)), "```"])


def with_picture(page: str) -> str:
    """The page's text with the current picture. Raises ValueError for one that has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}: the picture goes between them")
    rooms, arrows = rooms_and_arrows()
    return "\n".join([before + BEGIN, mermaid(rooms, without_shortcuts(arrows)), END + after])


if __name__ == "__main__":
    PAGE.write_text(with_picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
