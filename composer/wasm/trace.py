"""From which functions, with which operands, a module calls what it imports.

Gets a Module; gives its calls of imported functions and the ways around a direct call. A function that nothing but
direct calls can reach knows its parameters to be what those calls pass, so a constant is followed through wrappers.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from composer.wasm.interpret import Budget, CallSite, TooComplex, Walked, walk
from composer.wasm.module import Escape, Module
from composer.wasm.scan import Scanned, scan
from composer.wasm.values import Value, join, passed

STEPS_PER_BYTE = 8
"""What one walk over everything may cost; compiled code takes below two."""
SPARE_STEPS = 100_000
"""More for small modules, of which none is worth giving up."""
PRECISE_STEPS = 40
"""What a function may cost for each of its bytes, and SPARE_STEPS more, when its loops and what it calls are followed."""
MOST_PRECISE_STEPS = 4_000_000
"""What that may cost for a module: some seconds."""
SMALL = 512
"""Bytes of a function whose results are followed into those that call it."""
DEEPEST_CALLS = 4
LARGEST = 512 << 10
"""Bytes of one function that are walked; nothing is claimed of a larger one."""


@dataclass(slots=True)
class ImportCall:
    """A call of the imported function `imported` (an index) by `function`; `operands` are its abstract values."""

    imported: int
    function: int
    offset: int
    operands: list[Value]


@dataclass(slots=True)
class Trace:
    calls: list[ImportCall]
    escapes: list[Escape]


def trace(module: Module) -> Trace:
    """Follow constants to imports. Raises WasmError where the code does not decode or is invalid."""
    scanned = scan(module)
    escapes = module.escapes + scanned.escapes
    tracer = _Tracer(module, scanned, {escape.function for escape in escapes})
    calls = tracer.run()
    return Trace(sorted(calls, key=lambda call: call.offset), [e for e in escapes if e.function < module.imported_functions])


class _Tracer:
    def __init__(self, module: Module, scanned: Scanned, escaped: set[int]) -> None:
        self.module, self.calls, self.escaped = module, scanned.calls, escaped
        self.budget = Budget(STEPS_PER_BYTE * len(module.data) + SPARE_STEPS)
        self.precise = Budget(MOST_PRECISE_STEPS)
        self.answered: dict[tuple[object, ...], list[Value] | None] = {}
        self.answering: list[int] = []
        self.callers: dict[int, set[int]] = defaultdict(set)
        for caller, calls in scanned.calls.items():
            for _, callee in calls:
                self.callers[callee].add(caller)
        self.arguments: dict[int, list[Value] | None] = {}
        self.found: list[ImportCall] = []

    def run(self) -> list[ImportCall]:
        wanted = self._wanted()
        for function, known in self._in_order(wanted):
            params = self.arguments.get(function) if known else None
            unknown: list[Value] = [None] * len(self.module.type_of(function).params)
            for site in self._sites(function, unknown if params is None else list(params)):
                self._note(function, site, wanted)
        return self.found

    def _wanted(self) -> set[int]:
        """The functions that call an import, and those whose arguments tell what such a function passes on."""
        queue = [caller for imported in range(self.module.imported_functions) for caller in self.callers[imported]]
        wanted = set(queue)
        while queue:
            for caller in self._informants(queue.pop()) - wanted:
                wanted.add(caller)
                queue.append(caller)
        return wanted

    def _informants(self, function: int) -> set[int]:
        """The callers that have to be walked first, for what they pass."""
        if function in self.escaped or not self.module.type_of(function).params:
            return set()
        return self.callers[function]

    def _in_order(self, wanted: set[int]) -> list[tuple[int, bool]]:
        """Callers before those they call, each with whether all its callers came first: in a cycle, one cannot."""
        waiting = {function: len(self._informants(function)) for function in wanted}
        ready = sorted((f for f, count in waiting.items() if count == 0), reverse=True)
        rest, order, done = sorted(wanted, reverse=True), [], set()
        while len(order) < len(wanted):
            if not ready:
                while rest[-1] in done:
                    rest.pop()
                ready.append(rest.pop())
            function = ready.pop()
            order.append((function, waiting[function] == 0 and function not in self.escaped))
            done.add(function)
            for callee in {callee for _, callee in self.calls.get(function, ())} & waiting.keys() - done:
                if function in self._informants(callee):
                    waiting[callee] -= 1
                    if waiting[callee] == 0:
                        ready.append(callee)
        return order

    def _sites(self, function: int, params: list[Value]) -> list[CallSite]:
        """The calls of a function: precisely where that can be afforded, else by one walk, else with nothing known."""
        start, end = self.module.bodies[function - self.module.imported_functions]
        if end - start <= LARGEST:
            with suppress(TooComplex):
                return self._walked(function, params).sites
            with suppress(TooComplex):
                return walk(self.module, function, params, self.budget, None).sites
        return [self._unknown_site(offset, callee) for offset, callee in self.calls.get(function, ())]

    def _walked(self, function: int, params: list[Value]) -> Walked:
        """Walk a function with all that can be followed. Raises TooComplex."""
        start, end = self.module.bodies[function - self.module.imported_functions]
        most = min(PRECISE_STEPS * (end - start) + SPARE_STEPS, self.precise.left)
        budget = Budget(most)
        try:
            return walk(self.module, function, list(params), budget, self._answer)
        finally:
            self.precise.left -= most - max(budget.left, 0)

    def _answer(self, function: int, arguments: list[Value]) -> list[Value] | None:
        """What a small function returns for these arguments, None where it never does; each combination is walked once."""
        start, end = self.module.bodies[function - self.module.imported_functions]
        results = self.module.type_of(function).results
        if end - start > SMALL or function in self.answering or len(self.answering) >= DEEPEST_CALLS:
            return [None] * len(results)
        key = (function, *(tuple(sorted(a)) if isinstance(a, dict) else (a,) for a in arguments))
        if key not in self.answered:
            self.answering.append(function)
            try:
                self.answered[key] = self._walked(function, arguments).results
            except TooComplex:
                self.answered[key] = [None] * len(results)
            finally:
                self.answering.pop()
        return self._written_here(self.answered[key])

    @staticmethod
    def _written_here(results: list[Value] | None) -> list[Value] | None:
        """Numbers that a callee returns count as written where it is called."""
        return results and [dict.fromkeys(value, 0) if isinstance(value, dict) else value for value in results]

    def _unknown_site(self, offset: int, callee: int) -> CallSite:
        return CallSite(offset, callee, [None] * len(self.module.type_of(callee).params))

    def _note(self, function: int, site: CallSite, wanted: set[int]) -> None:
        if site.callee < self.module.imported_functions:
            self.found.append(ImportCall(site.callee, function, site.offset, site.operands))
        elif site.callee in wanted:
            arguments = [passed(value, site.offset) for value in site.operands]
            before = self.arguments.get(site.callee)
            self.arguments[site.callee] = arguments if before is None else [join(a, b) for a, b in zip(before, arguments, strict=True)]
