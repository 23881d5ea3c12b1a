"""What rules about binaries share: which functions they judge."""

from __future__ import annotations

from composer.check.binaries import functions_of, known_functions
from composer.wasm.gather import gather
from tests.composer.systems import app, instance, need, system
from tests.composer.wasm.encode import wat

IMPORTS = """(module
  (import "munal:port/regs" "read8" (func (param i32) (result i32)))
  (import "munal:port/regs" "read8" (func (param i32) (result i32)))
  (import "munal:port/regs" "nothing" (func))
  (import "munal:port/other" "read8" (func (param i32) (result i32)))
  (import "munal:nothing/regs" "read8" (func))
  (import "munal:sip" "memory" (memory 1)))"""


def test_a_function_is_judged_once_where_a_need_covers_it_and_its_interface_has_it() -> None:
    facts = gather("uart", "uart.wasm", wat(IMPORTS), traced=True)
    made = system(instance("com1", app("uart", need("port", "regs")), regs={"base": 0x3F8}))
    assert [(i.module, i.name) for i in functions_of(facts)] == [
        ("munal:port/regs", "read8"), ("munal:port/regs", "nothing"), ("munal:port/other", "read8"), ("munal:nothing/regs", "read8")]
    assert [(i.module, i.name) for _, _, i, _ in known_functions(made, {"uart": facts})] == [("munal:port/regs", "read8")]
