"""The flat system: instances by name, a decision on each need, wires in order, defaults filled in."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.check import check
from tests.composer.manifests import HELLO, MAIN, SOUND, resolved, system_of, write

EVERYTHING = HELLO + "\n[needs.log.log]\n\n[needs.clock.time]\n\n[needs.audit.all]\noptional = true\n\n[needs.acpi.tables]\n"
GRANTED = MAIN + "grant.acpi.tables = true\n"


def hello_of(tmp_path, more="", app=EVERYTHING):
    return system_of(tmp_path, {"apps/hello/app.toml": app, "profiles/main.toml": GRANTED + more}).instance("hello")


def test_instances_stand_in_the_order_of_their_names(tmp_path):
    text = MAIN.replace("instance.com1", "instance.z").replace("com1.serial", "z.serial")
    system = system_of(tmp_path, {"profiles/main.toml": text})
    assert [instance.name for instance in system.instances] == ["hello", "z"]
    assert (system.name, system.version, system.profile, system.root) == ("demo", "0.1.0", "main", tmp_path)
    assert system.lost == frozenset() and system.emergency_port is None


def test_there_is_a_grant_for_each_need_in_the_order_of_the_app(tmp_path):
    grants = hello_of(tmp_path).grants
    assert [(g.need.capability, g.value) for g in grants] == [
        ("stream", {"from": "com1.serial"}), ("log", {}), ("clock", {}), ("audit", None), ("acpi", {}),
    ]


def test_what_is_implied_can_be_denied_and_what_is_optional_granted(tmp_path):
    hello = hello_of(tmp_path, "grant.clock.time = false\ngrant.log.log = {}\ngrant.audit.all = {}\n")
    assert [g.value for g in hello.grants] == [{"from": "com1.serial"}, {}, None, {}, {}]
    assert check(system_of(tmp_path, {"apps/hello/app.toml": EVERYTHING, "profiles/main.toml": GRANTED + "grant.clock.time = false\n"})) == ()


def test_limits_come_from_the_instance_else_the_app_else_the_default(tmp_path):
    assert hello_of(tmp_path).memory == 1 << 20
    app = EVERYTHING + '\n[limits]\nmemory = "256 KiB"\n'
    assert hello_of(tmp_path, app=app).memory == 256 << 10
    assert hello_of(tmp_path, 'limits.memory = "512 KiB"\n', app).memory == 512 << 10
    assert hello_of(tmp_path).cpu_permille == 1000
    assert hello_of(tmp_path, 'limits.cpu = "12.5 %"\n').cpu_permille == 125


def test_wires_are_in_the_order_of_clients_and_their_needs(tmp_path):
    app = HELLO + '\n[needs.stream.other]\nprotocol = "bytes"\n\n[needs.stream.messages]\naccess = "r"\n'
    text = MAIN + 'grant.stream.other = { from = "com1.serial" }\ngrant.stream.messages = { from = "kernel.log" }\n'
    second = '[instance.again]\napp = "hello"\n' + text.split('app = "hello"\n')[1]
    system = system_of(tmp_path, {"apps/hello/app.toml": app, "profiles/main.toml": text + second})
    assert [(w.client, w.need.name, w.server, w.provide and w.provide.name) for w in system.wires] == [
        ("again", "console", "com1", "serial"), ("again", "other", "com1", "serial"), ("again", "messages", None, None),
        ("hello", "console", "com1", "serial"), ("hello", "other", "com1", "serial"), ("hello", "messages", None, None),
    ]
    assert len(system.connections("com1", system.instance("com1").app.provides[0])) == 4
    assert str(system.wires[0].span).startswith("profiles/main.toml:")


def test_the_emergency_port_has_its_place(tmp_path):
    system = system_of(tmp_path, {"profiles/main.toml": "[kernel]\nemergency = { port = 0x3f8 }\n" + MAIN})
    assert system.emergency_port == 0x3F8 and str(system.emergency_span) == "profiles/main.toml:2:22"


def test_an_unknown_profile_is_said(tmp_path):
    result = resolved(write(tmp_path), "mian")
    assert result.value is None
    assert [(d.code, d.help) for d in result.diagnostics] == [("M0217", "did you mean `main`?")]


def test_an_instance_with_a_fault_is_left_out_and_remembered(tmp_path):
    result = resolved(write(tmp_path, {"profiles/main.toml": MAIN.replace("0x3f8", "true")}))
    assert [i.name for i in result.value.instances] == ["hello"] and result.value.lost == {"com1"}
    assert [d.code for d in (*result.diagnostics, *check(result.value))] == ["M0106"]


def test_values_have_their_places(tmp_path):
    grant = system_of(tmp_path).instance("com1").grant("port", "regs")
    assert str(grant.spans["base"]) == "profiles/main.toml:3:28"


LINES = [line for text in SOUND.values() for line in text.splitlines()]
ODD_LINES = [
    "x = 1", "[a]", 'grant.port.regs = "x"', "instance = 1", "app = []", "[[instance.hello]]", "needs = 3", "needs.port = 1", "[profile]", 'extends = ["main"]',
    'remove = ["instance.hello"]', "restart = {}", "kernel.emergency = { port = 0 }",
]


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mixture_of_lines_makes_any_stage_fail(tmp_path, data):
    path = data.draw(st.sampled_from(sorted(SOUND)))
    lines = SOUND[path].splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at : at + data.draw(st.integers(0, 2))] = data.draw(st.lists(st.sampled_from(LINES + ODD_LINES), max_size=3))
    result = resolved(write(tmp_path, {path: "\n".join(lines)}))
    if result.value:
        check(result.value)
    else:
        assert result.diagnostics
