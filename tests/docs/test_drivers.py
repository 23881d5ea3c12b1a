"""What docs/drivers.md shows of files is what is in them, and what it says the kernel and the composer say, they say."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from composer.device_shapes import EntryPointer, LengthTable, LimitTable, RegionTable, RegisterPointer, SealedTable, WrittenTable
from composer.explain import codes

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
