"""Places boxes in columns so that few lines cross and most run nearly level: the layered drawing of Sugiyama, Tagawa and Toda
(1981), with positions by isotonic regression.

Gets nodes with their columns, and edges; gives the top of each node and, for an edge that passes columns, where it passes.
The same input gives the same drawing: every choice falls back to the order in which things were given.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 8
WORTH_SWAPPING = 20_000
"""Nodes times pieces of edges up to which a drawing is improved by trials."""
LANE = 14.0
"""The height that a passing line keeps free."""


@dataclass(frozen=True, slots=True)
class Node:
    key: str
    column: int
    height: float


@dataclass(frozen=True, slots=True)
class Edge:
    """From a node in a column to one in a later column; `from_at` and `to_at` count from the tops of their nodes."""

    left: str
    left_at: float
    right: str
    right_at: float


@dataclass(frozen=True, slots=True)
class Arranged:
    """`tops` by key; `lanes` has, for each edge, the heights at which it passes the columns between its ends."""

    tops: dict[str, float]
    lanes: tuple[tuple[float, ...], ...]


def arrange(nodes: Sequence[Node], edges: Sequence[Edge], gap: float) -> Arranged:
    """Order and place all nodes; the highest top is 0."""
    every = {node.key: node for node in nodes}
    pieces: list[Edge] = []
    passed = [tuple(_split(every, pieces, edge, number)) for number, edge in enumerate(edges)]
    columns = _ordered(every, pieces)
    tops = _placed(every, pieces, columns, gap)
    highest = min(tops.values(), default=0.0)
    tops = {key: top - highest for key, top in tops.items()}
    lanes = tuple(tuple(tops[key] + LANE / 2 for key in keys) for keys in passed)
    return Arranged({node.key: tops[node.key] for node in nodes}, lanes)


def _split(every: dict[str, Node], pieces: list[Edge], edge: Edge, number: int) -> list[str]:
    """Cut an edge into pieces from column to column; gives the keys of what stands for it in between."""
    keys = []
    at, key = edge.left_at, edge.left
    for column in range(every[edge.left].column + 1, every[edge.right].column):
        lane = f"\0{number}:{column}"
        every[lane] = Node(lane, column, LANE)
        pieces.append(Edge(key, at, lane, LANE / 2))
        keys.append(lane)
        at, key = LANE / 2, lane
    pieces.append(Edge(key, at, edge.right, edge.right_at))
    return keys


# The order in each column

def _ordered(every: Mapping[str, Node], pieces: Sequence[Edge]) -> list[list[str]]:
    """Sweep to and fro, each time sorting one column by the middle of its neighbours; the order with fewest crossings stays."""
    columns: list[list[str]] = [[] for _ in range(1 + max((node.column for node in every.values()), default=-1))]
    for node in every.values():
        columns[node.column].append(node.key)
    best, fewest = [list(column) for column in columns], _crossings(every, columns, pieces)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for number in range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1):
            _sort(every, columns, pieces, number, forward)
        crossings = _crossings(every, columns, pieces)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    return _swapped(every, best, pieces, fewest) if len(every) * len(pieces) <= WORTH_SWAPPING else best


def _swapped(every: Mapping[str, Node], columns: list[list[str]], pieces: Sequence[Edge], fewest: int) -> list[list[str]]:
    """Swap neighbours as long as that takes crossings away, which sorting by middles cannot always see."""
    better = fewest > 0
    while better:
        better = False
        for column in columns:
            for upper in range(len(column) - 1):
                column[upper : upper + 2] = reversed(column[upper : upper + 2])
                crossings = _crossings(every, columns, pieces)
                if crossings < fewest:
                    fewest, better = crossings, True
                else:
                    column[upper : upper + 2] = reversed(column[upper : upper + 2])
    return columns


def _sort(every: Mapping[str, Node], columns: list[list[str]], pieces: Sequence[Edge], number: int, forward: bool) -> None:
    places = _places(every, columns)
    pulls: dict[str, list[float]] = defaultdict(list)
    for piece in pieces:
        mine, other, at = (piece.right, piece.left, piece.left_at) if forward else (piece.left, piece.right, piece.right_at)
        if every[mine].column == number:
            pulls[mine].append(_place(every, places, other, at))
    before = {key: place for place, key in enumerate(columns[number])}
    columns[number].sort(key=lambda key: (sum(pulls[key]) / len(pulls[key]) if pulls[key] else float(before[key]), before[key]))


def _places(every: Mapping[str, Node], columns: list[list[str]]) -> dict[str, int]:
    return {key: place for column in columns for place, key in enumerate(column)}


def _place(every: Mapping[str, Node], places: Mapping[str, int], key: str, at: float) -> float:
    """Where an edge ends, in units of nodes."""
    return places[key] + at / (every[key].height + 1)


def _crossings(every: Mapping[str, Node], columns: list[list[str]], pieces: Sequence[Edge]) -> int:
    """How many pairs of pieces cross: inversions between their two ends, column by column."""
    places = _places(every, columns)
    ends: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for piece in pieces:
        ends[every[piece.left].column].append((_place(every, places, piece.left, piece.left_at), _place(every, places, piece.right, piece.right_at)))
    return sum(map(_inversions, ends.values()))


def _inversions(pairs: list[tuple[float, float]]) -> int:
    seen: list[float] = []
    count = 0
    for _, right in sorted(pairs):
        count += len(seen) - bisect_right(seen, right)
        insort(seen, right)
    return count


# The place in each column

def _placed(every: Mapping[str, Node], pieces: Sequence[Edge], columns: list[list[str]], gap: float) -> dict[str, float]:
    """Stack every column, then let each follow its neighbours, first from the left, then from the right."""
    tops: dict[str, float] = {}
    for column in columns:
        tops.update(_stacked(every, column, dict.fromkeys(column, 0.0), gap))
    wholes = [*range(1, len(columns)), *range(len(columns) - 2, -1, -1)]
    for number in wholes * 2:
        column = columns[number]
        wished = _wishes(every, pieces, number, tops)
        tops.update(_stacked(every, column, {key: wished.get(key, tops[key]) for key in column}, gap))
    return tops


def _wishes(every: Mapping[str, Node], pieces: Sequence[Edge], number: int, tops: Mapping[str, float]) -> dict[str, float]:
    """The top at which a node's edges would run level, on the average."""
    wishes: dict[str, list[float]] = defaultdict(list)
    for piece in pieces:
        for mine, at, other, other_at in ((piece.left, piece.left_at, piece.right, piece.right_at),
                                          (piece.right, piece.right_at, piece.left, piece.left_at)):
            if every[mine].column == number:
                wishes[mine].append(tops[other] + other_at - at)
    return {key: sum(tops) / len(tops) for key, tops in wishes.items()}


def _stacked(every: Mapping[str, Node], column: Sequence[str], wished: Mapping[str, float], gap: float) -> dict[str, float]:
    """Tops in the order of the column, none overlapping, as near to what is wished as can be: the least squares, by pooling
    adjacent violators (Barlow and others, 1972)."""
    offsets, offset = [], 0.0
    for key in column:
        offsets.append(offset)
        offset += every[key].height + gap
    pools: list[tuple[float, int]] = []
    for key, before in zip(column, offsets, strict=True):
        mean, count = wished[key] - before, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (mean * count + other * others) / (count + others), count + others
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return {key: mean + before for key, mean, before in zip(column, means, offsets, strict=True)}
