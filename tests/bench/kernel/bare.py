"""A host call without glue: the benchmark's profile with one function of one glue exchanged for a loop beside the primitive.

The app's own loop calls its glue, which calls the primitive; the loop in the exchanged function calls the primitive at once. Both
are wasm in the same image, so the difference is what glue costs. The composer never makes such glue: it is forged between two of
its stages.
"""

from __future__ import annotations

import re
from pathlib import Path

from composer.compile import compile_modules
from composer.interfaces import load_interfaces
from composer.kernel_build import build_kernel
from composer.link import link
from composer.pipeline import Compiled
from composer.tools import ToolFailure

CALL = re.compile(r"\(func \$munal:clock/time#now [^\n]*\n    \(return_call \$raw\.clock_now \(i32\.const (\d+)\)\)\)")
SLEEP = re.compile(r"(\(func \$munal:clock/time#sleep [^\n]*)\n[^\n]*\)\n")
LOOP = """
    (local $last i64)
    (loop $again
      (local.set $last (call $raw.clock_now (i32.const {handle})))
      (local.set $deadline (i64.sub (local.get $deadline) (i64.const 1)))
      (br_if $again (i64.ne (local.get $deadline) (i64.const 0)))))
"""


def with_bare_calls(glue: str) -> str:
    """The glue of an instance with `clock`, whose `sleep` makes as many bare calls of `clock_now` as its deadline says."""
    call = CALL.search(glue)
    forged, count = SLEEP.subn(lambda found: found[1] + LOOP.format(handle=call[1]), glue) if call else (glue, 0)
    if count != 1:
        raise ToolFailure("bench", "glue is no longer as the benchmark knows it")
    return forged


def link_with_bare_calls(compiled: Compiled, instance: str, image: Path) -> None:
    """Write the image of a system whose instance has such glue."""
    name = f"glue/{instance}"
    glue = compile_modules({name: with_bare_calls(compiled.generated.glue[instance])})
    linked = link(build_kernel().read_bytes(), compiled.generated.system, compiled.generated.layout, {**compiled.modules, **glue}, load_interfaces())
    if not linked.ok:
        raise ToolFailure("bench", "the benchmark's own glue is refused")
    image.write_bytes(linked.value.data)
