"""Circles in graphs, against a slow and plain search."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composer.graph import circles, reaching

GRAPHS = st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefg"), unique=True, max_size=4), max_size=7)


def reachable(edges, start):
    found, waiting = set(), list(edges.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(edges.get(node, ()))
    return found


@given(GRAPHS)
def test_a_circle_is_found_for_each_knot_and_nothing_else(edges):
    nodes = {*edges, *(other for nexts in edges.values() for other in nexts)}
    knots = {frozenset(o for o in reachable(edges, n) if n in reachable(edges, o)) for n in nodes if n in reachable(edges, n)}
    found = list(circles(edges))
    assert len(found) == len(knots)
    for circle in found:
        steps = zip(circle, circle[1:] + circle[:1], strict=True)
        assert all(other in edges[node] for node, other in steps)
        assert len(set(circle)) == len(circle)
        assert any(set(circle) <= knot and circle[0] == min(knot) for knot in knots)


@given(GRAPHS, st.sets(st.sampled_from("abcdefg"), max_size=2))
def test_reaching_is_the_way_back(edges, goals):
    nodes = {*edges, *(other for nexts in edges.values() for other in nexts)}
    assert reaching(edges, goals) == goals | {node for node in nodes if reachable(edges, node) & goals}


def test_a_long_chain_needs_no_deep_stack():
    edges = {str(n): [str(n + 1)] for n in range(5000)} | {"5000": ["0"]}
    assert [len(circle) for circle in circles(edges)] == [5001]
