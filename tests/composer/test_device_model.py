"""Models of devices: a file like virtio's becomes the numbers that the kernel reads, and what the kernel would refuse is refused before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.device import Device, Match, Model, is_slot, keys, named, numbered, parse_match, slot_number, slot_text, words
from composer.device_fit import fault_of, is_form_of, overlaps
from composer.device_model import read_model
from composer.load import Document, load
from composer.model import model
from composer.result import Result
from composer.spans import Source
from composer.toml_spans import parse

VIRTIO = """
[model]
summary = "virtio over PCI, split queues (Virtual I/O Device 1.2)"

[region.common]
capability = { id = 0x09, at = 3, is = 1 }
length = 0x38
free = [[0x00, 0x04], [0x10, 0x12]]
limit.queue-size = { offset = 0x18, width = 16, most = 256 }
pointer.descriptors = { offset = 0x20, halves = true, reach = 4096, to = ["descriptors"] }
pointer.used = { offset = 0x30, reach = 2054, to = ["memory"] }

[region.notify]
bar = 4
length = 0x1000
limit.queue = { offset = 0, width = 16, most = 2, count = 3, stride = 4 }

[table.descriptors]
entry = 16
count = 256
copies = 3
limit.flags = { offset = 12, width = 16, mask = 0x3 }
pointer.buffer = { offset = 0, length = { offset = 8, width = 32 }, to = ["available"], written = { offset = 12, bit = 1, to = ["memory", "descriptors"] } }

[table.available]
entry = 518
count = 1

[[reset]]
region = "common"
offset = 0x14
width = 8
write = 0

[[reset]]
region = "common"
offset = 0x14
width = 8
wait = { mask = 0xff, is = 0 }
"""


def read(text: str) -> Result[Model]:
    source = Source("devices/card.toml", text)
    tree = parse(source)
    assert tree.value is not None, tree.diagnostics
    return read_model(Document(source, tree.value, Path("devices")))


def device(model: Model, **changed: object) -> Device:
    parts = {"need": "card", "instance": 0, "matches": (Match(0, 0x1044_1AF4, 0xFFFF_FFFF),), "slot": None, "skip": 0,
             "regions": model.regions, "tables": model.tables, "reset": model.reset}
    return Device(**{**parts, **changed})


def codes(text: str) -> list[str]:
    return [each.code for each in read(text).diagnostics]


def changed(old: str, new: str) -> str:
    assert VIRTIO.count(old) >= 1
    return VIRTIO.replace(old, new, 1)


def test_a_model_like_virtios_comes_out_as_the_kernels_numbers():
    made = read(VIRTIO)
    assert made.diagnostics == () and str(made.value) == "devices/card.toml"
    ring = {0: [], 1: [{0: 12, 1: 2, 2: 3, 3: 0, 4: 0xFFFF, 5: 1, 6: 0}],
            2: [{0: 0, 1: 1, 2: 0, 3: False, 4: 0, 5: {0: 8, 1: 4, 2: 0xFFFF_FFFF, 3: 0}, 6: 0b10000, 7: {0: 12, 1: 1, 2: 0b1111}}]}
    assert numbered(device(made.value, slot=slot_number("00:03.1"), skip=2)) == {
        0: "card", 1: 0, 2: [{0: 0, 1: 0x1044_1AF4, 2: 0xFFFF_FFFF}], 3: 0x19, 4: 2,
        5: [{0: "common", 1: None, 2: [9, 3, 1], 3: 0x38, 4: {
                0: [[0, 4], [0x10, 0x12]], 1: [{0: 0x18, 1: 2, 2: 0xFFFF, 3: 0, 4: 256, 5: 1, 6: 0}],
                2: [{0: 0x20, 1: 1, 2: 0, 3: True, 4: 4096, 5: None, 6: 0b01110, 7: None},
                    {0: 0x30, 1: 1, 2: 0, 3: False, 4: 2054, 5: None, 6: 1, 7: None}]}},
            {0: "notify", 1: 4, 2: None, 3: 0x1000, 4: {0: [], 1: [{0: 0, 1: 2, 2: 0xFFFF, 3: 0, 4: 2, 5: 3, 6: 4}], 2: []}}],
        6: [{0: name, 1: 16, 2: 256, 3: ring} for name in ("descriptors", "descriptors-1", "descriptors-2")]
           + [{0: "available", 1: 518, 2: 1, 3: {0: [], 1: [], 2: []}}],
        7: [{0: 0, 1: 0x14, 2: 1, 3: 0, 4: None}, {0: 0, 1: 0x14, 2: 1, 3: 0, 4: 0xFF}],
    }


def test_registers_that_are_addresses_are_repeated():
    made = read(changed("offset = 0x20, halves = true, reach", "offset = 0x04, count = 2, stride = 0x1c, halves = true, reach"))
    raw = numbered(device(made.value))
    assert made.diagnostics == () and raw[5][0][4][2][0] == {0: 0x04, 1: 2, 2: 0x1c, 3: True, 4: 4096, 5: None, 6: 0b01110, 7: None}
    assert is_form_of(Device, raw, lambda name: type(name) is str) and fault_of(named(Device, raw), 1) is None


def test_numbers_have_names_again():
    plain = named(Device, numbered(device(read(VIRTIO).value)))
    assert tuple(plain) == keys(Device) and plain["regions"][0]["rules"]["pointers"][0]["reach"] == 4096
    assert plain["tables"][0]["rules"]["pointers"][0]["written"] == {"offset": 12, "bit": 1, "to": 0b1111} and plain["reset"][1]["mask"] == 255
    with pytest.raises(ValueError, match="offset, value, mask"):
        named(Match, {0: 0, 1: 0})


@pytest.mark.parametrize(("old", "new", "code"), [
    ('[model]\nsummary = "virtio over PCI, split queues (Virtual I/O Device 1.2)"', "", "M0109"),
    ("width = 16, most = 256", "widht = 16, most = 256", "M0105"),
    ("bar = 4", 'bar = "4"', "M0106"),
    ("bar = 4", "bar = 6", "M0107"),
    ("bar = 4", "bar = 4\ncapability = { id = 9, at = 3, is = 2 }", "M0115"),
    ("bar = 4\n", "", "M0115"),
    ("length = 0x38", "length = 0", "M0107"),
    ("length = 0x38", "length = 0x100_0001", "M0107"),
    ("[0x10, 0x12]", "[0x12, 0x12]", "M0107"),
    ("[0x10, 0x12]", "[0x37, 0x39]", "M0121"),
    ("[0x10, 0x12]", "[0x10, 0x21]", "M0122"),
    ("offset = 0x18, width = 16", "offset = 0x37, width = 16", "M0121"),
    ("offset = 0x18, width = 16", "offset = 0x18, width = 24", "M0111"),
    ("most = 256", "most = 0x1_0000", "M0107"),
    ("most = 256", "most = 256, least = 257", "M0107"),
    ("count = 3, stride = 4", "count = 3, stride = 1", "M0122"),
    ("count = 3, stride = 4", "count = 1025, stride = 4", "M0121"),
    ("count = 3, stride = 4", "count = 4097, stride = 4", "M0107"),
    ("count = 3, stride = 4", "count = 3", "M0109"),
    ("count = 3, stride = 4", "stride = 4", "M0109"),
    ("offset = 0x30, reach", "offset = 0x31, reach", "M0121"),
    ("reach = 2054,", "length = { offset = 0, width = 8 },", "M0105"),
    ("reach = 4096,", "reach = 4112,", "M0121"),
    ("reach = 4096,", "reach = 4088,", "M0121"),
    ("halves = true, reach = 4096,", "halves = true,", "M0121"),
    ("reach = 2054,", "reach = 2054, count = 2,", "M0109"),
    ("reach = 2054,", "reach = 2054, count = 2, stride = 4,", "M0122"),
    ("reach = 2054,", "reach = 2054, count = 2, stride = 8,", "M0121"),
    ("offset = 0, length =", "offset = 0, halves = true, length =", "M0105"),
    ('to = ["available"]', 'to = ["avail"]', "M0123"),
    ('to = ["memory", "descriptors"]', 'to = ["descriptors-1"]', "M0123"),
    ("{ offset = 8, width = 32 }", "{ offset = 13, width = 32 }", "M0121"),
    ("{ offset = 8, width = 32 }", "{ offset = 8, width = 32, more = 0x1_0000_0000 }", "M0107"),
    ("{ offset = 8, width = 32 }", "{ offset = 8, width = 32 }, reach = 4", "M0115"),
    ("bit = 1", "bit = 8", "M0107"),
    ("copies = 3", "copies = 32", "M0107"),
    ("count = 256\ncopies", "count = 4097\ncopies", "M0107"),
    ("[table.available]", "[table.descriptors-2]", "M0122"),
    ("[table.available]", "[table.memory]", "M0110"),
    ("write = 0", "", "M0115"),
    ("write = 0", "write = 256", "M0107"),
    ("mask = 0xff, is = 0", "mask = 0x0f, is = 0x10", "M0107"),
    ("offset = 0x14", "offset = 0x38", "M0121"),
    ('region = "common"', 'region = "commons"', "M0123"),
])
def test_each_rule_fires(old, new, code):
    assert code in codes(changed(old, new)) and read(changed(old, new)).value is None


def test_everything_is_said_at_once_and_where_it_stands():
    text = changed("bar = 4\n", "").replace('["available"]', '["avail"]').replace("most = 256", "most = 0x1_0000").replace("write = 0", "")
    said = read(text).diagnostics
    assert sorted(each.code for each in said) == ["M0107", "M0115", "M0115", "M0123"]
    assert all(each.labels[0].place.source.path == "devices/card.toml" and each.labels[0].place.line > 1 for each in said)
    assert next(each.help for each in said if each.code == "M0123") == "did you mean `available`?"


@pytest.mark.parametrize(("text", "match", "again"), [
    ("1af4:1044", Match(0, 0x1044_1AF4, 0xFFFF_FFFF), "1af4:1044"), ("1AF4:000F", Match(0, 0x000F_1AF4, 0xFFFF_FFFF), "1af4:000f"),
    ("01:06", Match(8, 0x0106_0000, 0xFFFF_0000), "01:06"), ("01:06:00", Match(8, 0x0106_0000, 0xFFFF_FF00), "01:06:00"),
])
def test_a_match_is_a_word_of_configuration_space(text, match, again):
    assert parse_match(text) == match and str(match) == again


@pytest.mark.parametrize("text", ["", "1af4", "1af4:", "1af4:10440", "1af4:10", "01:6", "01:06:01:02", "0x1af4:0x1044", "1af4:1044 ", "١af4:1044"])
def test_other_texts_name_no_device(text):
    assert parse_match(text) is None


@given(st.integers(0, 0xFFFF))
def test_a_slot_is_a_number_and_back(number):
    assert is_slot(slot_text(number)) and slot_number(slot_text(number)) == number


@pytest.mark.parametrize("text", ["", "00:20.0", "00:03.8", "0:3.0", "00:03", "00:03.0\n", "Any"])
def test_other_texts_are_no_slots(text):
    assert not is_slot(text) and slot_number(text) is None and slot_number("any") is None


def test_words():
    plain = named(Device, numbered(device(read(VIRTIO).value, slot=0x18, skip=1, matches=(parse_match("1af4:1044"), parse_match("01:06")))))
    assert words(plain) == "1af4:1044 or 01:06, at 00:03.0, after 1 other"
    assert words({**plain, "slot": None, "skip": 0}) == "1af4:1044 or 01:06" and words({**plain, "slot": None, "skip": 2}).endswith(", after 2 others")


# Tables that nobody vouches for

@given(st.integers(0, 40), st.integers(1, 8), st.integers(1, 6), st.integers(0, 12), st.integers(0, 60), st.integers(1, 20))
@settings(deadline=None)
def test_repetitions_meet_a_range_as_bytes_tell(offset, count, repeated, stride, start, length):
    at = {"count": repeated, "stride": max(stride, count) if repeated > 1 else stride}
    taken = {offset + number * at["stride"] + byte for number in range(repeated) for byte in range(count)}
    assert overlaps(at, offset, count, start, start + length) == bool(taken & set(range(start, start + length)))


def test_what_is_accepted_as_a_file_is_accepted_as_a_table():
    raw = numbered(device(read(VIRTIO).value))
    assert is_form_of(Device, raw, lambda name: type(name) is str) and fault_of(named(Device, raw), 1) is None
    assert fault_of(named(Device, raw), 0) is not None


@pytest.mark.parametrize(("path", "value"), [
    ((3,), 0x1_0000), ((4,), -1), ((4,), True), ((5,), None), ((5, 0, 1), 256), ((5, 0, 2), [9, 3]), ((5, 0, 2), [9, 3, 256]), ((5, 0, 4, 0), [[0]]),
    ((5, 0, 4, 1, 0, 2), 1 << 64), ((5, 0, 4, 2, 0, 3), 1), ((6, 0, 3, 2, 0, 5), {}), ((2, 0, 0), 256), ((7, 0), {0: 0}), ((0,), 3),
])
def test_other_forms_are_none(path, value):
    raw = numbered(device(read(VIRTIO).value))
    _put(raw, path, value)
    assert not is_form_of(Device, raw, lambda name: type(name) is str)


@pytest.mark.parametrize(("path", "value"), [
    ((2,), []), ((5, 0, 1), 0), ((5, 0, 2), None), ((5, 1, 1), 6), ((5, 0, 3), 0), ((5, 0, 3), (1 << 24) + 1), ((5, 0, 4, 0, 0), [4, 4]), ((5, 0, 4, 0, 0), [0, 0x39]),
    ((5, 0, 4, 0, 0), [0x20, 0x21]), ((5, 0, 4, 1, 0, 1), 3), ((5, 0, 4, 1, 0, 0), 0x37), ((5, 0, 4, 1, 0, 5), 0), ((5, 0, 4, 1, 0, 5), 2), ((5, 0, 4, 2, 0, 1), 2),
    ((5, 0, 4, 2, 0, 6), 1 << 5), ((5, 0, 4, 2, 0, 5), {0: 0, 1: 4, 2: 0, 3: 0}), ((6, 0, 2), 4097), ((6, 0, 3, 2, 0, 3), True),
    ((6, 0, 3, 2, 0, 5, 3), 1 << 32), ((6, 0, 3, 2, 0, 7, 1), 8), ((6, 0, 3, 2, 0, 7, 2), 1 << 5), ((5, 0, 4, 2, 0, 4), 4112), ((5, 0, 4, 2, 0, 4), 8), ((7, 0, 0), 2), ((7, 0, 1), 0x38), ((7, 0, 2), 5),
])
def test_what_the_kernel_refuses_is_refused(path, value):
    raw = numbered(device(read(VIRTIO).value))
    _put(raw, path, value)
    assert is_form_of(Device, raw, lambda name: type(name) is str) and fault_of(named(Device, raw), 1) is not None


def _put(raw, path, value):
    *before, last = path
    for key in before:
        raw = raw[key]
    raw[last] = value


# Files

def test_a_model_that_two_apps_name_is_read_once(tmp_path):
    root = _workspace(tmp_path, "net", "disk")
    loaded = load(root)
    assert loaded.diagnostics == () and list(loaded.value.models) == ["devices/card.toml"]
    apps = loaded.then(model).value.apps
    assert apps["net"].needs[0].fields["model"] is apps["disk"].needs[0].fields["model"]
    assert apps["net"].needs[0].fields["matches"] == (parse_match("1af4:1044"),)


def test_a_model_behind_a_link_out_of_the_workspace_is_not_read(tmp_path):
    root = _workspace(tmp_path / "inside", "net")
    (tmp_path / "card.toml").write_text(VIRTIO)
    (root / "devices/card.toml").unlink()
    (root / "devices/card.toml").symlink_to(tmp_path / "card.toml")
    loaded = load(root)
    assert [each.code for each in loaded.diagnostics] == ["M0114"] and loaded.value.models == {"devices/card.toml": None}
    assert loaded.then(model).value.lost == {"net"}


def test_a_model_too_large_or_no_file_is_not_read(tmp_path):
    root = _workspace(tmp_path, "net")
    (root / "devices/card.toml").write_text(VIRTIO + "#" * (1 << 20))
    assert [each.code for each in load(root).diagnostics] == ["M0102"]
    (root / "devices/card.toml").unlink()
    (root / "devices/card.toml").mkdir()
    assert [each.code for each in load(root).diagnostics] == ["M0102"]


def _workspace(root, *apps):
    need = '[needs.device.card]\nmatches = ["1af4:1044", "1AF4:1044"]\nmodel = "../../devices/card.toml"\n'
    files = {f"apps/{name}/app.toml": f'[app]\nname = "{name}"\nkind = "driver"\nbuild.wasm = "app.wasm"\n\n{need}' for name in apps}
    files["munal.toml"] = '[workspace]\nname = "demo"\nversion = "0.1.0"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\n'
    files |= {"devices/card.toml": VIRTIO, "profiles/main.toml": ""}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root
