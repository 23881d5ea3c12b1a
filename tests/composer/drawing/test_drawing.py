"""The forms of a picture: all say the same things, each keeps to its language, and no name can break out of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from composer.drawing import FORMS, draw
from composer.drawing.dot import quoted
from composer.drawing.picture import Tie, make_picture
from tests.composer.manifests import HELLO, MAIN, system_of
from tests.composer.systems import app, driver_and_client, instance, need, provide, system, wire

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'bytes"]; <b>&\'</style>\\'
SHELL = HELLO.replace('"hello"', '"shell"') + '\n[needs.control.others]\n\n[needs.acpi.tables]\n\n[needs.audit.all]\noptional = true\n'
WHOLE = {
    "apps/shell/app.toml": SHELL,
    "profiles/main.toml": MAIN + '\n[instance.shell]\napp = "shell"\ngrant.stream.console = { from = "com1.serial" }\n'
    'grant.control.others = { instances = ["hello", "com1"] }\ngrant.acpi.tables = true\n',
}


@pytest.fixture
def whole(tmp_path):
    """A system with a line of every kind."""
    return system_of(tmp_path, WHOLE)


def hostile():
    """A system whose protocol tries to leave every language that it is written in."""
    server = instance("server", app("server", provide("stream", "out", protocol=HOSTILE)))
    client = instance("client", app("client", need("stream", "in", protocol=HOSTILE)), **{"in": {"from": "server.out"}})
    return system(server, client, wires=(wire(client, "in", server, "out"),))


def test_a_picture_has_everything_that_tells_instances_apart(whole):
    picture = make_picture(whole)
    assert {line.tie for line in picture.lines} == set(Tie) - {Tie.SERVICE, Tie.CHANNEL, Tie.FILES}
    assert [(line.client, line.server) for line in picture.lines if line.tie is Tie.CONTROL] == [("shell", "com1"), ("shell", "hello")]
    assert [source.name for source in picture.sources] == ["0x3f8..0x3ff", "ISA 4", "ACPI tables"]
    assert [need.name for need in picture.box("shell").needs] == ["stream console", "control others", "acpi tables"]


def test_a_channel_is_drawn_as_what_it_carries():
    broker, envoy = app("broker", provide("channel", "jobs")), app("envoy", need("channel", "jobs"))
    server, client = instance("broker", broker), instance("envoy", envoy, jobs={"from": "broker.jobs"})
    (line,) = make_picture(system(server, client, wires=(wire(client, "jobs", server, "jobs"),))).lines
    assert (line.tie, line.client, line.server, line.label) == (Tie.CHANNEL, "envoy", "broker", "jobs, carries stream")


def test_control_of_all_names_everybody(tmp_path):
    files = {**WHOLE, "profiles/main.toml": WHOLE["profiles/main.toml"].replace('["hello", "com1"]', '["*"]')}
    picture = make_picture(system_of(tmp_path, files))
    assert [line.server for line in picture.lines if line.tie is Tie.CONTROL] == ["com1", "hello", "shell"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_every_instance_and_source_and_stays_the_same(whole, form):
    drawn = draw(whole, form)
    for name in ("com1", "hello", "shell", "0x3f8..0x3ff", "ISA 4"):
        assert name in drawn
    assert drawn == draw(whole, form) and drawn.endswith("\n")


def test_the_tree_reads_from_both_ends(whole):
    assert draw(whole, "text").splitlines()[:6] == [
        "main: 3 instances, 2 wires",
        "├─ com1  (uart, driver)",
        "│  ├─ port regs → 0x3f8..0x3ff (port, rw, 8 bits)",
        "│  ├─ irq line → ISA 4 (interrupt)",
        "│  ├─ stream serial ← hello (bytes, rw), shell (bytes, rw)",
        "│  └─ controlled by shell",
    ]


def test_data_has_every_line(whole):
    data = json.loads(draw(whole, "json"))
    assert len(data["lines"]) == len(make_picture(whole).lines)
    assert {"tie": "stream", "client": "hello", "need": "stream.console", "server": "com1", "provide": "stream.serial",
            "label": "bytes, rw"} in data["lines"]


def test_the_svg_is_xml_with_a_box_for_each_instance_and_a_path_for_each_line(whole):
    document = ElementTree.fromstring(draw(whole, "svg"))
    picture = make_picture(whole)
    assert len(document.findall(f"{SVG}g")) == len(picture.boxes) + len(picture.sources)
    assert len(document.findall(f"{SVG}path/{SVG}title")) == len(picture.lines)


def test_what_the_svg_draws_lies_on_its_paper(whole):
    document = ElementTree.fromstring(draw(whole, "svg"))
    width, height = (float(document.get(side)) for side in ("width", "height"))
    for rect in document.iter(f"{SVG}rect"):
        assert float(rect.get("x", 0)) + float(rect.get("width")) <= width
        assert float(rect.get("y", 0)) + float(rect.get("height")) <= height


def test_hardware_stands_left_of_its_holder_and_a_server_left_of_its_client():
    document = ElementTree.fromstring(draw(driver_and_client(), "svg"))
    lefts = {group.find(f"{SVG}text").text: float(group.find(f"{SVG}rect").get("x")) for group in document.findall(f"{SVG}g")}
    assert lefts["0x3f8..0x3ff"] < lefts["com1"] < lefts["hello"]


def test_the_svg_has_colours_for_light_and_dark(whole):
    style = ElementTree.fromstring(draw(whole, "svg")).find(f"{SVG}style").text
    light, _, dark = style.partition("@media (prefers-color-scheme:dark)")
    coloured = [re.findall(r"([^{}\n]+){(?:fill|stroke):#", part) for part in (light, dark)]
    assert coloured[0] == coloured[1] and ".paper" in coloured[0]


def test_no_text_leaves_the_svg():
    texts = [element.text for element in ElementTree.fromstring(draw(hostile(), "svg")).iter(f"{SVG}text")]
    assert HOSTILE in texts


DOT_LINE = re.compile(r'  (?:"(?:[^"\\]|\\.)*"(?: -> "(?:[^"\\]|\\.)*")?|[a-z]+)(?:=(?:"(?:[^"\\]|\\.)*"|[A-Z]+))?'
                      r'(?: \[(?:[a-z]+=(?:"(?:[^"\\]|\\.)*"|[a-z]+|[0-9]+)(?:, )?)*\])?;')


@pytest.mark.parametrize("make", [driver_and_client, hostile])
def test_every_line_of_dot_is_a_statement(make):
    first, *body, last = draw(make(), "dot").splitlines()
    assert (first, last) == ('digraph "made" {', "}")
    for line in body:
        assert DOT_LINE.fullmatch(line), line


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("make", [driver_and_client, hostile])
def test_graphviz_takes_the_dot(make):
    subprocess.run(["dot", "-Tplain"], input=draw(make(), "dot"), capture_output=True, text=True, check=True)


def test_a_quoted_string_has_no_way_out():
    assert quoted('a"b\\n') == '"a\\"b\\\\n"'


def test_instances_that_ask_each_other_in_a_circle_are_drawn():
    apps = [app(name, need("service", "other"), provide("service", "own")) for name in ("a", "b")]
    a, b = (instance(each.name, each, other={"from": f"{peer}.own"}) for each, peer in zip(apps, "ba", strict=True))
    assert 'viewBox' in draw(system(a, b, wires=(wire(a, "other", b, "own"), wire(b, "other", a, "own"))), "svg")


def test_a_granted_device_is_drawn_wherever_it_is():
    card = app("net", need("device", "card"))
    picture = make_picture(system(instance("lan", card, card={"slot": "00:03.0", "skip": 0}), instance("wan", card, card={"slot": "any", "skip": 1})))
    assert [(source.name, source.detail) for source in picture.sources] == [("1af4:1044", "PCI function, at 00:03.0"), ("1af4:1044", "PCI function, after 1 other")]
    assert [(line.client, line.need, line.tie) for line in picture.lines] == [("lan", "device.card", Tie.HARDWARE), ("wan", "device.card", Tie.HARDWARE)]
    assert {line.server for line in picture.lines} == {source.key for source in picture.sources}
