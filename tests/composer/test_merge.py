"""Profiles joined: later ones win key by key, `remove` takes away, and every value remembers where it was written."""

from __future__ import annotations

import pytest

from tests.composer.manifests import MAIN, modelled, resolved, system_of, write

BASE = MAIN.replace('from = "com1.serial" }', 'from = "com1.serial" }\nlimits = { memory = "2 MiB", cpu = "20 %" }\nrestart = "always"')


def joined(tmp_path, main, **others):
    files = {"profiles/main.toml": main, "profiles/base.toml": BASE, **{f"profiles/{name}.toml": text for name, text in others.items()}}
    return system_of(tmp_path, files)


def codes(tmp_path, main, **others):
    files = {"profiles/main.toml": main, "profiles/base.toml": BASE, **{f"profiles/{name}.toml": text for name, text in others.items()}}
    return [d.code for d in resolved(write(tmp_path, files)).diagnostics]


def test_a_child_has_what_its_parent_has(tmp_path):
    system = joined(tmp_path, '[profile]\nextends = ["base"]\n')
    assert [instance.name for instance in system.instances] == ["com1", "hello"]
    assert system.instance("hello").memory == 2 << 20


def test_a_child_changes_one_key_and_keeps_the_others(tmp_path):
    hello = joined(tmp_path, '[profile]\nextends = ["base"]\n[instance.hello]\nlimits.cpu = "30 %"\n').instance("hello")
    assert (hello.cpu_permille, hello.memory, hello.restart.policy) == (300, 2 << 20, "always")


def test_a_grant_is_changed_key_by_key(tmp_path):
    system = joined(tmp_path, '[profile]\nextends = ["base"]\n[instance.com1]\ngrant.port.regs.base = 0x2f8\n')
    assert system.instance("com1").grant("port", "regs").value == {"base": 0x2F8}
    assert system.instance("com1").grant("irq", "line").value == {"isa": 4}


def test_an_alternative_takes_the_place_of_the_other(tmp_path):
    system = joined(tmp_path, '[profile]\nextends = ["base"]\n[instance.com1]\ngrant.irq.line = { gsi = 20 }\n')
    assert system.instance("com1").grant("irq", "line").value == {"gsi": 20}


@pytest.mark.parametrize("restart", ['restart = { limit = 3 }', 'restart.limit = 3'])
def test_a_policy_alone_and_a_table_are_joined(tmp_path, restart):
    hello = joined(tmp_path, f'[profile]\nextends = ["base"]\n[instance.hello]\n{restart}\n').instance("hello")
    assert (hello.restart.policy, hello.restart.limit) == ("always", 3)


def test_a_denial_takes_the_place_of_a_grant_and_back(tmp_path):
    denied = '[profile]\nextends = ["base"]\n[instance.com1]\ngrant.irq.line = false\n'
    assert joined(tmp_path, denied).instance("com1").grant("irq", "line").value is None
    again = '[profile]\nextends = ["denied"]\n[instance.com1]\ngrant.irq.line = { isa = 3 }\n'
    assert joined(tmp_path, again, denied=denied).instance("com1").grant("irq", "line").value == {"isa": 3}


@pytest.mark.parametrize("order", ['"left", "right"', '"right", "left"'])
def test_parents_that_contradict_each_other_are_refused_unless_their_child_settles_it(tmp_path, order):
    left = '[profile]\nextends = ["base"]\n[instance.hello]\nlimits = { cpu = "40 %", memory = "3 MiB" }\n'
    right = '[profile]\nextends = ["base"]\n[instance.hello]\nlimits.cpu = "50 %"\n'
    main = f'[profile]\nextends = [{order}]\n'
    assert codes(tmp_path, main, left=left, right=right) == ["M0227"]
    hello = joined(tmp_path, f'{main}[instance.hello]\nlimits.cpu = "60 %"\n', left=left, right=right).instance("hello")
    assert (hello.cpu_permille, hello.memory) == (600, 3 << 20)
    hello = joined(tmp_path, main, left=left, right=right.replace("50", "40")).instance("hello")
    assert (hello.cpu_permille, hello.memory) == (400, 3 << 20)


def test_a_shared_grandparent_undoes_nothing(tmp_path):
    left = '[profile]\nextends = ["base"]\n[instance.hello]\nlimits.cpu = "40 %"\n'
    right = '[profile]\nextends = ["base"]\n'
    assert joined(tmp_path, '[profile]\nextends = ["left", "right"]\n', left=left, right=right).instance("hello").cpu_permille == 400


def test_what_is_removed_is_gone_and_may_come_again(tmp_path):
    gone = '[profile]\nextends = ["base"]\nremove = ["instance.hello"]\n'
    assert [instance.name for instance in joined(tmp_path, gone).instances] == ["com1"]
    fresh = gone + '[instance.hello]\napp = "hello"\ngrant.stream.console = { from = "com1.serial" }\n'
    assert joined(tmp_path, fresh).instance("hello").memory == 1 << 20


def test_a_part_can_be_removed(tmp_path):
    text = '[profile]\nextends = ["base"]\nremove = ["instance.hello.limits.cpu", "instance.hello.restart"]\n'
    hello = joined(tmp_path, text).instance("hello")
    assert (hello.cpu_permille, hello.restart.policy, hello.memory) == (1000, "on-failure", 2 << 20)


def test_the_emergency_writer_can_be_removed_or_turned_off(tmp_path):
    with_writer = '[profile]\nextends = ["base"]\n[kernel]\nemergency = { port = 0x2f8 }\n'
    assert joined(tmp_path, with_writer).emergency_port == 0x2F8
    off = '[profile]\nextends = ["writer"]\n[kernel]\nemergency = false\n'
    assert joined(tmp_path, off, writer=with_writer).emergency_port is None
    removed = '[profile]\nextends = ["writer"]\nremove = ["kernel.emergency"]\n'
    assert joined(tmp_path, removed, writer=with_writer).emergency_port is None


@pytest.mark.parametrize("path", [
    "instance.helo", "instance", "profile.summary", "", ".", "instance.hello.grant.stream.consle", "instance.hello.app.x", "instance.hello.limits.cpu.x",
])
def test_removing_what_is_not_there_is_an_error(tmp_path, path):
    assert codes(tmp_path, f'[profile]\nextends = ["base"]\nremove = ["{path}"]\n') == ["M0206"]


def test_two_parents_may_remove_the_same(tmp_path):
    without = '[profile]\nextends = ["base"]\nremove = ["instance.hello"]\n'
    assert codes(tmp_path, '[profile]\nextends = ["left", "right"]\n', left=without, right=without) == []


def test_joining_leaves_the_parents_as_they_were(tmp_path):
    child = '[profile]\nextends = ["base"]\nremove = ["instance.hello.limits"]\n[instance.com1]\ngrant.irq.line.isa = 3\n'
    files = {"profiles/base.toml": BASE, "profiles/main.toml": child}
    models = modelled(write(tmp_path, files))
    before = models.value.manifests["base"].tree.plain()
    assert resolved(tmp_path, "main").ok
    assert models.value.manifests["base"].tree.plain() == before
    assert resolved(tmp_path, "base").value.instance("com1").grant("irq", "line").value == {"isa": 4}


def test_every_inherited_value_says_where_it_was_written_and_what_it_came_through(tmp_path):
    middle = '[profile]\nextends = ["base"]\n[instance.com1]\ngrant.irq.line.isa = 3\n'
    system = joined(tmp_path, '[profile]\nextends = ["middle"]\n[instance.hello]\nlimits.memory = "3 MiB"\n', middle=middle)
    com1, hello = system.instances
    assert com1.grant("port", "regs").notes == ("`grant.port.regs.base` from profiles/base.toml:3 through middle, main",)
    assert com1.grant("irq", "line").notes == ("`grant.irq.line.isa` from profiles/middle.toml:4 through main, in place of 4 from profiles/base.toml:4",)
    assert hello.notes == (
        "`app` from profiles/base.toml:7 through middle, main",
        '`limits.memory` from profiles/main.toml:4, in place of "2 MiB" from profiles/base.toml:9',
    )


def test_what_a_profile_says_itself_needs_no_note(tmp_path):
    assert all(instance.notes == () and grant.notes == () for instance in system_of(tmp_path).instances for grant in instance.grants)


def test_a_circle_is_said_once_and_its_profiles_are_left_alone(tmp_path):
    parents = {"a": "b", "b": "a", "c": "a"}
    files = {f"profiles/{child}.toml": f'[profile]\nextends = ["{parent}"]\n' for child, parent in parents.items()}
    models = modelled(write(tmp_path, files))
    assert [d.code for d in models.diagnostics] == ["M0205"]
    for name in "abc":
        result = resolved(tmp_path, name)
        assert result.value is None and [d.code for d in result.diagnostics] == ["M0205"]
    assert resolved(tmp_path, "main").value is not None


def test_a_long_chain_of_profiles_needs_no_deep_stack(tmp_path):
    files = {f"profiles/p{n}.toml": f'[profile]\nextends = ["p{n + 1}"]\n' for n in range(300)}
    system = system_of(tmp_path, {**files, "profiles/p300.toml": MAIN}, "p0")
    assert len(system.instances) == 2


@pytest.mark.parametrize("extends", ['"base"', "[1]", '["base", true]', "{}", "1"])
def test_parents_of_a_wrong_type_are_said_once_and_nothing_is_guessed(tmp_path, extends):
    assert codes(tmp_path, f"[profile]\nextends = {extends}\n[instance.hello]\nlimits = {{}}\n") == ["M0106"]


@pytest.mark.parametrize("remove", ['"instance.hello"', "[1]", "true"])
def test_removals_of_a_wrong_type_are_said_once(tmp_path, remove):
    assert codes(tmp_path, f'[profile]\nextends = ["base"]\nremove = {remove}\n') == ["M0106"]


def test_a_profile_behind_a_faulty_one_is_left_alone(tmp_path):
    assert codes(tmp_path, '[profile]\nextends = ["bad"]\nremove = ["instance.x"]\n', bad="[profile]\nextends = 1\n") == ["M0106"]
    assert codes(tmp_path, '[profile]\nextends = ["bad"]\nremove = ["instance.x"]\n', bad="[") == ["M0101"]
