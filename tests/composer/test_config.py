"""A system written out: it is a profile that comes to the same system, and each value says where it is from."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.cli import cli
from composer.config import to_data, to_toml
from composer.pipeline import configuration
from composer.system import System
from composer.variant import Variant
from tests.composer.manifests import HELLO, MAIN, UART, WORKSPACE, resolved, write

APP = HELLO + "\n[needs.log.log]\n\n[needs.clock.time]\n\n[needs.audit.all]\noptional = true\n\n[needs.control.others]\noptional = true\n"
BASE = """\
[param.port]
type = "integer"
default = 0x3f8

[kernel]
emergency = { port = "${port}" }

[instance.com1]
app = "uart"
grant.port.regs = { base = "${port}" }
grant.irq.line = { isa = 4 }

[instance.hello]
app = "hello"
grant.stream.console = { from = "com1.serial" }
limits = { memory = "2 MiB", cpu = "20 %" }

[instance.second]
app = "hello"
grant.stream.console = { from = "com1.serial" }
"""
KIOSK = """\
[profile]
summary = "a \\"quoted\\" one"
extends = ["base"]
remove = ["instance.second"]

[instance.hello]
limits.cpu = "30 %"
restart = "always"
"""
FILES = {"munal.toml": WORKSPACE.replace('"main"', '"base"'), "profiles/main.toml": None, "profiles/base.toml": BASE, "profiles/kiosk.toml": KIOSK, "apps/hello/app.toml": APP}
TARGET_LINES = [
    "[instance.com1]\ngrant.irq.line = { gsi = 20 }", "[instance.com1]\nlimits = { cpu = '50 %', memory = '1.5 MiB' }", "[kernel]\nemergency = false",
    "[instance.hello]\nrestart = { policy = 'never', limit = 3, backoff = '10 ms' }", "[instance.hello]\ngrant.clock.time = false\ngrant.audit.all = true",
    "[instance.hello]\ngrant.control.others = { instances = [\n 'com1', # first\n 'second' ] }", "[profile]\nset = { port = 0x2f8 }",
]


def configured(root, profile, **settings_):
    result = configuration(root, Variant(profile, None, tuple(settings_.items())))
    assert result.value is not None, result.diagnostics
    return result.value


def essence(system: System) -> object:
    """What a system is, whoever wrote it and wherever."""
    return [
        (i.name, i.app.name, i.memory, i.cpu_permille, i.restart, [(g.need.capability, g.need.name, g.value) for g in i.grants]) for i in system.instances
    ], [(w.client, w.need.name, w.server, w.provide and w.provide.name) for w in system.wires], system.emergency_port, system.target


def origins(root, profile, **settings_):
    return {".".join(value.path): value.origin for value in configured(root, profile, **settings_).values}


def test_each_value_says_where_it_is_from(tmp_path):
    said = origins(write(tmp_path, FILES), "kiosk", port="0x2f8")
    assert said["instance.com1.app"] == "profiles/base.toml:9 through kiosk"
    assert said["instance.com1.grant.port.regs.base"] == "profiles/base.toml:10 through kiosk, where `port` is 0x2f8 by -D port=0x2f8"
    assert said["instance.hello.limits.cpu"] == 'profiles/kiosk.toml:7, in place of "20 %" from profiles/base.toml:16'
    assert said["instance.hello.limits.memory"] == "profiles/base.toml:16 through kiosk"
    assert said["instance.hello.restart.policy"] == "profiles/kiosk.toml:8"
    assert said["instance.hello.restart.limit"] == "default of restart.limit"
    assert said["instance.com1.limits.memory"] == "default of apps/uart/app.toml"
    assert said["instance.hello.grant.log.log"] == "implied by apps/hello/app.toml:8"
    assert said["instance.hello.grant.audit.all"] == "optional in apps/hello/app.toml:12, not granted"


def test_the_text_says_settings_and_removals_and_is_toml(tmp_path):
    text = to_toml(configured(write(tmp_path, FILES), "kiosk", port="0x2f8"))
    assert "# With port = 0x2f8, by -D port=0x2f8.\n" in text
    assert "# Without instance.second, removed by profiles/kiosk.toml:4.\n" in text
    assert "grant.port.regs.base = 0x2f8" in text
    assert tomllib.loads(text)["profile"]["summary"] == 'a "quoted" one'


def test_json_has_origins_and_what_was_replaced(tmp_path):
    data = json.loads(json.dumps(to_data(configured(write(tmp_path, FILES), "kiosk"))))
    cpu = next(value for value in data["values"] if value["path"] == ["instance", "hello", "limits", "cpu"])
    assert (cpu["value"], cpu["at"], cpu["replaced"]) == ("30 %", "profiles/kiosk.toml:7", [{"value": "20 %", "at": "profiles/base.toml:16"}])
    assert data["parameters"]["port"] == {"value": 0x3F8, "origin": "profiles/base.toml:3"}
    assert data["removed"] == [{"path": "instance.second", "at": "profiles/kiosk.toml:4"}]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(TARGET_LINES), unique_by=lambda text: text.split("\n")[0]), st.booleans())
def test_what_is_printed_comes_to_the_same_system(tmp_path, lines, demands):
    child = "[profile]\nextends = ['base']\n" + ("proof = 'required'\n" if demands else "")
    child = "".join(f"{line}\n" for line in [child, *sorted(lines, key=lambda line: not line.startswith("[profile]"))]).replace("\n\n[profile]\n", "\n")
    write(tmp_path, {**FILES, "profiles/child.toml": child, "profiles/again.toml": None})
    (tmp_path / "profiles/again.toml").unlink(missing_ok=True)
    first = resolved(tmp_path, "child")
    (tmp_path / "profiles/again.toml").write_text(to_toml(configured(tmp_path, "child")))
    again = resolved(tmp_path, "again")
    assert again.ok and essence(again.value) == essence(first.value)
    assert [bool(i.proof) for i in again.value.instances] == [bool(i.proof) for i in first.value.instances]
    assert to_toml(replace(configured(tmp_path, "again"))).count("through") == 0


def test_what_is_printed_for_a_target_is_for_that_target(tmp_path):
    munal = '[workspace]\nname = "demo"\nversion = "1"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\n[target.q35]\n[target.pc]\n'
    files = {"munal.toml": munal, "apps/uart/app.toml": UART, "profiles/main.toml": MAIN + "[target.pc.instance.com1]\ngrant.port.regs.base = 0x2f8\n"}
    write(tmp_path, files)
    expanded = configuration(tmp_path, Variant("main", "pc")).value
    (tmp_path / "profiles/again.toml").write_text(to_toml(expanded))
    assert essence(resolved(tmp_path, "again").value) == essence(resolved(tmp_path, "main", "pc").value)


@pytest.mark.parametrize(("words", "status"), [(["kiosk"], 0), (["kiosk", "-D", "port=0x2f8", "--format", "json"], 0), (["kiosc"], 1), (["kiosk", "-D", "x"], 2)])
def test_the_command_prints_or_tells_why_not(tmp_path, words, status):
    from composer.cli import run

    write(tmp_path, FILES)
    assert run(["config", "-C", str(tmp_path), *words]) == status
    if not status:
        printed = CliRunner().invoke(cli, ["config", "-C", str(tmp_path), *words], standalone_mode=False).stdout
        assert (json.loads if "json" in words else tomllib.loads)(printed)


def test_a_table_that_is_written_empty_is_its_defaults(tmp_path):
    app = UART.replace("[needs.irq.line]", '[needs.device.card]\nmatches = ["1af4:1044"]\nmodel = "card.toml"\n\n[needs.irq.line]')
    files = {"apps/uart/app.toml": app, "apps/uart/card.toml": '[model]\n', "profiles/main.toml": MAIN.replace("grant.irq", "grant.device.card = {}\ngrant.irq")}
    root = write(tmp_path, files)
    expanded = configured(root, "main")
    assert [(v.path[-1], v.value, v.origin) for v in expanded.values if "device" in v.path] == [
        ("slot", "any", "default of device.slot"), ("skip", 0, "default of device.skip")]
    assert tomllib.loads(to_toml(expanded))["instance"]["com1"]["grant"]["device"] == {"card": {"slot": "any", "skip": 0}}
