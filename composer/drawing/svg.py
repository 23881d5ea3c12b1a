"""A picture as SVG: hardware on the left, then those who hold it, then those who ask them; readable in light and in dark.

Gets a Picture; gives one document that needs no font, script or file beside it. The same picture gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape as markup

from composer.drawing.layered import Arranged, Edge, Node, arrange
from composer.drawing.picture import Box, Connector, Line, Picture, Source, Tie
from composer.drawing.style import ARROW_TIES, CHAR, HEAD, LEGEND, MARGIN, ROW, SMALL, SOURCE, STYLE, TITLE, columns
from composer.render import escape

GAP, CHANNEL = 26.0, 120.0
"""Between two boxes of a column, and between two columns, in pixels."""
BEND = 9
"""The radius of a box's corners."""
LOOP = 48.0
"""How far a line between two boxes of one column swings out."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box or a source stands."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width


@dataclass(frozen=True, slots=True)
class _Plan:
    """The picture with a place for everything: `routes` are the points through which each line goes, in pairs of column sides."""

    picture: Picture
    places: dict[str, _Place]
    routes: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


def to_svg(picture: Picture) -> str:
    """The document. Ends with a line end."""
    plan = _plan(picture)
    body = [
        f'<rect class="paper" width="{_n(plan.width)}" height="{_n(plan.height)}"/>',
        _text(MARGIN, MARGIN + 6, "title", picture.name), _text(MARGIN, MARGIN + 26, "detail", picture.summary),
        *(_line(line, route) for line, route in _back_to_front(plan)),
        *(_source(source, plan.places[_source_key(source.key)]) for source in picture.sources),
        *(part for box in picture.boxes for part in _box(box, plan.places[box.name])),
        *_legend(plan),
    ]
    size = f'width="{_n(plan.width)}" height="{_n(plan.height)}" viewBox="0 0 {_n(plan.width)} {_n(plan.height)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_escaped(f"{picture.name}: {picture.summary}")}">'
    return "".join(f"{part}\n" for part in (head, f"<style>{STYLE}</style>", _arrows(), *body, "</svg>"))


# The plan

def _plan(picture: Picture) -> _Plan:
    column = _columns(picture)
    sizes = {_source_key(s.key): (_source_width(s), SOURCE) for s in picture.sources} | {b.name: (_box_width(b), _box_height(b)) for b in picture.boxes}
    nodes = [Node(key, column[key], sizes[key][1]) for key in sizes]
    joins = [_join(picture, column, line) for line in picture.lines]
    arranged = arrange(nodes, [join for join in joins if join], GAP)
    lefts, widths = _lefts(column, sizes)
    top = MARGIN + TITLE
    places = {key: _Place(lefts[column[key]], top + arranged.tops[key], widths[column[key]], sizes[key][1]) for key in sizes}
    routes = tuple(_routes(picture, column, joins, arranged, places, lefts, widths))
    width = max((place.right for place in places.values()), default=240.0) + MARGIN
    lowest = max([*(place.top + place.height for place in places.values()), *(y for route in routes for _, y in route), top])
    return _Plan(picture, places, routes, max(width, 560.0), lowest + MARGIN + 36)


def _columns(picture: Picture) -> dict[str, int]:
    """Sources in column 0; each instance one further than the furthest that it asks; programs that ask nobody stand last."""
    asks: dict[str, list[str]] = {box.name: [] for box in picture.boxes}
    for line in picture.lines:
        if line.tie in (Tie.STREAM, Tie.CHANNEL, Tie.SERVICE, Tie.FILES):
            asks[line.client].append(line.server)
    column: dict[str, int] = {}

    def reach(name: str, above: frozenset[str]) -> int:
        if name not in column:
            column[name] = 1 + max((reach(server, above | {name}) for server in asks[name] if server not in above | {name}), default=0)
        return column[name]

    for name in asks:
        reach(name, frozenset())
    last = max(column.values(), default=1)
    tied = {name for line in picture.lines if line.tie is not Tie.CONTROL for name in (line.client, line.server)}
    for box in picture.boxes:
        if box.name not in tied and box.kind == "program":
            column[box.name] = last
    return column | {_source_key(source.key): 0 for source in picture.sources}


def _source_key(key: str) -> str:
    """No instance's name has a blank."""
    return f"source {key}"


def _server_key(line: Line) -> str:
    return _source_key(line.server) if line.tie in (Tie.HARDWARE, Tie.KERNEL) else line.server


def _join(picture: Picture, column: dict[str, int], line: Line) -> Edge | None:
    """The line as an edge from its left end to its right one; None for one within a column."""
    server, client = _server_key(line), line.client
    ends = ((server, _server_at(picture, line)), (client, _need_at(picture, line)))
    if column[server] == column[client]:
        return None
    (left, left_at), (right, right_at) = sorted(ends, key=lambda end: column[end[0]])
    return Edge(left, left_at, right, right_at)


def _need_at(picture: Picture, line: Line) -> float:
    box = picture.box(line.client)
    return _row_at(next(k for k, need in enumerate(box.needs) if need.key == line.need)) if box else 0.0


def _server_at(picture: Picture, line: Line) -> float:
    if line.tie in (Tie.HARDWARE, Tie.KERNEL):
        return SOURCE / 2
    box = picture.box(line.server)
    if box is None or line.tie is Tie.CONTROL:
        return HEAD / 2
    return _row_at(len(box.needs) + next(k for k, provide in enumerate(box.provides) if provide.key == line.provide))


def _row_at(row: int) -> float:
    return HEAD + 6 + ROW * row + ROW / 2


def _lefts(column: dict[str, int], sizes: dict[str, tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The left side and the width of each column."""
    widths = [max((sizes[key][0] for key in sizes if column[key] == k), default=0.0) for k in range(1 + max(column.values(), default=0))]
    lefts, left = [], float(MARGIN)
    for width in widths:
        lefts.append(left)
        left += width + (CHANNEL if width else 0.0)
    return lefts, widths


def _routes(picture: Picture, column: dict[str, int], joins: list[Edge | None], arranged: Arranged, places: dict[str, _Place],
            lefts: list[float], widths: list[float]) -> Iterator[tuple[tuple[float, float], ...]]:
    lanes = iter(arranged.lanes)
    for line, join in zip(picture.lines, joins, strict=True):
        server, client = places[_server_key(line)], places[line.client]
        if join is None:
            yield ((client.left, client.top + _need_at(picture, line)), (server.left, server.top + _server_at(picture, line)))
            continue
        left, right = places[join.left], places[join.right]
        points = [(left.right, left.top + join.left_at)]
        for number, lane in enumerate(next(lanes), column[join.left] + 1):
            points += [(lefts[number], MARGIN + TITLE + lane), (lefts[number] + widths[number], MARGIN + TITLE + lane)]
        points.append((right.left, right.top + join.right_at))
        yield tuple(reversed(points) if join.right == line.client else points)


def _box_width(box: Box) -> float:
    rows = (columns(c.name) + (columns(c.detail) + 2 if c.detail else 0) for c in (*box.needs, *box.provides))
    words = max([*rows, columns(box.app) + len(box.kind) + 3])
    return max(words * CHAR, columns(box.name) * CHAR * 1.25) + 32


def _box_height(box: Box) -> float:
    rows = len((*box.needs, *box.provides))
    return HEAD + ROW * rows + (12 if rows else 0)


def _source_width(source: Source) -> float:
    return max(columns(source.name) * CHAR * 1.1, columns(source.detail) * SMALL) + 28


# What is drawn

def _back_to_front(plan: _Plan) -> list[tuple[Line, tuple[tuple[float, float], ...]]]:
    """Control lies below what carries data; that an instance controls itself is in its row."""
    pairs = [(line, route) for line, route in zip(plan.picture.lines, plan.routes, strict=True) if line.client != line.server]
    return sorted(pairs, key=lambda pair: pair[0].tie is not Tie.CONTROL)


def _line(line: Line, route: tuple[tuple[float, float], ...]) -> str:
    """Curves through the channels between columns, straight past a column, with an arrow at who answers."""
    (x, y), *rest = route
    steps = [f"M{_n(x)} {_n(y)}"]
    for index, (to_x, to_y) in enumerate(rest):
        if index % 2:
            steps.append(f"L{_n(to_x)} {_n(to_y)}")
        else:
            first, second = (x - LOOP, to_x - LOOP) if to_x == x else ((x + to_x) / 2, (x + to_x) / 2)
            steps.append(f"C{_n(first)} {_n(y)} {_n(second)} {_n(to_y)} {_n(to_x)} {_n(to_y)}")
        x, y = to_x, to_y
    marker = f' marker-end="url(#arrow-{line.tie.value})"' if line.tie in ARROW_TIES else ""
    return f'<path class="line {line.tie.value}" d="{"".join(steps)}"{marker}><title>{_escaped(_sentence(line))}</title></path>'


def _sentence(line: Line) -> str:
    what = {Tie.HARDWARE: "holds", Tie.KERNEL: "may use", Tie.CONTROL: "controls"}.get(line.tie, "asks")
    provide = f".{line.provide.partition('.')[2]}" if line.provide else ""
    label = f" ({line.label})" if line.label and line.tie is not Tie.CONTROL else ""
    return f"{line.client} {what} {line.server.rpartition(':')[2]}{provide}{label}"


def _source(source: Source, place: _Place) -> str:
    kind = "kernel" if source.kind == "kernel" else "hardware"
    middle = place.left + place.width / 2
    return (f'<g class="source {kind}"><rect x="{_n(place.left)}" y="{_n(place.top)}" width="{_n(place.width)}" height="{_n(place.height)}" rx="{BEND}"/>'
            f'{_text(middle, place.top + 17, "name middle", source.name)}{_text(middle, place.top + 32, "detail middle", source.detail)}</g>')


def _box(box: Box, place: _Place) -> Iterator[str]:
    x, y, width, height = (_n(value) for value in (place.left, place.top, place.width, place.height))
    yield f'<g class="box {box.kind}"><rect class="body" x="{x}" y="{y}" width="{width}" height="{height}" rx="{BEND}"/>'
    yield f'<path class="head" d="{_head(place)}"/>'
    yield _text(place.left + 14, place.top + 19, "name", box.name)
    yield _text(place.left + 14, place.top + 34, "detail", f"{box.app}, {box.kind}")
    for row, connector in enumerate((*box.needs, *box.provides)):
        yield _connector(place, connector, place.top + _row_at(row), row >= len(box.needs))
    yield "</g>"


def _head(place: _Place) -> str:
    """The upper part of a box, its corners round; of a box without rows all of it."""
    left, right, top, bottom = _n(place.left), place.right, place.top, place.top + HEAD
    low = f"V{_n(bottom - BEND)}q0 {BEND} -{BEND} {BEND}H{_n(place.left + BEND)}q-{BEND} 0 -{BEND} -{BEND}z"
    end = low if place.height == HEAD else f"V{_n(bottom)}H{left}z"
    return f"M{left} {_n(top + BEND)}q0 -{BEND} {BEND} -{BEND}H{_n(right - BEND)}q{BEND} 0 {BEND} {BEND}{end}"


def _connector(place: _Place, connector: Connector, y: float, provides: bool) -> str:
    """A row: its dot on the side where lines come in, its name beside it, the detail on the other side."""
    edge, sign = (place.right, -1) if provides else (place.left, 1)
    far = place.left if provides else place.right
    near, away = ("end", "start") if provides else ("start", "end")
    detail = _text(far - sign * 14, y + 4, f"detail {away}", connector.detail) if connector.detail else ""
    return f'<circle cx="{_n(edge)}" cy="{_n(y)}" r="3.5"/>{_text(edge + sign * 14, y + 4, f"row {near}", connector.name)}{detail}'


def _legend(plan: _Plan) -> Iterator[str]:
    """What the lines mean, of those that are there."""
    x, y = MARGIN, plan.height - 22
    there = {line.tie for line in plan.picture.lines}
    for tie, words in LEGEND.items():
        if tie in there:
            yield f'<path class="line {tie.value}" d="M{_n(x)} {_n(y)}H{_n(x + 26)}"/>{_text(x + 34, y + 4, "detail", words)}'
            x += 34 + len(words) * SMALL + 22


def _arrows() -> str:
    heads = (f'<marker id="arrow-{tie.value}" class="{tie.value}" viewBox="0 0 8 8" refX="{8 if tie is Tie.CONTROL else 10}" refY="4" markerWidth="8" markerHeight="8" '
             'orient="auto"><path d="M0 0.8L8 4L0 7.2z"/></marker>' for tie in ARROW_TIES)
    return f"<defs>{''.join(heads)}</defs>"


def _text(x: float, y: float, style: str, text: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    """Text for an element or an attribute in double quotes: nothing in it is markup, and nothing that XML forbids is left."""
    return markup(escape(text), {'"': "&quot;"})


def _n(value: float) -> str:
    """A length with at most one decimal, the same on every machine."""
    return f"{value:.1f}".removesuffix(".0")
