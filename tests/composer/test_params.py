"""Parameters: every type's values as manifests and -D write them, and what comes of them in a system."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.params import KINDS
from composer.units import Complaint
from tests.composer.manifests import MAIN, resolved, system_of, write
from tests.composer.profiles import joined, values

COMPARABLE = {
    "integer": st.integers(-(1 << 63), (1 << 63) - 1), "boolean": st.booleans(), "string": st.text(st.characters(categories=["L", "N"]), max_size=20),
    "choice": st.sampled_from(["low", "high"]), "instance": st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True).filter(lambda name: name != "kernel"),
    "size": st.integers(0, 1 << 32), "duration": st.integers(0, 1 << 20), "share": st.integers(0, 1000),
}
PARAMS = """
[param.port]
type = "integer"
default = 0x3f8
min = 0x100

[param.uart]
type = "instance"
default = "com1"

[param.memory]
type = "size"
default = "128 KiB"
"""
USING = PARAMS + MAIN.replace("0x3f8", '"${port}"').replace('"com1.serial"', '"${uart}.serial"') + 'limits.memory = "${memory}"\n'


def test_every_type_is_tried():
    assert COMPARABLE.keys() == KINDS.keys()


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_what_is_shown_is_what_is_read(name, data):
    kind = KINDS[name]
    value = data.draw(COMPARABLE[name])
    assert kind.parse(kind.show(value)) == value
    assert kind.read(kind.show(value) if kind.textual else value) == value


@given(st.sampled_from(sorted(KINDS)), st.one_of(st.text(max_size=30), st.sampled_from(["1", "0x1", "-1", "1_0", "1__0", "true", "True", "1 KiB", "١"])))
def test_no_text_after_d_makes_a_type_fail(name, text):
    try:
        value = KINDS[name].parse(text)
    except Complaint as complaint:
        assert str(complaint)
    else:
        assert KINDS[name].parse(KINDS[name].show(value)) == value


@pytest.mark.parametrize(("text", "value"), [("1016", 1016), ("0x3f8", 1016), ("0b11", 3), ("0o17", 15), ("-5", -5), ("1_000", 1000)])
def test_integers_are_written_as_in_toml(text, value):
    assert KINDS["integer"].parse(text) == value


@pytest.mark.parametrize("written", [True, "3", 3.0, None, [3]])
def test_nothing_else_is_an_integer(written):
    with pytest.raises(Complaint):
        KINDS["integer"].read(written)


def test_a_system_has_its_settings_and_their_values(tmp_path):
    system = system_of(tmp_path, {"profiles/main.toml": USING})
    assert system.settings == (("memory", "128 KiB"), ("port", "1016"), ("uart", "com1"))
    assert system.instance("com1").grant("port", "regs").value == {"base": 0x3F8}
    assert system.instance("hello").memory == 128 << 10 and system.wires[0].server == "com1"


def test_settings_after_d_count_and_can_be_given_back(tmp_path):
    write(tmp_path, {"profiles/main.toml": USING})
    first = resolved(tmp_path, settings={"port": "0x2f8", "memory": "0.5 MiB"})
    assert first.ok and first.value.settings == (("memory", "512 KiB"), ("port", "760"), ("uart", "com1"))
    assert first.value.instance("com1").grant("port", "regs").notes == ("`grant.port.regs.base` from profiles/main.toml:16, where `port` is 0x2f8 by -D port=0x2f8",)
    again = resolved(tmp_path, settings=dict(first.value.settings))
    assert again.value.settings == first.value.settings and again.value.instance("hello").memory == 512 << 10


@pytest.mark.parametrize("given_", [{"port": "x"}, {"port": "1"}, {"prot": "1"}])
def test_a_setting_that_does_not_fit_is_one_error(tmp_path, given_):
    result = resolved(write(tmp_path, {"profiles/main.toml": USING}), settings=given_)
    assert [d.code for d in result.diagnostics] == ["M0221" if "prot" in given_ else "M0223"]
    assert "-D" in result.diagnostics[0].message


def test_a_target_sets_more_than_a_profile_and_a_child_more_than_both():
    base = '[profile]\nset = { x = 2 }\n[param.x]\ntype = "integer"\ndefault = 1\n[target.q35]\nset = { x = 3 }\n[instance.a]\nlimits = "${x}"\n'
    texts = {"base": base, "child": '[profile]\nextends = ["base"]\nset = { x = 4 }\n'}
    assert values(joined(texts, "base", None)[0]) == {("instance", "a", "limits"): 2}
    assert values(joined(texts, "base")[0]) == {("instance", "a", "limits"): 3}
    assert values(joined(texts, "child")[0]) == {("instance", "a", "limits"): 4}
    assert values(joined(texts, "child", x="5")[0]) == {("instance", "a", "limits"): 5}


def test_bounds_of_parents_that_do_not_extend_each_other_both_hold():
    narrow = '[profile]\nextends = ["base"]\n[param.x]\n{0} = {1}\n'
    texts = {"base": '[param.x]\ntype = "integer"\ndefault = 5\n[instance.a]\nlimits = "${x}"\n', "least": narrow.format("min", 3), "most": narrow.format("max", 7),
             "main": '[profile]\nextends = ["least", "most"]\n'}
    assert joined(texts, "main")[1] == []
    assert joined(texts, "main", x="2")[1] == joined(texts, "main", x="8")[1] == ["M0223"]
    assert joined(texts, "most", x="2")[1] == []


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_a_string_stands_where_its_reference_stood_whatever_it_holds(text):
    texts = {"main": '[param.x]\ntype = "string"\n[instance.a]\napp = "${x}"\nlimits = ["${x}", "<${x}>"]\n'}
    merged, codes = joined(texts, "main", x=text)
    if codes:
        assert codes == ["M0223"] and not text.isprintable()
    else:
        assert values(merged) == {("instance", "a", "app"): text, ("instance", "a", "limits"): [text, f"<{text}>"]}
