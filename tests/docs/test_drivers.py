"""What docs/drivers.md shows of files is what is in them, and what it says the kernel and the composer say, they say."""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from composer import pipeline
from composer.device_shapes import EntryPointer, LengthTable, LimitTable, RegionTable, RegisterPointer, SealedTable, WrittenTable
from composer.explain import codes
from composer.fault_script import read_script
from composer.peripherals import wanted
from composer.simulate import SimulateOptions, simulate
from composer.simulate.cards import all_cards
from composer.simulate.devices.i8042 import I8042_FAULTS

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "docs" / "drivers.md").read_text()
BLOCK = re.compile(r"`(?P<path>[\w./-]+)`:\n\n(?P<block>(?: {4}.*\n|\n(?= {4}|\n+ {4}))+)")
SHOWN = {found["path"]: textwrap.dedent(found["block"]) for found in BLOCK.finditer(TEXT)}
WHOLE = ["apps/drivers/edu/Cargo.toml", "apps/drivers/edu/app.toml", "apps/drivers/edu/device.toml", "apps/drivers/edu/src/main.rs",
         "tests/boot/extra/profiles/factorials.toml"]


def test_all_files_of_the_driver_are_shown():
    assert set(WHOLE) <= set(SHOWN)
    assert {f"apps/drivers/edu/{path}" for path in ("app.toml", "device.toml", "Cargo.toml", "src/main.rs")} == {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "apps/drivers/edu").rglob("*") if path.is_file()}


@pytest.mark.parametrize("path", SHOWN)
def test_what_is_shown_is_the_repositorys(path):
    text = (REPOSITORY / path).read_text()
    assert SHOWN[path].strip("\n") == text.strip("\n") if path in WHOLE else SHOWN[path].strip("\n") in text


@pytest.mark.parametrize("shape", [RegionTable, SealedTable, LimitTable, RegisterPointer, EntryPointer, LengthTable, WrittenTable])
def test_every_key_of_a_model_is_told(shape):
    reference = TEXT[TEXT.index("## The model"):TEXT.index("## Virtio")]
    assert not [key for key in shape.model_fields if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", reference)]


def test_codes_that_it_names_are_codes():
    named = set(re.findall(r"M\d{4}", TEXT))
    assert named and named <= set(codes())


@pytest.mark.parametrize("words", [
    "its model does not let it", "an address in it leads where its model or its memory has nothing for it",
    "memory that an address in it is for does not lie together", "which its model does not have", "does not come out of its reset",
    "cannot be device `", "is too short, or nowhere",
])
def test_what_it_quotes_of_logs_the_kernel_says(words):
    assert words in TEXT and any(words in path.read_text() for path in (REPOSITORY / "kernel/src/device").glob("*.rs"))


def test_paths_that_it_names_are_there():
    named = {path for path in re.findall(r"`((?:apps|composer|tests|docs|profiles|kernel)/[\w./-]+)`", TEXT)}
    assert named and all((REPOSITORY / path).exists() for path in named)


@pytest.mark.slow
@pytest.mark.xdist_group("simulate")
def test_the_script_of_faults_does_what_it_says(tmp_path):
    script = tmp_path / "short.toml"
    script.write_text(textwrap.dedent(re.search(r"in one go, and say so:\n\n((?: {4}.*\n)+)", TEXT)[1]))
    made = pipeline.compose(REPOSITORY, "devices", pipeline.Stage.GENERATE).value
    plan = read_script(script, made.system)
    assert plan.ok, plan.diagnostics
    others = tuple({each.instance for each in wanted(made.system)} - {"ahci"})  # which only take their time
    with tempfile.TemporaryFile() as printed, open(os.devnull) as nothing:
        options = SimulateOptions(timeout=120.0, input=nothing.fileno(), output=printed.fileno(), plan=replace(plan.value, without=others))
        assert simulate(made.system, made.wasm, made.glue, options) == 1
        printed.seek(0)
        lines = printed.read().decode().splitlines()
    shown = re.search(r"\$ munal simulate devices --faults short.toml\n((?: {4}.*\n)+)", TEXT)[1]
    assert textwrap.dedent(shown).splitlines() == [line for line in lines if "FAILED" in line]


def test_every_kind_of_fault_is_told():
    table, rows = TEXT[TEXT.index("| device | kind | what goes wrong |"):].split("\n\n")[0], []
    name = ""
    for row in table.splitlines()[2:]:
        first, kind, words = (part.strip() for part in row.strip("|").split("|"))
        name = first or name
        rows.append((name, kind.strip("`"), words))
    known = {"1af4:1042": "virtio disk", "1af4:1050": "virtio display", "8086:100e": "82540EM", "1234:11e8": "edu", "01:06:01": "AHCI"}
    told = {(name, kind): words for name, kind, words in rows}
    for identity, card in all_cards().items():
        groups = [known.get(identity, ""), *(["any of virtio"] if identity.startswith("1af4") else []), "any on PCI"]
        for kind, words in card.FAULTS.items():
            assert next((told[group, kind] for group in groups if (group, kind) in told), None) == words, (identity, kind)
    assert {kind: words for (name, kind), words in told.items() if name == "i8042"} == I8042_FAULTS
