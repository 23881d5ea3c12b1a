"""The layout: nothing overlaps, orders are kept, and what can be drawn without crossings is."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from composer.drawing.layered import LANE, Edge, Node, arrange

GAP = 10.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Node], list[Edge]]:
    heights = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(10, 60)), min_size=1, max_size=9))
    nodes = [Node(f"n{k}", column, float(height)) for k, (column, height) in enumerate(heights)]
    pairs = [(a, b) for a in nodes for b in nodes if a.column < b.column]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=12)) if pairs else []
    return nodes, [Edge(a.key, a.height / 2, b.key, b.height / 2) for a, b in chosen]


@given(graphs())
def test_nothing_overlaps_and_lanes_pass_beside_boxes(graph):
    nodes, edges = graph
    made = arrange(nodes, edges, GAP)
    assert set(made.tops) == {node.key for node in nodes}
    columns = {node.key: node.column for node in nodes}
    spans = [(node.column, made.tops[node.key], made.tops[node.key] + node.height) for node in nodes]
    for edge, lanes in zip(edges, made.lanes, strict=True):
        assert len(lanes) == columns[edge.right] - columns[edge.left] - 1
        spans += [(columns[edge.left] + 1 + k, at - LANE / 2, at + LANE / 2) for k, at in enumerate(lanes)]
    for (column, _, bottom), (other, top, _) in pairwise(sorted(spans)):
        assert column != other or top - bottom > GAP - 0.001
    assert min(top for _, top, _ in spans) == 0.0


@given(graphs())
def test_the_same_graph_is_drawn_the_same(graph):
    assert arrange(*graph, GAP) == arrange(*graph, GAP)


def test_lines_that_need_not_cross_do_not():
    nodes = [Node(name, column, 10.0) for column, names in enumerate(("abc", "xyz")) for name in names]
    made = arrange(nodes, [Edge("a", 5, "z", 5), Edge("b", 5, "y", 5), Edge("c", 5, "x", 5)], GAP)
    order = sorted("abc", key=made.tops.__getitem__)
    assert sorted("xyz", key=made.tops.__getitem__) == [{"a": "z", "b": "y", "c": "x"}[each] for each in order]


def test_two_that_are_joined_stand_level():
    made = arrange([Node("a", 0, 10.0), Node("b", 1, 30.0)], [Edge("a", 5, "b", 20)], GAP)
    assert made.tops["a"] + 5 == made.tops["b"] + 20


def test_nothing_is_drawn_of_nothing():
    assert arrange([], [], GAP).tops == {}
