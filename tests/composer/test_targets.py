"""Targets: which one is meant, what is otherwise there, and which variants there are."""

from __future__ import annotations

import pytest

from composer.variant import Variant
from composer.variants import composable, every_variant, unset_parameters
from tests.composer.manifests import MAIN, WORKSPACE, modelled, resolved, write

TARGETS = '\n[target.q35]\nsummary = "one"\n\n[target.pc]\nmachine = "pc-i440fx-7.2"\n'
DEFAULT = 'default = "main"\ntarget = "q35"\n'
OVERLAY = MAIN + '\n[target.pc.instance.com1]\ngrant.port.regs.base = 0x2f8\n'


def workspace(tmp_path, main=OVERLAY, default=True, **profiles):
    text = WORKSPACE.replace('default = "main"\n', DEFAULT) if default else WORKSPACE
    return write(tmp_path, {"munal.toml": text + TARGETS, "profiles/main.toml": main, **{f"profiles/{name}.toml": text for name, text in profiles.items()}})


def only(*targets):
    return f"[profile]\ntargets = {[*targets]}\n" + MAIN


@pytest.mark.parametrize(("wanted", "target", "machine", "base", "variant"), [
    (None, "q35", "q35", 0x3F8, "main"), ("q35", "q35", "q35", 0x3F8, "main"), ("pc", "pc", "pc-i440fx-7.2", 0x2F8, "main@pc"),
])
def test_an_overlay_counts_on_its_target_alone(tmp_path, wanted, target, machine, base, variant):
    system = resolved(workspace(tmp_path), target=wanted).value
    assert (system.target, system.machine, system.profile, system.variant) == (target, machine, "main", variant)
    assert system.instance("com1").grant("port", "regs").value == {"base": base}


def test_a_workspace_without_targets_composes_for_none(tmp_path):
    system = resolved(write(tmp_path)).value
    assert (system.target, system.machine, system.variant) == (None, "q35", "main")


def test_without_a_default_a_target_is_named(tmp_path):
    root = workspace(tmp_path, default=False)
    assert [d.code for d in resolved(root).diagnostics] == ["M0228"]
    assert resolved(root, target="q35").value.variant == "main@q35"


def test_a_profile_for_one_other_target_means_that_one(tmp_path):
    root = workspace(tmp_path, only("pc"))
    assert resolved(root).value.variant == "main@pc"
    assert [d.code for d in resolved(root, target="q35").diagnostics] == ["M0229"]


def test_a_child_is_for_the_targets_of_all_of_its_parents_unless_it_says_so_itself(tmp_path):
    both = "[profile]\nextends = ['main', 'other']\n"
    root = workspace(tmp_path, only("pc", "q35"), other="[profile]\ntargets = ['pc']\n", both=both, own=both + "targets = ['q35']\n")
    assert [str(v) for v in every_variant(modelled(root).value)] == ["both@pc", "main@q35", "main@pc", "other@pc", "own@q35"]


def test_a_childs_own_word_counts_more_than_its_parents_overlay(tmp_path):
    child = "[profile]\nextends = ['main']\n[instance.com1]\ngrant.port.regs.base = 0x3e8\n"
    root = workspace(tmp_path, child=child)
    assert resolved(root, "child", "pc").value.instance("com1").grant("port", "regs").value == {"base": 0x3E8}


def test_a_variant_that_needs_a_setting_is_known(tmp_path):
    asking = '[param.port]\ntype = "integer"\n' + OVERLAY.replace("0x3f8", '"${port}"')
    root = workspace(tmp_path, asking, child="[profile]\nextends = ['main']\n[target.pc]\nset = { port = 0x3f8 }\n")
    models = modelled(root).value
    assert {str(v): unset_parameters(models, v) for v in every_variant(models)} == {
        "child@q35": ("port",), "child@pc": (), "main@q35": ("port",), "main@pc": ("port",),
    }
    assert composable(models) == (Variant("child", "pc"),)
    assert [d.code for d in resolved(root, "child").diagnostics] == ["M0222"]
    assert resolved(root, "child", "pc").ok


@pytest.mark.parametrize("machine", ["", "q35,accel=kvm", "a b", "-x", "x" * 49])
def test_a_machine_is_one_plain_word(tmp_path, machine):
    text = WORKSPACE + f"[target.q35]\nmachine = '{machine}'\n"
    assert [d.code for d in modelled(write(tmp_path, {"munal.toml": text})).diagnostics] == ["M0117"]
