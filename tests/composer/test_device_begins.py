"""Models that begin with others: what comes first keeps its numbers, and what is written once is the same wherever it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from composer.device_model import read_model
from composer.load import Document, load
from composer.model import model
from composer.spans import Source
from composer.toml_spans import parse
from tests.composer.manifests import WORKSPACE

ROOT = Path(__file__).resolve().parents[2]
APP = '[app]\nname = "net"\nkind = "driver"\nbuild = {{ command = ["make"], output = "net.wasm" }}\n\n[needs.device.card]\nmatches = ["1af4:1041"]\nmodel = "../../devices/{}"\n'
BASE = """
[model]
summary = "all of a kind"

[region.common]
bar = 0
length = 32
free = [[0, 4]]
pointer.ring = { offset = 8, reach = 128, to = ["ring"] }

[region.notify]
bar = 1
length = 4

[table.ring]
entry = 16
count = 8
copies = 2
pointer.buffer = { offset = 0, reach = 16, to = ["memory"] }

[table.tail]
entry = 4
count = 1
free = [[0, 4]]

[[reset]]
region = "common"
offset = 4
width = 8
write = 0
"""
OWN = """
[region.device]
bar = 2
length = 8

[table.ring]
entry = 16
count = 8
copies = 3
pointer.buffer = { offset = 0, reach = 64, to = ["commands"] }

[table.commands]
entry = 64
count = 4
free = [[0, 64]]

[[reset]]
region = "device"
offset = 0
width = 8
wait = { mask = 1, is = 1 }
"""
HEAD = '[model]\nsummary = "one of them"\nbegins = "base.toml"\nreplaces = ["table.ring"]\n'


def workspace(root: Path, named: str, models: dict[str, str]) -> Path:
    for path, text in {"munal.toml": WORKSPACE, "profiles/main.toml": "", "apps/net/app.toml": APP.format(named),
                       **{f"devices/{name}": text for name, text in models.items()}}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def model_of(root: Path):
    made = load(root).then(model)
    assert made.diagnostics == (), made.diagnostics
    return made.value.apps["net"].needs[0].fields["model"]


def test_a_model_has_what_it_begins_with_and_then_its_own(tmp_path):
    made = model_of(workspace(tmp_path, "card.toml", {"base.toml": BASE, "card.toml": HEAD + OWN}))
    assert (made.path, made.summary) == ("devices/card.toml", "one of them")
    assert [region.name for region in made.regions] == ["common", "notify", "device"]
    assert [table.name for table in made.tables] == ["ring", "ring-1", "ring-2", "tail", "commands"]
    assert made.tables[1].rules.pointers[0].to == 1 << 5 and made.regions[0].rules.pointers[0].to == 0b1110
    assert [(step.region, step.mask) for step in made.reset] == [(0, None), (2, 1)]


def test_it_is_the_model_that_would_be_written_whole(tmp_path):
    table = BASE[BASE.index("[table.ring]"):BASE.index("[table.tail]")]
    before, tail = BASE.replace(table, "").split("[table.tail]")
    tail, base_reset = tail.split("[[reset]]")
    region, ring, commands, reset = (f"[{part}" for part in OWN.strip().removeprefix("[").split("\n\n["))
    whole = "\n\n".join([before, region, ring, f"[table.tail]{tail}", commands, f"[[reset]]{base_reset}", reset])
    source = Source("devices/card.toml", whole)
    by_hand = read_model(Document(source, parse(source).value, tmp_path))
    assert by_hand.diagnostics == ()
    made = model_of(workspace(tmp_path, "card.toml", {"base.toml": BASE, "card.toml": HEAD + OWN}))
    assert (made.regions, made.tables, made.reset) == (by_hand.value.regions, by_hand.value.tables, by_hand.value.reset)


def test_a_model_may_begin_with_one_that_begins_with_another(tmp_path):
    many = {f"{number}.toml": f'[model]\nbegins = "{number - 1}.toml"\n' for number in range(1, 1200)}
    made = model_of(workspace(tmp_path, "1199.toml", {"0.toml": BASE, **many}))
    assert [region.name for region in made.regions] == ["common", "notify"]


def test_a_model_that_cannot_be_read_takes_those_with_it_that_begin_with_it(tmp_path):
    made = load(workspace(tmp_path, "card.toml", {"base.toml": "[model\n", "card.toml": HEAD + OWN})).then(model)
    assert [each.code for each in made.diagnostics] == ["M0101"] and made.value.lost == {"net"}


@pytest.mark.parametrize("app", ["virtio-blk", "virtio-gpu", "virtio-input", "virtio-net"])
def test_the_models_of_virtio_differ_in_what_they_say(app):
    models = {name: found.needs[0].fields["model"] for name, found in load(ROOT).then(model).value.apps.items() if name in (app, "virtio-rng")}
    base, own = models["virtio-rng"], models[app]
    assert own.regions[:-1] == base.regions and own.regions[-1].name == "device" and own.reset == base.reset
    assert [table.name for table in own.tables[:len(base.tables)]] == [table.name for table in base.tables]
    replaced = {table.name.partition("-")[0] for table, other in zip(base.tables, own.tables, strict=False) if table != other}
    assert replaced == ({"descriptors"} if app == "virtio-gpu" else set())
