"""What `munal run --gdb` prepares: an image that waits at its first instruction, symbols for each module, a script for their places."""

from __future__ import annotations

import pytest

from composer import pe
from composer.elf import Function, function_symbols
from composer.elf_symbols import symbol_file
from composer.gdb import HERE, prepare
from composer.image import read_image
from tests.composer.images import MODULES, small_image

PORT = 4321


@pytest.fixture
def prepared(tmp_path):
    image = tmp_path / "made.efi"
    image.write_bytes(small_image(modules={name: symbol_file({(16, 4): "wasm[0]::function[3]::send", (32, 8): "wasm[0]::function[4]"}) for name in MODULES}))
    return image, prepare(image, b"the kernel's file", 0x1000, PORT)


def test_symbols_that_are_written_are_read():
    named = {(0, 16): "first", (16, 4): "uart::uart::send", (64, 0): "label"}
    assert set(function_symbols(symbol_file(named))) == {Function(name, *place) for place, name in named.items()}
    assert function_symbols(symbol_file({})) == ()


def test_the_copy_waits_at_its_first_instruction_and_differs_in_nothing_else(prepared):
    image, made = prepared
    before, after = image.read_bytes(), made.image.read_bytes()
    changed = [place for place in range(len(before)) if before[place] != after[place]]
    text = next(s for s in read_image(before).value.sections if s.address <= made.entry < s.address + s.size)
    place = text.offset + made.entry - text.address
    assert made.entry == pe.entry_of(before)
    assert before[place:place + 2] == made.first and after[place:place + 2] == HERE
    assert len(before) == len(after) and set(changed) <= {place, place + 1}


def test_each_module_has_its_functions_by_name_and_glue_says_whose_it_is(prepared):
    _, made = prepared
    files = {path.name: {f.name for f in function_symbols(path.read_bytes())} for path in made.modules}
    assert files == {
        "app-talker.elf": {"send", "wasm[0]::function[4]"}, "app-uart.elf": {"send", "wasm[0]::function[4]"},
        "glue-com1.elf": {"com1/send", "com1/wasm[0]::function[4]"}, "glue-hello.elf": {"hello/send", "hello/wasm[0]::function[4]"},
    }


@pytest.mark.parametrize(("pointer", "base"), [(0x1DA3_8000, 0x1DA3_8000), (0x1DA3_8001, None), (0, None)])
def test_the_machine_is_found_where_its_pointer_and_a_page_agree(prepared, pointer, base):
    _, made = prepared
    registers = f"RAX=0000000000000000\nRIP={pointer + (made.entry if pointer else 0):016x} RFL=00000246 HLT=0\n"
    assert made.find(registers) == base
    assert made.find("") is None


def test_the_script_puts_everything_where_it_is(prepared):
    _, made = prepared
    made.write_script(0x1DA3_8000)
    script = made.script.read_text()
    assert f"add-symbol-file {made.kernel} -o {0x1DA3_9000:#x}" in script and f"target remote 127.0.0.1:{PORT}" in script
    assert f"{{unsigned char[2]}} {0x1DA3_8000 + made.entry:#x} = {{{made.first[0]}, {made.first[1]}}}" in script
    assert all(str(path) in script for path in made.modules) and str(made.script) in made.command
