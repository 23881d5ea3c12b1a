"""Laws of joining profiles, over random graphs of them: what docs/profiles.md promises."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composer.chain import chain_of
from composer.merge import merge
from composer.toml_spans import leaves
from tests.composer.profiles import (
    TARGET, Drawn, Said, drawn_models, graphs, joined_graph, models_of, reference_chain, reference_join, settled_words, text_of, values,
)

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@settings(quick, max_examples=20)
@given(graphs())
def test_profiles_are_drawn_as_their_texts_would_be_read(graph):
    read = models_of({name: text_of(drawn) for name, drawn in graph.items()}).manifests
    for name, profile in drawn_models(graph).manifests.items():
        assert profile.tree.plain() == read[name].tree.plain()
        assert [parent for parent, _ in profile.extends] == [parent for parent, _ in read[name].extends]


@quick
@given(graphs(), st.booleans())
def test_a_joined_profile_is_what_a_plain_reading_of_the_rules_gives(graph, with_target):
    merged, codes = joined_graph(graph, "p0", TARGET if with_target else None)
    expected, idle = reference_join(graph, "p0", with_target)
    assert values(merged) == expected
    assert codes.count("M0206") == idle
    assert [*chain_of(drawn_models(graph).manifests, "p0")] == reference_chain(graph, "p0")


@quick
@given(graphs())
def test_nothing_is_lost_silently(graph):
    merged, _ = merge(drawn_models(graph), "p0", TARGET)
    kept = {id(leaf): path for path, leaf in leaves(merged.tree)}
    lost = {id(each.node): each for each in merged.lost}
    manifests = drawn_models(graph).manifests
    written = sum(len(said.leaves) for name in reference_chain(graph, "p0") for said in (graph[name].own, graph[name].overlay))
    assert len([path for path, leaf in leaves(merged.tree) if path and not isinstance(leaf.value, dict)]) + len(lost) == written
    assert not kept.keys() & lost.keys()
    for each in merged.lost:
        assert each.by.span.source.path.removeprefix("profiles/").removesuffix(".toml") in manifests
        assert each.removed == (each.by.key is None)


@quick
@given(graphs())
def test_what_a_profile_says_itself_counts(graph):
    own = graph["p0"].overlay.leaves
    result = values(joined_graph(graph, "p0")[0])
    for path, value in own.items():
        assert result[(*path, "policy") if path[-1] == "restart" else path] == value


@quick
@given(graphs(most=4), st.data())
def test_extending_twice_is_extending_once(graph, data):
    parents = graph["p0"].extends
    assume(parents)
    again = replace(graph["p0"], extends=(*parents, data.draw(st.sampled_from(parents))))
    assert values(joined_graph(graph, "p0")[0]) == values(joined_graph({**graph, "p0": again}, "p0")[0])
    assert joined_graph(graph, "p0")[1] == joined_graph({**graph, "p0": again}, "p0")[1]


@quick
@given(graphs())
def test_extending_several_is_extending_one_that_extends_the_first_of_them(graph):
    parents = graph["p0"].extends
    assume(len(parents) > 1)
    for cut in range(1, len(parents)):
        for kept, grouped in (((("group",), parents[cut:]), parents[:cut]), ((parents[:cut], ("group",)), parents[cut:])):
            group = Drawn(grouped, Said(), Said())
            extends = (*kept[0], *kept[1])
            other = {**graph, "p0": replace(graph["p0"], extends=extends), "group": group}
            assert values(joined_graph(graph, "p0")[0]) == values(joined_graph(other, "p0")[0])
            assert joined_graph(graph, "p0")[1] == joined_graph(other, "p0")[1]


@quick
@given(graphs(), st.randoms(use_true_random=False))
def test_without_a_contradiction_the_order_of_parents_means_nothing(graph, random):
    """Only a parent that is faulty by itself, since it removes what it does not have, is found out in one order and not in another."""
    parents = graph["p0"].extends
    assume(len(parents) > 1)
    merged, codes = joined_graph(graph, "p0")
    assume(codes == [])
    order = tuple(random.sample(parents, len(parents)))
    for turned in (order, parents[::-1]):
        other, said = joined_graph({**graph, "p0": replace(graph["p0"], extends=turned)}, "p0")
        assert "M0227" not in said and (said or values(other) == values(merged))


@quick
@given(graphs(removes=False))
def test_one_line_of_parents_never_contradicts_itself(graph):
    line = {name: replace(drawn, extends=drawn.extends[:1]) for name, drawn in graph.items()}
    assert joined_graph(line, "p0")[1] == []


def settled(graph):
    """The graph with a profile `last` that repeats what `p0` says, empty tables too, and removes what anybody removes."""
    removed = [path for name in reference_chain(graph, "p0") for said in (graph[name].own, graph[name].overlay) for path in said.removes]
    repeated = settled_words(joined_graph(graph, "p0")[0])
    return {**graph, "last": Drawn(("p0",), Said({}, tuple(dict.fromkeys(removed))), Said(repeated))}


def says(graph):
    """Whether profiles contradict each other before and after a child repeats everything, and whether it changes anything."""
    before, after = joined_graph(graph, "p0"), joined_graph(settled(graph), "last")
    assert settled_words(after[0]) == settled_words(before[0])
    return "M0227" in before[1], "M0227" in after[1]


@quick
@given(graphs())
def test_a_child_that_repeats_what_counts_settles_everything(graph):
    """Whatever parents contradict each other about, the profile that says every value and every empty table itself, and removes
    what anybody removes, is accepted."""
    assume(any(len(drawn.extends) > 1 for drawn in graph.values()))
    before, after = says(graph)
    assume(before)
    assert not after


LINE = ("instance", "a", "grant", "irq", "line")
PORT = ("kernel", "emergency", "port")


def test_a_table_without_keys_is_a_word_that_settles():
    """`false` here, a value there that is taken back below both: in one order nothing is left but the table, in the other `false`."""
    graph = {
        "p0": Drawn(("p1",), Said(), Said()),
        "p1": Drawn(("p2", "p3"), Said({}, ((*LINE, "gsi"),)), Said()),
        "p2": Drawn((), Said(), Said({LINE: False})),
        "p3": Drawn((), Said({(*LINE, "gsi"): 20}), Said()),
    }
    assert says(graph) == (True, False)
    assert settled(graph)["last"].overlay.leaves == {LINE: {}}


def test_a_table_that_is_emptied_by_its_own_profile_contradicts_what_denies_it():
    graph = {
        "p0": Drawn(("p4", "p3"), Said(), Said()),
        "p3": Drawn((), Said({PORT: 0x3F8}), Said({}, (PORT,))),
        "p4": Drawn((), Said(), Said({PORT[:2]: False})),
    }
    assert says(graph) == (True, False)
    assert settled(graph)["last"].overlay.leaves == {PORT[:2]: {}}
