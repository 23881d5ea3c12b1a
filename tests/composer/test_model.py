"""Manifests as models: strict, bounded, derived from the interfaces, and every fault said where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import shapes
from composer.interfaces import load_interfaces
from composer.system import Access, Kind
from tests.composer.manifests import HELLO, MAIN, UART, modelled, resolved, system_of, write


def app_with(needs="", head=""):
    return f'[app]\nname = "hello"\nkind = "program"\nbuild = {{ command = ["make"], output = "x.wasm" }}\n{head}\n{needs}'


def codes_for(tmp_path, **files):
    paths = {"app": "apps/hello/app.toml", "profile": "profiles/main.toml", "workspace": "munal.toml"}
    return [d.code for d in resolved(write(tmp_path, {paths[key]: text for key, text in files.items()})).diagnostics]


def test_a_sound_app_becomes_a_value(tmp_path):
    app = modelled(write(tmp_path)).value.apps["uart"]
    assert (app.kind, app.folder, app.path, app.memory) == (Kind.DRIVER, tmp_path / "apps/uart", "apps/uart/app.toml", 1 << 20)
    assert (app.build.form, app.build.inputs, app.build.output) == ("command", ("make",), "uart.wasm")
    assert [(need.capability, need.name, need.optional) for need in app.needs] == [("port", "regs", False), ("irq", "line", False)]
    assert app.needs[0].fields == {"length": 8, "access": Access.BOTH, "widths": (8,)}
    assert str(app.needs[0].spans["length"]) == "apps/uart/app.toml:7:10"
    assert app.provides[0].fields == {"protocol": "bytes", "capacity": 4096, "share": False}


def test_needs_keep_the_order_of_the_manifest(tmp_path):
    needs = "[needs.log.z]\n[needs.clock.a]\n[needs.log.b]\n"
    app = modelled(write(tmp_path, {"apps/hello/app.toml": app_with(needs)})).value.apps["hello"]
    assert [need.name for need in app.needs] == ["z", "b", "a"]


@pytest.mark.parametrize(("form", "inputs"), [
    ('build.cargo = "."', (".",)), ('build.wat = "a.wat"', ("a.wat",)), ('build.wasm = "a.wasm"', ("a.wasm",)), ('build.c = ["a.c", "b.c"]', ("a.c", "b.c")),
])
def test_every_form_of_build_is_kept(tmp_path, form, inputs):
    text = app_with().replace('build = { command = ["make"], output = "x.wasm" }', form)
    build = modelled(write(tmp_path, {"apps/hello/app.toml": text})).value.apps["hello"].build
    assert (build.inputs, build.output) == (inputs, None)


CAPABILITIES = load_interfaces().capabilities


@pytest.mark.parametrize("name", [name for name, capability in CAPABILITIES.items() if capability.takes_need])
def test_every_capability_has_its_models_without_being_named_anywhere(name):
    capability = CAPABILITIES[name]
    assert set(shapes.need_shape(name).model_fields) == {*(field.name for field in capability.need_fields), "optional"}
    assert set(shapes.provide_shape(name).model_fields) == {field.name for field in capability.provide_fields}
    assert set(shapes.grant_shape(name).model_fields) == {field.name for field in capability.grant_fields}
    for field in (*capability.need_fields, *capability.provide_fields, *capability.grant_fields):
        assert shapes._type_of(field) is not None


@pytest.mark.parametrize(("written", "code"), [
    ("true", "M0106"), ('"8"', "M0106"), ("8.0", "M0106"), ("[8]", "M0106"), ("{}", "M0106"), ("1979-05-27", "M0106"), ("0", "M0107"), ("257", "M0107"),
    ("-1", "M0107"), ("9" * 40, "M0107"), ("inf", "M0106"),
])
def test_only_an_integer_in_its_bounds_is_a_length(tmp_path, written, code):
    needs = f"[needs.port.regs]\nlength = {written}\noptional = true\n"
    assert codes_for(tmp_path, app=app_with(needs), profile='[instance.hello]\napp = "hello"\n') == [code]


@pytest.mark.parametrize("written", ["1", "256"])
def test_the_bounds_themselves_are_lengths(tmp_path, written):
    needs = f"[needs.port.regs]\nlength = {written}\noptional = true\n"
    assert codes_for(tmp_path, app=app_with(needs), profile='[instance.hello]\napp = "hello"\n') == []


@pytest.mark.parametrize(("widths", "wanted"), [
    ("[8]", []), ("[32, 8, 16]", []), ("[]", ["M0111"]), ("[8, 8]", ["M0111"]), ("[64]", ["M0111"]), ("[true]", ["M0106"]), ("[8.0]", ["M0106"]),
    ("8", ["M0106"]), ('["8"]', ["M0106"]),
])
def test_widths_are_a_set_of_sizes(tmp_path, widths, wanted):
    needs = f"[needs.port.regs]\nlength = 4\nwidths = {widths}\noptional = true\n"
    assert codes_for(tmp_path, app=app_with(needs), profile='[instance.hello]\napp = "hello"\n') == wanted


@pytest.mark.parametrize(("summary", "wanted"), [("x" * 200, []), ("x" * 201, ["M0117"]), ("a\\tb", ["M0117"]), ("Größe", [])])
def test_a_summary_is_one_short_line(tmp_path, summary, wanted):
    app = app_with(head=f'summary = "{summary}"')
    assert codes_for(tmp_path, app=app, profile='[instance.hello]\napp = "hello"\n') == wanted


@pytest.mark.parametrize(("protocol", "wanted"), [("x", []), ("x" * 48, []), ("x" * 49, ["M0117"]), ("", ["M0117"]), ("a\\u0000", ["M0117"])])
def test_a_protocol_is_one_short_word(tmp_path, protocol, wanted):
    app = app_with(f'[provides.service.it]\nprotocol = "{protocol}"\n')
    assert codes_for(tmp_path, app=app, profile='[instance.hello]\napp = "hello"\n') == wanted


@pytest.mark.parametrize(("instances", "wanted"), [
    ('["hello"]', []), ('["*"]', []), ("[]", ["M0111"]), ('["*", "hello"]', ["M0111"]), ('["hello", "hello"]', ["M0111"]), ('["Hello"]', ["M0110"]),
    ("[1]", ["M0106"]), ('"hello"', ["M0106"]),
])
def test_controlled_instances_are_a_set_of_names(tmp_path, instances, wanted):
    profile = f'[instance.hello]\napp = "hello"\ngrant.control.all = {{ instances = {instances} }}\n'
    assert codes_for(tmp_path, app=app_with("[needs.control.all]\n"), profile=profile) == wanted


@pytest.mark.parametrize(("restart", "wanted"), [
    ('"always"', ("always", 100, 10)), ('{ policy = "never" }', ("never", 100, 10)), ('{ backoff = "2 s", limit = 3 }', ("on-failure", 2000, 3)),
])
def test_restart_is_a_policy_or_a_table(tmp_path, restart, wanted):
    files = {"profiles/main.toml": f'[instance.hello]\napp = "hello"\nrestart = {restart}\n', "apps/hello/app.toml": app_with()}
    found = system_of(tmp_path, files).instances[0].restart
    assert (found.policy, found.backoff_ms, found.limit) == wanted


def test_every_fault_of_every_manifest_is_said_at_once(tmp_path):
    faulty = {
        "munal.toml": '[workspace]\nname = "Demo"\nversion = "1"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\n',
        "apps/hello/app.toml": HELLO.replace('"program"', "7"),
        "apps/uart/app.toml": UART.replace("length", "lenght"),
        "profiles/main.toml": MAIN.replace("0x3f8", "true") + "x = 1\n",
    }
    assert sorted(d.code for d in modelled(write(tmp_path, faulty)).diagnostics) == ["M0105", "M0105", "M0106", "M0106", "M0110"]


def test_one_faulty_app_keeps_no_other_from_being_checked(tmp_path):
    result = modelled(write(tmp_path, {"apps/hello/app.toml": HELLO.replace('"program"', "7")}))
    assert set(result.value.apps) == {"uart"} and result.value.lost == {"hello"}


def test_a_profile_that_stands_alone_is_the_default(tmp_path):
    assert modelled(write(tmp_path)).value.default_profile == "main"
    text = '[workspace]\nname = "demo"\nversion = "1"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\n'
    assert modelled(write(tmp_path, {"munal.toml": text})).value.default_profile == "main"
    assert modelled(write(tmp_path, {"munal.toml": text, "profiles/b.toml": ""})).value.default_profile is None


def test_profiles_are_named_in_order(tmp_path):
    assert modelled(write(tmp_path, {"profiles/b.toml": "", "profiles/a.toml": ""})).value.profiles == ("a", "b", "main")


@given(st.text(max_size=60))
def test_names_are_plain_words(name):
    try:
        shapes.check_name(name)
    except shapes.Complaint:
        return
    assert name.isascii() and name[0].islower() and len(name) <= 48 and name != "kernel" and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
