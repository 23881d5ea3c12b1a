"""Why and why not: the layers agree with what the system table allows, and an edit that is offered does what is said of it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from composer.interfaces import load_interfaces
from composer.questions.asked import ask, names_in
from composer.questions.authority import Right, authority
from composer.questions.evidence import table_of
from composer.questions.numbers import Numbers
from composer.questions.report_why import to_data, to_text
from composer.questions.resources import Resource, Unclear, read_resource
from composer.questions.why import answer, instances_meant, remedy, unified
from composer.system import Range
from composer.variant import Variant
from tests.composer.asked_workspace import CLOCK, MAIN, MORE, make_asked_workspace
from tests.composer.workspaces import DRIVER, PROGRAM, change


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return make_asked_workspace(tmp_path / "workspace")


def asked(root, profile="main"):
    made = ask(root, Variant(profile))
    assert made.value is not None, made.diagnostics
    return made.value


def answered(root, name, words, profile="main"):
    about = asked(root, profile)
    return answer(about, name, read_resource(words.split(), names_in(root)))


ALLOWED = [
    ("com1", "0x3f8", ["need", "grant", "holder", "code", "glue", "kernel", "proof"]),
    ("com1", "write port 0x3f8..0x3ff", ["need", "grant", "holder", "code", "glue", "kernel", "proof"]),
    ("com1", "port.regs", ["need", "grant", "code", "glue", "kernel", "proof"]),
    ("com1", "irq 4", ["need", "grant", "holder", "code", "glue", "kernel", "proof"]),
    ("hello", "com1", ["provider", "need", "grant", "code", "glue", "kernel", "proof"]),
    ("hello", "write stream com1.serial", ["provider", "need", "grant", "code", "glue", "kernel", "proof"]),
    ("hello", "memory 64 KiB", ["limit"]),
    ("hello", "cpu", ["limit"]),
]


@pytest.mark.parametrize(("name", "words", "layers"), ALLOWED)
def test_what_is_allowed_is_told_layer_by_layer(root, name, words, layers):
    found = answered(root, name, words)
    assert found.allowed, found
    assert [layer.name for layer in found.layers] == layers


def test_every_manifest_layer_has_a_place_and_code_a_call(root):
    found = {layer.name: layer for layer in answered(root, "com1", "0x3fb").layers}
    assert [str(place) for place in found["need"].places] == ["apps/uart/app.toml:8:13"]
    assert [str(place) for place in found["grant"].places] == ["profiles/main.toml:7:28"]
    assert [place.function for place in found["code"].places] == ["_start"]
    assert found["glue"].notes == ("write8: traps unless its offset is at most 0x7; then port_out8 at 0x3f8 + offset",)
    assert found["kernel"].notes == ("port 0x3f8..0x3ff: write, 8 bits",)
    assert found["proof"].text.startswith("proved")


def test_a_port_that_code_never_reaches_is_told(root):
    found = {layer.name: layer for layer in answered(root, "com1", "0x3f8").layers}
    assert found["code"].text == "the code of `uart` never uses it"


def test_an_operand_that_is_computed_is_checked_at_run_time(root):
    found = {layer.name: layer for layer in answered(root, "rtc", "read 0x71", "more").layers}
    assert found["proof"].text.startswith("checked at run time") and found["proof"].places


def test_what_came_through_a_parent_says_so(root):
    found = {layer.name: layer for layer in answered(root, "com1", "0x3f8", "more").layers}
    assert found["grant"].notes == ("`grant.port.regs.base` from profiles/main.toml:7 through more",)


def test_the_emergency_writer_is_told(root):
    found = {layer.name: layer for layer in answered(root, "com1", "0x3f8", "more").layers}
    assert "after a panic" in found["holder"].text and [str(place) for place in found["holder"].places] == ["profiles/more.toml:7:22"]


@pytest.mark.parametrize("profile", ["main", "more"])
def test_answers_about_ports_are_those_of_the_system_table(root, profile):
    change(root, "apps/uart/app.toml", DRIVER.replace("length = 8", "length = 8\nwidths = [8, 16]"))
    about = asked(root, profile)
    held = authority(table_of(about, load_interfaces()))
    for instance in about.system.instances:
        for port in (*range(0x6E, 0x74), *range(0x2F6, 0x302), *range(0x3F6, 0x402)):
            for access, width in (("r", 8), ("w", 8), ("w", 16), ("w", 32)):
                right = Right(instance.name, "port", "", access, width)
                found = answer(about, instance.name, Resource("port", Range(port, 1), access=access, width=width))
                assert found.allowed == (port in held.get(right, Numbers())), (instance.name, port, access, width)


DENIED = [
    ("com1", "read port 0x3f8", "main", ["access"], True),
    ("com1", "write port 0x3f8 16-bit", "main", ["width"], True),
    ("com1", "port 0x60", "main", ["need"], True),
    ("com1", "memory 1 MiB", "main", ["limit"], True),
    ("hello", "cpu 21 %", "main", ["limit"], True),
    ("hello", "read stream com1.serial", "main", ["access"], True),
    ("hello", "kernel.log", "main", ["need"], True),
    ("hello", "acpi", "main", ["need"], True),
    ("hello", "irq 9", "main", ["need"], True),
    ("hello", "gsi 20", "main", ["need"], True),
    ("hello", "control com1", "main", ["need"], True),
    ("hello", "com2.serial", "main", ["provider"], True),
    ("hello", "rtc", "main", ["provider"], True),
    ("hello", "rtc", "more", ["need"], True),
    ("rtc", "acpi", "main", ["instance"], True),
    ("rtc", "acpi", "more", ["grant"], True),
    ("com2", "irq 3", "more", ["grant"], True),
    ("hello", "mmio 0xfed00000", "main", ["need"], True),
    ("hello", "mmio 0xfed000f4..0xfed000f7", "main", ["need"], True),
    ("hello", "read mmio 0xfed000f0 64-bit", "main", ["need"], True),
    ("hello", "write mmio 0xfed00001 8-bit", "main", ["need"], True),
    ("hello", "write port 0x3f0 32-bit", "main", ["need"], True),
    ("hello", "mmio 0xfed00004", "main", ["need"], True),
    ("hello", "read mmio 0xfed000f3..0xfed00101 64-bit", "main", ["need"], True),
    ("hello", "port 0x3f8", "main", ["need", "holder"], False),
    ("com2", "irq 4", "more", ["grant", "holder"], False),
]


@pytest.mark.parametrize(("name", "words", "profile", "layers", "works"), DENIED)
def test_an_edit_that_is_offered_does_what_is_said_of_it(root, name, words, profile, layers, works):
    about, resource = asked(root, profile), read_resource(words.split(), names_in(root))
    found = answer(about, name, resource)
    assert [layer.name for layer in found.denials] == layers
    edits = remedy(about, found)
    assert edits is not None and edits.works is works
    for path, text in edits.after.items():
        assert (root / path).read_text() == edits.before[path] != text
        change(root, path, text)
    again = asked(root, profile)
    assert answer(again, name, found.resource).allowed is works
    assert bool(again.errors) is not works
    assert {each.message for each in edits.said} == {each.message for each in again.said} - {each.message for each in about.said}


def test_an_edit_keeps_every_other_line(root):
    about = asked(root)
    text = unified(remedy(about, answer(about, "com1", read_resource(["read", "0x3f8"], names_in(root)))))
    changed = [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert changed == ['-access = "w"', '+access = "rw"']


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_diff_can_be_applied(root):
    about = asked(root)
    edits = remedy(about, answer(about, "hello", read_resource(["rtc"], names_in(root))))
    subprocess.run(["git", "apply", "-"], input=unified(edits), cwd=root, text=True, check=True)
    assert answered(root, "hello", "rtc").allowed


def test_what_the_kernel_keeps_no_edit_allows(root):
    about = asked(root)
    found = answer(about, "com1", read_resource(["0x20"], names_in(root)))
    assert [layer.name for layer in found.denials] == ["need", "kept"] and remedy(about, found) is None
    pages = answer(about, "com1", read_resource(["mmio", "0xfee00010"], names_in(root)))
    assert [layer.name for layer in pages.denials] == ["need", "kept"] and remedy(about, pages) is None
    assert "no edit of a manifest alone allows it" in to_text([found], {"com1": None}, "main")


def test_a_page_that_the_kernel_keeps_no_edit_allows(root):
    about = asked(root)
    found = answer(about, "com1", read_resource(["mmio", "0xfee00020"], names_in(root)))
    assert [layer.name for layer in found.denials] == ["need", "kept"] and remedy(about, found) is None
    assert found.denials[-1].text.startswith("the kernel keeps page 0xfee00000..0xfee00fff: it is the local APICs")


def test_a_need_for_which_nothing_says_where_has_no_edit(root):
    about = asked(root)
    found = answer(about, "hello", read_resource(["port"], names_in(root)))
    assert not found.allowed and remedy(about, found) is None and "by its number" in found.denials[0].notes[0]


def test_a_part_of_what_it_takes_is_told_with_what_would_still_deny_it(root):
    about = asked(root)
    found = answer(about, "com2", read_resource(["acpi"], names_in(root)))
    assert remedy(about, found).left == ()
    found = answer(about, "com2", read_resource(["0x3f8"], names_in(root)))
    edits = remedy(about, found)
    assert not edits.works and [layer.name for layer in edits.left] == ["holder"]
    assert "this is a part of what it takes" in to_text([found], {"com2": edits}, "main")
    assert to_data([found], {"com2": edits}, "main")["answers"][0]["remedy"]["left"][0]["layer"] == "holder"


def test_who_holds_it_is_named_with_what_it_offers_instead(root):
    holder = answered(root, "hello", "0x3f8").denials[-1]
    assert "`com1` holds `port.regs`: 0x3f8..0x3ff" in holder.text and "`com1.serial`" in holder.notes[-1]


def test_a_new_need_is_optional_where_others_would_lack_it(root):
    about = asked(root, "more")
    edits = remedy(about, answer(about, "com2", read_resource(["0x60"], names_in(root))))
    assert "optional = true" in edits.after["apps/uart/app.toml"] and edits.works


def test_a_profile_that_the_rules_refuse_allows_nothing(root):
    change(root, "profiles/main.toml", MAIN + '\n[instance.other]\napp = "rtc"\ngrant.port.regs = { base = 0x3fe }\n')
    found = answered(root, "hello", "com1")
    assert [layer.name for layer in found.denials] == ["check"] and "M0310" in found.denials[0].notes[0]


def test_an_app_stands_for_its_instances(root):
    assert instances_meant(asked(root, "more"), "uart") == ("com1", "com2")
    assert instances_meant(asked(root), "rtc") == ("rtc",)
    assert instances_meant(asked(root), "com2") == ("com2",)
    with pytest.raises(Unclear, match="did you mean `hello`"):
        instances_meant(asked(root), "helo")


def test_an_app_that_no_profile_runs_gets_an_instance(root):
    change(root, "apps/spare/app.toml", CLOCK.replace('"rtc"', '"spare"'))
    change(root, "apps/spare/rtc.wat", (root / "apps/rtc/rtc.wat").read_text())
    about = asked(root)
    found = answer(about, "spare", read_resource(["port.regs"], names_in(root)))
    edits = remedy(about, found)
    assert '[instance.spare]\napp = "spare"' in edits.after["profiles/main.toml"] and not edits.works


def test_an_instance_is_taken_over_as_it_is_written(root):
    change(root, "profiles/more.toml", MORE + 'restart = "never"\n')
    about = asked(root)
    text = remedy(about, answer(about, "rtc", read_resource(["0x70"], names_in(root)))).after["profiles/main.toml"]
    assert '[instance.rtc]\napp = "rtc"\ngrant.port.regs = { base = 0x70 }\nrestart = "never"\n' in text


def test_an_instance_is_taken_over_with_whom_it_asks_and_controls_who_is_there(root):
    change(root, "apps/talker/app.toml", PROGRAM + '\n[needs.control.others]\noptional = true\n\n[needs.service.time]\nprotocol = "time/1"\noptional = true\n')
    change(root, "profiles/more.toml", MORE + """
[instance.boss]
app = "talker"
grant.stream.console = { from = "com2.serial" }
grant.service.time = { from = "rtc.time" }
grant.control.others = { instances = ["com2", "nobody-here", "hello"] }

[instance.nobody-here]
app = "talker"
grant.stream.console = { from = "com1.serial" }
""")
    about = asked(root)
    edits = remedy(about, answer(about, "boss", read_resource(["control", "hello"], names_in(root))))
    text = edits.after["profiles/main.toml"]
    assert edits.works and text.index("[instance.com2]") < text.index("[instance.rtc]") < text.index("[instance.boss]")
    assert 'grant.control.others = { instances = ["com2", "hello"] }' in text


def test_data_has_what_the_text_has(root):
    about = asked(root)
    found = answer(about, "hello", read_resource(["0x3f8"], names_in(root)))
    edits = {"hello": remedy(about, found)}
    text, data = to_text([found], edits, "main"), to_data([found], edits, "main")
    told = data["answers"][0]
    assert told["allowed"] is False and [layer["allows"] for layer in told["layers"]] == [False, False]
    for layer in told["layers"]:
        assert layer["text"] in text and all(f"{place['path']}:{place['line']}:{place['column']}" in text for place in layer["places"])
    assert told["remedy"]["works"] is False and told["remedy"]["diff"] in text
    assert [each["code"] for each in told["remedy"]["diagnostics"]] == [each.code for each in edits["hello"].said]
