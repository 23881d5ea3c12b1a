"""The specification's testsuite for the lab: each script becomes a unit of steps, and assertions that the composer answers.

Gets what tests/tools/lab wrote (commands as JSON and modules); gives units and modules for the kernel, and what was passed,
failed or skipped on the way, each skip with its reason.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.wasm.facts import AppFacts
from composer.wasm.gather import gather
from tests.lab import script, tool
from tests.lab.consts import Unsupported, to_pattern, to_value
from tests.lab.script import Step, Unit

WORDS = {
    "uninitialized element 2": ("uninitialized element",),
    "uninitialized element 7": ("uninitialized element",),
}
"""What the runtime says where a script expects more: it does not tell which element."""

SUPERSEDED = "version 3.0 of the specification has it otherwise, and its own script of that name holds"
DEPENDENT = "it needs what a refused module would have done (M0322)"
SHARED = "threads: there is no shared memory to import"
BY_LINE = {
    "multi-memory/linking0": {42: DEPENDENT},
    "multi-memory/load1": dict.fromkeys(range(25, 30), DEPENDENT),
    "mutable-global/linking": dict.fromkeys((207, 228, 236, 239, 248, 299, 335, 342, 345, 354), SUPERSEDED),
    "reference-types/binary": dict.fromkeys((158, 355), SUPERSEDED),
    "reference-types/binary-leb128": dict.fromkeys((218, 226), SUPERSEDED),
    "reference-types/unreached-invalid": {540: SUPERSEDED},
    "threads/imports": {**dict.fromkeys((310, 314, 318), SUPERSEDED), 502: SHARED},
    "wasm-v1/binary-leb128": dict.fromkeys((217, 225), SUPERSEDED),
    "wasm-v2/binary-leb128": dict.fromkeys((218, 226), SUPERSEDED),
}
"""Single commands that are skipped, by their scripts and lines. Superseded are: segments that write nothing where a part does not
fit, one table at most, the length of numbers in a memory's flags, a select between values of unknown type."""

OF_THE_COMPOSER = ("assert_malformed", "assert_invalid")
THROWS = "exceptions: the composer refuses the modules that throw them (M0322)"


@dataclass(slots=True)
class Judged:
    """What became of a script's commands before the machine is booted. `lines` has each step's line in the script."""

    name: str
    steps: list[Step] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def unit(self) -> Unit:
        return Unit(self.name, self.steps)


class Modules:
    """The wasm of all scripts, each module once."""

    def __init__(self) -> None:
        self.wasm: list[bytes] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, wasm: bytes) -> int:
        """The module's number in the script."""
        if wasm not in self._numbers:
            self._numbers[wasm] = len(self.wasm)
            self.wasm.append(wasm)
        return self._numbers[wasm]


def read_all(modules: Modules, names: Sequence[str] = ()) -> Iterator[Judged]:
    """Every script of the testsuite, or those whose name holds one of `names`, in the order of their names."""
    with tempfile.TemporaryDirectory(prefix="munal-spec-") as folder:
        tool.run("spec", folder)
        for commands in sorted(Path(folder).glob("*/*/commands.json")):
            place = commands.parent
            name = f"{place.parent.name}/{place.name}"
            if not names or any(part in name for part in names):
                yield Reader(place, name, modules).read(json.loads(commands.read_bytes())["commands"])


class Reader:
    """Reads one script. Instances, definitions and registered names that are missing are known with the reason for it."""

    def __init__(self, place: Path, name: str, modules: Modules) -> None:
        self.place, self.modules, self.judged = place, modules, Judged(name)
        self.missing: dict[str | None, str | None] = {None: "there is no module yet"}
        self.unregistered: dict[str, str] = {}
        self.definitions: dict[str | None, tuple[dict[str, Any], bytes]] = {}

    def read(self, commands: list[dict[str, Any]]) -> Judged:
        """Take all commands in their order."""
        for command in commands:
            self._take(command)
        return self.judged

    def _take(self, command: dict[str, Any]) -> None:
        kind = command["type"]
        if (reason := BY_LINE.get(self.judged.name, {}).get(command["line"])) is not None:
            self._skip(reason)
        elif kind in OF_THE_COMPOSER:
            self._refused_by_composer(command)
        elif kind == "assert_exception":
            self._skip(THROWS)
        else:
            getattr(self, f"_{kind}")(command)

    def _skip(self, reason: str) -> None:
        self.judged.skipped[reason] += 1

    def _fail(self, command: dict[str, Any], why: str) -> None:
        self.judged.failures.append(f"{self.judged.name}.wast:{command['line']}: {why}")

    def _step(self, command: dict[str, Any], step: Step) -> None:
        self.judged.steps.append(step)
        self.judged.lines.append(command["line"])

    # Modules

    def _module(self, command: dict[str, Any]) -> None:
        self._instantiate(command, self._wasm(command), command.get("name"))

    def _module_definition(self, command: dict[str, Any]) -> None:
        self.definitions[command.get("name")] = self.definitions[None] = (command, self._wasm(command))

    def _module_instance(self, command: dict[str, Any]) -> None:
        _, wasm = self.definitions[command.get("module")]
        self._instantiate(command, wasm, command.get("instance"))

    def _instantiate(self, command: dict[str, Any], wasm: bytes, name: str | None) -> None:
        reason = self._reason(command, wasm)
        self.missing[None] = reason
        if name is not None:
            self.missing[name] = reason
        if reason is None:
            self._step(command, script.instantiate(self.modules.number(wasm), name))
        else:
            self._skip(reason)

    def _assert_unlinkable(self, command: dict[str, Any]) -> None:
        self._must_not_start(command)

    def _assert_uninstantiable(self, command: dict[str, Any]) -> None:
        self._must_not_start(command)

    def _must_not_start(self, command: dict[str, Any]) -> None:
        wasm = self._wasm(command)
        reason = self._reason(command, wasm)
        if reason is None:
            self._step(command, script.instantiate(self.modules.number(wasm), None, _failing(command["text"])))
        else:
            self._skip(reason)

    def _reason(self, command: dict[str, Any], wasm: bytes) -> str | None:
        """Why a module cannot run here: the composer refuses what it is made of, or what it imports was refused."""
        facts = judge(wasm)
        if facts.fault is not None:
            if not facts.fault.feature:
                self._fail(command, f"the composer refuses a valid module: {facts.fault.message}")
                return "the composer refuses it, which is a failure of its own"
            return refusal(facts)
        return next((self.unregistered[each.module] for each in facts.imports if each.module in self.unregistered), None)

    def _wasm(self, command: dict[str, Any]) -> bytes:
        return (self.place / command.get("binary_filename", command["filename"])).read_bytes()

    def _register(self, command: dict[str, Any]) -> None:
        reason = self.missing.get(command.get("name"))
        if reason is None:
            self.unregistered.pop(command["as"], None)
            self._step(command, script.register(command.get("name"), command["as"]))
        else:
            self.unregistered[command["as"]] = reason
            self._skip(reason)

    # Actions

    def _action(self, command: dict[str, Any]) -> None:
        self._act(command, script.SUCCESS)

    def _assert_return(self, command: dict[str, Any]) -> None:
        reason = self.missing.get(command["action"].get("module"))
        if reason is not None:
            self._skip(reason)
            return
        try:
            expected = script.values(to_pattern(const) for const in command["expected"])
        except Unsupported as fault:
            self._skip(str(fault))
            return
        self._act(command, expected)

    def _assert_trap(self, command: dict[str, Any]) -> None:
        self._act(command, _failing(command["text"]))

    def _assert_exhaustion(self, command: dict[str, Any]) -> None:
        self._act(command, _failing(command["text"]))

    def _act(self, command: dict[str, Any], expected: script.Expected) -> None:
        action = command["action"]
        instance = action.get("module")
        if (reason := self.missing.get(instance)) is not None:
            self._skip(reason)
        elif action["type"] == "get":
            self._step(command, script.get(action["field"], expected, instance))
        else:
            try:
                arguments = [to_value(const) for const in action["args"]]
            except Unsupported as fault:
                self._skip(str(fault))
                return
            self._step(command, script.invoke(action["field"], arguments, expected, instance))

    # What the composer answers

    def _refused_by_composer(self, command: dict[str, Any]) -> None:
        if command["module_type"] == "text":
            self._refused_text(command)
            return
        facts = judge(self._wasm(command))
        if facts.fault is None:
            self._fail(command, f"the composer accepts a module that is not valid: {command['text']}")
        elif facts.fault.feature:
            self._skip(refusal(facts))
        else:
            self.judged.passed += 1

    def _refused_text(self, command: dict[str, Any]) -> None:
        """Text goes the way of an app's `build.wat`: wasmtime reads it, then the composer reads what came of it."""
        import wasmtime

        try:
            wasm = bytes(wasmtime.wat2wasm((self.place / command["filename"]).read_bytes()))
        except wasmtime.WasmtimeError:
            self.judged.passed += 1
            return
        facts = judge(wasm)
        if facts.fault is None:
            self._fail(command, f"the composer accepts text that is not valid: {command['text']}")
        elif facts.fault.feature:
            self._skip(refusal(facts))
        else:
            self.judged.passed += 1


def judge(wasm: bytes) -> AppFacts:
    """What the composer finds in a module; `fault` where it refuses it."""
    return gather("spec", "spec.wasm", wasm, traced=False)


def refusal(facts: AppFacts) -> str:
    """The reason for a skip where the composer refuses a module for what it is made of."""
    return f"the composer refuses {facts.fault.feature} (M0322)"


def _failing(text: str) -> script.Expected:
    return script.failure(*WORDS.get(text, (text,)))
