"""Circles in a directed graph, for profiles that extend each other and instances that wait for each other.

Gets edges by node; gives one circle for each knot of nodes that reach each other (Tarjan 1972), without recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Edges = Mapping[str, Sequence[str]]


def circles(edges: Edges) -> Iterator[list[str]]:
    """For each knot its shortest circle through its first node by name, which it starts with; in the order of those names."""
    for knot in sorted(min(part) for part in _knots(edges) if len(part) > 1 or _loops(edges, part)):
        yield _shortest_circle(edges, knot)


def reaching(edges: Edges, goals: set[str]) -> set[str]:
    """The goals and every node with a way to one of them."""
    back: dict[str, list[str]] = {}
    for node, nexts in edges.items():
        for other in nexts:
            back.setdefault(other, []).append(node)
    found, waiting = set(goals), list(goals)
    while waiting:
        for node in back.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def _loops(edges: Edges, part: set[str]) -> bool:
    return any(node in edges.get(node, ()) for node in part)


def _shortest_circle(edges: Edges, start: str) -> list[str]:
    """Breadth-first from `start` back to it."""
    before: dict[str, str] = {}
    waiting = [start]
    while True:
        node = waiting.pop(0)
        for other in sorted(edges.get(node, ())):
            if other == start:
                return _way(before, start, node)
            if other not in before:
                before[other] = node
                waiting.append(other)


def _way(before: dict[str, str], start: str, end: str) -> list[str]:
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _knots(edges: Edges) -> list[set[str]]:
    """Strongly connected components."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []
    for root in edges:
        if root in order:
            continue
        work = [(root, iter(edges.get(root, ())))]
        order[root] = low[root] = len(order)
        stack.append(root)
        while work:
            node, nexts = work[-1]
            other = next(nexts, None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found.append(_pop_knot(stack, node))
            elif other not in order:
                order[other] = low[other] = len(order)
                stack.append(other)
                work.append((other, iter(edges.get(other, ()))))
            elif other in stack:
                low[node] = min(low[node], order[other])
    return found


def _pop_knot(stack: list[str], root: str) -> set[str]:
    knot: set[str] = set()
    while root not in knot:
        knot.add(stack.pop())
    return knot
