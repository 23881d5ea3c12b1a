"""What a code means: a page for each rule, with a bad and a good example that are workspaces, and what Munal says of them.

Gets codes; gives pages as Markdown from `explanations/CODE.md`, and the diagnostics of an example, found by composing it.

A page is prose, then `## Bad` and `## Good`. An example's files stand in it so, one after the other:

    `profiles/main.toml`:       and a fenced block: the file's text
    `apps/hello/hello.wat` is not there.

A block is text as it is. After its language, `escaped` gives bytes by `\\xNN`, and `xN` repeats it N times with the number
in place of `{n}`. A block of `sh` is a command: `munal check main -D port=1` examines that variant instead of all profiles.
All files that are not given come from `explanations/base/`: a driver `uart`, a program `hello` and a profile `main`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from composer.diagnostics import Diagnostic, Rule
from composer.result import Result

if TYPE_CHECKING:
    from composer.lock import Lock

PAGES = Path(__file__).resolve().parent / "explanations"
BASE = PAGES / "base"

_FILE = re.compile(r"^`(?P<path>[^`\n]+)`(?:(?P<absent> is not there\.)|:\n+^```(?P<info>[^\n]*)\n(?P<text>.*?)^```)$", re.M | re.S)
_COMMAND = re.compile(r"^```sh\nmunal check ?(?P<words>[^\n]*)\n```$", re.M)
_REPEAT = re.compile(r"x(\d+)")


@dataclass(frozen=True, slots=True)
class Example:
    """`files` are laid over the base workspace, None for one that is taken away; `words` are those after `munal check`."""

    shown: str
    files: dict[str, bytes | None]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One code's page. `why` is Markdown, as is what the examples show."""

    code: str
    title: str
    why: str
    bad: Example
    good: Example


@lru_cache(maxsize=1)
def codes() -> dict[str, Rule]:
    """Every code that can be explained, in order."""
    from composer.check import every_rule

    return {rule.code: rule for rule in every_rule()}


def read_page(code: str) -> Page:
    """The page of a code that exists. Raises ValueError where the page does not have its form."""
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (Bad|Good)\n", text, flags=re.M)
    if parts[1::2] != ["Bad", "Good"]:
        raise ValueError(f"{code}.md needs one `## Bad` and then one `## Good`")
    why, bad, good = parts[0], parts[2], parts[4]
    return Page(code, codes()[code].title, why.strip(), _example(bad), _example(good))


def _example(text: str) -> Example:
    import shlex

    files = {found["path"]: _content(found["info"] or "", found["text"] or "") if not found["absent"] else None
             for found in _FILE.finditer(text)}
    command = _COMMAND.search(text)
    return Example(text.strip(), files, tuple(shlex.split(command["words"])) if command else ())


def _content(info: str, text: str) -> bytes:
    _, *ways = info.split()
    for way in ways:
        if way == "escaped":
            return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), text.removesuffix("\n").encode())
        if repeat := _REPEAT.fullmatch(way):
            return "".join(text.replace("{n}", str(n)) for n in range(int(repeat[1]))).encode()
        raise ValueError(f"no block of an example is `{way}`")
    return text.encode()


def examine(page: Page, example: Example) -> tuple[Diagnostic, ...]:
    """Everything that Munal says about an example."""
    with TemporaryDirectory(prefix="munal-explain-") as scratch:
        folder = write(example, Path(scratch) / "workspace")
        judge = next((judge for prefix, judge in _JUDGES.items() if page.code.startswith(prefix)), _judge_workspace)
        return tuple(sorted(judge(folder, example), key=Diagnostic.sort_key))


def write(example: Example, folder: Path) -> Path:
    """The example as a workspace on disk."""
    shutil.copytree(BASE, folder)
    for path, content in example.files.items():
        if content is None:
            (folder / path).unlink(missing_ok=True)
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    return folder


def _judge_workspace(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """As `munal check` judges it, but without keeping an answer."""
    from composer import pipeline
    from composer.check import check
    from composer.variants import composable

    models = pipeline.compose(folder, None, pipeline.Stage.MODEL)
    said: Result[object] = Result(None, models.diagnostics)
    variants = _variants(example) or (composable(models.value) if models.value else ())
    for variant in variants:
        inspected = pipeline.compose(folder, variant, pipeline.Stage.INSPECT)
        said = said.plus(inspected.diagnostics)
        if inspected.value:
            said = said.plus(check(inspected.value.system, inspected.value.facts))
    return said.diagnostics


def _variants(example: Example) -> list:
    from composer.cli.build import check
    from composer.cli.options import variant_of

    if not example.words:
        return []
    with check.make_context("check", list(example.words)) as ctx:
        return [variant_of(profile, ctx.params["target"], ctx.params["settings"]) for profile in ctx.params["profiles"] or (None,)]


def _judge_kernel(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """A kernel's file is `kernel.elf`; `abi.json` holds only what its ABI has otherwise than the interfaces."""
    from composer.interfaces import load_interfaces
    from composer.link import check_abi, open_kernel

    interfaces = load_interfaces()
    if (folder / "kernel.elf").exists():
        yield from open_kernel((folder / "kernel.elf").read_bytes(), interfaces).diagnostics
    if (folder / "abi.json").exists():
        abi = _laid_over(json.loads(interfaces.abi), json.loads((folder / "abi.json").read_text()))
        yield from check_abi(json.dumps(abi, sort_keys=True, separators=(",", ":")).encode(), interfaces)


def _judge_hardware(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """What counting finds in a system that no rule has seen."""
    from composer import pipeline
    from composer.certificate import decide

    return pipeline.compose(folder, None, pipeline.Stage.RESOLVE).then(decide).diagnostics


def _judge_script(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """A script of faults is `faults.toml`, for a simulation of the workspace's default profile."""
    from composer import pipeline
    from composer.fault_script import read_script

    return pipeline.compose(folder, None, pipeline.Stage.RESOLVE).then(lambda system: read_script(folder / "faults.toml", system)).diagnostics


def _laid_over(base: object, change: object) -> object:
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    return {**base, **{key: _laid_over(base.get(key), value) for key, value in change.items()}}


def _judge_image(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """An image is `image.efi`, or the one of the workspace's first profile; `change.json` lists what of that is overwritten."""
    from composer.image import read_image

    if (folder / "image.efi").exists():
        return read_image((folder / "image.efi").read_bytes()).diagnostics
    data = bytearray(_small_image(folder))
    sections = {s.name: s for s in read_image(bytes(data)).value.sections}
    for change in json.loads((folder / "change.json").read_text()) if (folder / "change.json").exists() else ():
        content = bytes.fromhex(change["bytes"])
        place = sections[change["section"]].offset + int(change["offset"], 16)
        data[place:place + len(content)] = content
    return read_image(bytes(data)).diagnostics


def _small_image(folder: Path) -> bytes:
    """An image with a few bytes for the kernel and for each module: enough to be read, not to be booted."""
    from composer import pipeline
    from composer.elf import Kernel, Segment
    from composer.interfaces import load_interfaces
    from composer.layout import make_layout
    from composer.link import assemble
    from composer.table import app_module, glue_module

    models = pipeline.compose(folder, None, pipeline.Stage.MODEL).value
    system = pipeline.compose(folder, next(iter(models.profiles)), pipeline.Stage.RESOLVE).value
    modules = {name: name.encode() for i in system.instances for name in (app_module(i.app.name), glue_module(i.name))}
    kernel = Kernel(0, (Segment(0, 1, b"\xc3", False, True),), (), None)
    return assemble(kernel, system, make_layout(system), modules, load_interfaces()).value.data


def _judge_lock(folder: Path, example: Example) -> Iterable[Diagnostic]:
    """`munal.lock` and `now.toml` hold only what they have otherwise than a lock of the profile `main`."""
    from composer.lock import drift

    locked, now = (_whole_lock(folder, name) for name in ("munal.lock", "now.toml"))
    return (*locked.diagnostics, *(drift(locked.value, now.value) if locked.value and now.value else ()))


def _whole_lock(folder: Path, name: str) -> Result[Lock]:
    """The lock that an example gives in part, read from a folder of its own; none where the example has no such file."""
    import tomllib

    import tomli_w

    from composer.lock import FILE, read_lock

    place = folder / "locks" / name
    place.mkdir(parents=True)
    if (folder / name).exists():
        whole = _laid_over(tomllib.loads((PAGES / "base.lock").read_text()), tomllib.loads((folder / name).read_text()))
        (place / FILE).write_text(tomli_w.dumps(whole))
    return read_lock(place)


_JUDGES: dict[str, Callable[[Path, Example], Iterable[Diagnostic]]] = {"M04": _judge_kernel, "M0520": _judge_hardware, "M051": _judge_image, "M050": _judge_lock,
                                                                           "M06": _judge_script}
"""How an example is judged, by how its code begins, where that is not as `munal check` does it."""
