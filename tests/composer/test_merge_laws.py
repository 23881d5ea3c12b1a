"""Laws of joining profiles, over random graphs of them: what docs/profiles.md promises."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composer.chain import chain_of
from composer.merge import merge
from composer.toml_spans import leaves
from tests.composer.profiles import TARGET, Drawn, Said, graphs, joined, models_of, reference_chain, reference_join, text_of, values

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def texts(graph):
    return {name: text_of(drawn) for name, drawn in graph.items()}


@quick
@given(graphs(), st.booleans())
def test_a_joined_profile_is_what_a_plain_reading_of_the_rules_gives(graph, with_target):
    merged, codes = joined(texts(graph), "p0", TARGET if with_target else None)
    expected, idle = reference_join(graph, "p0", with_target)
    assert values(merged) == expected
    assert codes.count("M0206") == idle
    assert [*chain_of(models_of(texts(graph)).manifests, "p0")] == reference_chain(graph, "p0")


@quick
@given(graphs())
def test_nothing_is_lost_silently(graph):
    merged, _ = merge(models_of(texts(graph)), "p0", TARGET)
    kept = {id(leaf): path for path, leaf in leaves(merged.tree)}
    lost = {id(each.node): each for each in merged.lost}
    manifests = models_of(texts(graph)).manifests
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
    result = values(joined(texts(graph), "p0")[0])
    for path, value in own.items():
        assert result[(*path, "policy") if path[-1] == "restart" else path] == value


@quick
@given(graphs(most=4), st.data())
def test_extending_twice_is_extending_once(graph, data):
    parents = graph["p0"].extends
    assume(parents)
    again = replace(graph["p0"], extends=(*parents, data.draw(st.sampled_from(parents))))
    assert values(joined(texts(graph), "p0")[0]) == values(joined(texts({**graph, "p0": again}), "p0")[0])
    assert joined(texts(graph), "p0")[1] == joined(texts({**graph, "p0": again}), "p0")[1]


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
            assert values(joined(texts(graph), "p0")[0]) == values(joined(texts(other), "p0")[0])
            assert joined(texts(graph), "p0")[1] == joined(texts(other), "p0")[1]


@settings(quick, max_examples=40)
@given(graphs())
def test_without_a_contradiction_the_order_of_parents_means_nothing(graph):
    """Only a parent that is faulty by itself, since it removes what it does not have, is found out in one order and not in another."""
    merged, codes = joined(texts(graph), "p0")
    assume(codes == [] and len(graph["p0"].extends) > 1)
    for order in permutations(graph["p0"].extends):
        other, said = joined(texts({**graph, "p0": replace(graph["p0"], extends=order)}), "p0")
        assert "M0227" not in said and (said or values(other) == values(merged))


@quick
@given(graphs(removes=False))
def test_one_line_of_parents_never_contradicts_itself(graph):
    line = {name: replace(drawn, extends=drawn.extends[:1]) for name, drawn in graph.items()}
    assert joined(texts(line), "p0")[1] == []


@quick
@given(graphs())
def test_a_child_that_repeats_what_counts_settles_everything(graph):
    """Whatever parents contradict each other about, the profile that says every value itself, and removes what anybody removes, is accepted."""
    merged, codes = joined(texts(graph), "p0")
    assume("M0227" in codes)
    everything = values(merged)
    removed = tuple(dict.fromkeys(path for name in reference_chain(graph, "p0") for said in (graph[name].own, graph[name].overlay) for path in said.removes))
    settled = {**graph, "last": Drawn(("p0",), Said({}, removed), Said(everything))}
    assert joined(texts(settled), "last")[1].count("M0227") == 0
    assert values(joined(texts(settled), "last")[0]) == everything
