"""Where a proof is demanded: the nearest word counts, and nobody's demand is lost on its way through parents."""

from __future__ import annotations

import pytest

from tests.composer.manifests import HELLO, UART, system_of

PARTS = '[instance.com1]\napp = "uart"\ngrant.port.regs = { base = 0x3f8 }\ngrant.irq.line = { isa = 4 }\n'
REQUIRED, OPTIONAL = 'proof = "required"\n', 'proof = "optional"\n'


def profile(*parents: str, says: str = "", instances: str = "") -> str:
    return f"[profile]\nextends = {list(parents)}\n{says}{instances}".replace("'", '"')


def demanded(tmp_path, main: str, **others: str):
    """Whether `com1` of profile `main` has to be proved, and the demand."""
    files = {f"profiles/{name}.toml": text for name, text in {"main": main, **others}.items()}
    (com1,) = system_of(tmp_path, {**files, "apps/uart/app.toml": UART, "apps/hello/app.toml": HELLO}).instances
    return com1.proof


@pytest.mark.parametrize(("own", "of_instance", "holds"), [
    ("", "", False), (REQUIRED, "", True), (OPTIONAL, "", False),
    ("", REQUIRED, True), (REQUIRED, OPTIONAL, False), (OPTIONAL, REQUIRED, True),
])
def test_an_instances_own_word_is_stronger_than_its_profiles(tmp_path, own, of_instance, holds):
    assert (demanded(tmp_path, profile(says=own, instances=PARTS + of_instance)) is not None) == holds


@pytest.mark.parametrize(("first", "second", "own", "holds"), [
    (REQUIRED, "", "", True), ("", REQUIRED, "", True), (REQUIRED, OPTIONAL, "", True), (OPTIONAL, REQUIRED, "", True),
    (REQUIRED, REQUIRED, OPTIONAL, False), (OPTIONAL, "", "", False), ("", "", REQUIRED, True),
])
def test_the_strictest_parent_counts_unless_the_child_says_otherwise(tmp_path, first, second, own, holds):
    found = demanded(tmp_path, profile("first", "second", says=own, instances=PARTS),
                     first=profile(says=first), second=profile(says=second))
    assert (found is not None) == holds


def test_a_child_keeps_what_a_grandparent_demands_and_the_demand_knows_its_way(tmp_path):
    found = demanded(tmp_path, profile("middle", instances=PARTS), middle=profile("top"), top=profile(says=REQUIRED))
    assert found.span.source.path == "profiles/top.toml" and found.span.line == 3
    assert found.notes == ("`proof` from profiles/top.toml:3 through middle, main",)


def test_a_child_in_between_can_take_a_demand_back(tmp_path):
    assert demanded(tmp_path, profile("middle", instances=PARTS), middle=profile("top", says=OPTIONAL), top=profile(says=REQUIRED)) is None


def test_the_word_of_a_parents_instance_goes_with_the_instance(tmp_path):
    found = demanded(tmp_path, profile("top"), top=profile(instances=PARTS + REQUIRED))
    assert found.notes == ("`proof` from profiles/top.toml:7 through main",)


def test_parents_that_share_a_parent_are_looked_at_once_each(tmp_path):
    """A ladder of diamonds: walking every way through it would take 2^40 steps."""
    rungs = {f"r{n}{side}": profile(*((f"r{n + 1}a", f"r{n + 1}b") if n < 40 else ())) for n in range(41) for side in "ab"}
    rungs["r40b"] = profile(says=REQUIRED)
    assert demanded(tmp_path, profile("r0a", "r0b", instances=PARTS), **rungs) is not None
