"""The stages in the order in which data flows: a workspace and the name of a profile become a bootable image.

Each stage is a function from the value before it; a result carries what was said along, and nothing is generated from a
system that was refused. Unchanged input is answered from stamps, without starting a stage. Outputs go to the workspace's `build/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import output, recall, stamp
from composer.output import Built
from composer.result import Result
from composer.variant import Variant

if TYPE_CHECKING:
    from composer.layout import Layout
    from composer.link import Image
    from composer.load import Loaded
    from composer.locking import Hold
    from composer.config import Expanded
    from composer.model import Models
    from composer.resolve import Joined
    from composer.system import App, System
    from composer.tree import Index
    from composer.wasm.facts import AppFacts

CARGO_FILES = ("Cargo.toml", "Cargo.lock", ".cargo/config.toml")
"""What else, beside the crates' folders, decides what cargo builds."""


class Stage(StrEnum):
    """Where to stop; the order is that of the stages."""

    LOAD = "load"
    MODEL = "model"
    RESOLVE = "resolve"
    INSPECT = "inspect"
    CHECK = "check"
    GENERATE = "generate"
    COMPILE = "compile"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A system with the wasm file and the facts of each of its apps, by the app's name."""

    system: System
    wasm: dict[str, Path]
    facts: dict[str, AppFacts]


@dataclass(frozen=True, slots=True)
class Apps:
    """What was built and inspected in this run, by the app's name: several variants of a workspace have the same apps."""

    wasm: dict[str, Path] = field(default_factory=dict)
    facts: dict[str, AppFacts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """A system that the rules were run over. `ungranted` are its optional needs without a grant, as `instance: capability.name`;
    `name` is the variant's, as its image would be called; `unset` are parameters without which it could not be composed."""

    profile: str
    apps: int
    instances: int
    ungranted: tuple[str, ...] = ()
    name: str = ""
    target: str | None = None
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generated:
    """A system that no rule refuses, with its numbers and the glue (WAT) of each instance, by the instance's name."""

    system: System
    wasm: dict[str, Path]
    facts: dict[str, AppFacts]
    layout: Layout
    glue: dict[str, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Machine code by module: `app/<app>` and `glue/<instance>`."""

    generated: Generated
    modules: dict[str, bytes] = field(repr=False)


def compose(root: Path, what: Variant | str | None = None, until: Stage = Stage.LINK, *, keep: bool = False,
            locked: bool = False) -> Result[Any]:
    """Compose a variant, or a profile by its name, up to a stage; gives that stage's value.

    LOAD gives Loaded, MODEL Models, RESOLVE System, and the rest the classes above. A value of CHECK may come with errors:
    ask `ok`. With `keep`, glue, table and wasm are left beside the image; with `locked`, what
    is made of anything else than `munal.lock` says is refused. Raises ToolFailure where a compiler fails.
    """
    root = Path(os.path.abspath(root))
    variant = what if isinstance(what, Variant) else Variant(what)
    if locked:
        from composer.locking import hold

        # The lock and the tools that it is held against are looked at anew each time.
        recall.RUN.forget()
        held = hold(root, variant)
        return held.then(_locked, root, variant, until, keep)
    if until is Stage.CHECK:
        return _check(root, variant)
    if until is Stage.LINK:
        return _build(root, variant, keep)
    return _run(_read(root), variant, until)[until]


def stages(root: Path, variant: Variant, until: Stage) -> dict[Stage, Result[Any]]:
    """Every stage's result up to `until`, made now: nothing is answered from stamps, and nothing is written to `build/`."""
    return _run(_read(Path(os.path.abspath(root))), variant, until)


def check_all(root: Path) -> Result[tuple[Checked, ...]]:
    """Check every profile of a workspace for each of its targets; what is wrong with several of them is said once."""
    from composer import variants

    root = Path(os.path.abspath(root))
    inputs = stamp.Inputs(root, builds=False)
    if kept := inputs.read("check-all", ""):
        return Result(None if kept[0] is None else tuple(_checked_again(c) for c in kept[0]), kept[1])
    manifests = _read(root)
    models = manifests[Stage.MODEL]
    result: Result[tuple[Checked, ...]] = Result((), models.diagnostics) if models.value else Result(None, models.diagnostics)
    apps: dict[str, App] = {}
    seen = Apps()
    for variant in variants.every_variant(models.value) if models.value else ():
        if unset := variants.unset_parameters(models.value, variant):
            result = Result((*(result.value or ()), Checked(variant.profile, 0, 0, (), str(variant), variant.target, unset)), result.diagnostics)
            continue
        stages = _run(manifests, variant, Stage.CHECK, seen)
        checked = stages[Stage.CHECK]
        found = (_summary(checked.value),) if checked.value else ()
        result = Result((*(result.value or ()), *found), result.plus(checked.diagnostics).diagnostics)
        apps |= {app.name: app for app in _apps(stages)}
    plain = None if result.value is None else [asdict(c) for c in result.value]
    places = _places(manifests[Stage.LOAD].value, root, apps.values())
    inputs.keep("check-all", "", places, plain, result.diagnostics)
    return result


def linked(root: Path, variant: Variant) -> Result[Image]:
    """The image of a variant, made and written nowhere. Raises ToolFailure where a compiler fails."""
    return _run(_read(root), variant, Stage.LINK)[Stage.LINK]


def every_variant(root: Path) -> tuple[Variant, ...]:
    """Each profile of a workspace for each of its targets, as far as it stands without settings; none where the workspace
    cannot be read."""
    from composer import variants

    models = compose(root, None, Stage.MODEL).value
    return variants.composable(models) if models else ()


# The stages

def _read(root: Path) -> dict[Stage, Result[Any]]:
    """The first two stages, which are about the whole workspace and no profile yet."""
    from composer.load import load
    from composer.model import model

    loaded = load(root)
    return {Stage.LOAD: loaded, Stage.MODEL: loaded.then(model)}


def _stages(models: Result[Models], variant: Variant, seen: Apps) -> Iterator[tuple[Stage, Result[Any]]]:
    """Every further stage's result, each made when it is asked for."""
    system = models.then(_resolve, variant)
    yield Stage.RESOLVE, system
    inspected = _inspected(system, seen)
    yield Stage.INSPECT, inspected
    checked = inspected.then(_judge)
    yield Stage.CHECK, checked
    generated = checked.accepted().then(_generate)
    yield Stage.GENERATE, generated
    compiled = generated.then(_compile)
    yield Stage.COMPILE, compiled
    yield Stage.LINK, compiled.then(_link)


def _run(manifests: dict[Stage, Result[Any]], variant: Variant, until: Stage, seen: Apps | None = None) -> dict[Stage, Result[Any]]:
    """The results of all stages up to `until`. What `seen` has of other variants of the same manifests is not made again."""
    results = dict(manifests)
    if until not in results:
        for stage, result in _stages(manifests[Stage.MODEL], variant, seen or Apps()):
            results[stage] = result
            if stage is until:
                break
    return results


def configuration(root: Path, variant: Variant) -> Result[Expanded]:
    """Every value of a variant's system, with where it is from. No value where its manifests are refused."""
    from composer.config import expand
    from composer.resolve import flatten

    models = _read(Path(os.path.abspath(root)))[Stage.MODEL]
    joined = models.then(_joined, variant)
    system = joined.then(flatten, models.value).accepted()
    return Result(expand(joined.value, system.value) if joined.value and system.value else None, system.diagnostics)


def _resolve(models: Models, variant: Variant) -> Result[System]:
    from composer.resolve import flatten

    return _joined(models, variant).then(flatten, models)


def _joined(models: Models, variant: Variant) -> Result[Joined]:
    from composer.diagnostics import error
    from composer.model import M0217
    from composer.resolve import join

    chosen = variant.profile or models.default_profile
    if chosen is None:
        return Result(None, (error(M0217, "no profile is chosen, and the workspace has no default",
                                   help="name one, or write `default` in `munal.toml`"),))
    return join(models, chosen, variant.target, dict(variant.settings))


def _inspected(system: Result[System], seen: Apps) -> Result[Inspected]:
    """Build and inspect the apps. Where a compiler fails, what is wrong with the manifests comes first: it may be the reason."""
    from composer.tools import ToolFailure

    try:
        return system.then(_inspect, seen)
    except ToolFailure:
        manifests = system.then(lambda sound: _judge(Inspected(sound, {}, {})))
        if manifests.ok:
            raise
        return system.then(lambda sound: Result(Inspected(sound, {}, {})))


def _inspect(system: System, seen: Apps) -> Result[Inspected]:
    from composer.inspect import inspect
    from composer.interfaces import load_interfaces
    from composer.source import build_apps

    new = build_apps([app for app in system.apps if app.name not in seen.wasm], system.root, load_interfaces())
    facts = inspect(system, new)
    seen.wasm.update(new)
    seen.facts.update(facts.value or {})
    names = [app.name for app in system.apps]
    wasm, known = ({name: every[name] for name in names if name in every} for every in (seen.wasm, seen.facts))
    return facts.then(lambda _: Result(Inspected(system, wasm, known)))


def _judge(inspected: Inspected) -> Result[Inspected]:
    from composer.check import check

    return Result(inspected, check(inspected.system, inspected.facts))


def _generate(inspected: Inspected) -> Result[Generated]:
    from composer.generate import render_all
    from composer.interfaces import load_interfaces
    from composer.layout import make_layout

    layout = make_layout(inspected.system)
    glue = render_all(inspected.system, layout, load_interfaces())
    return Result(Generated(inspected.system, inspected.wasm, inspected.facts, layout, glue))


def _compile(generated: Generated) -> Result[Compiled]:
    from composer.compile import compile_modules
    from composer.progress import task
    from composer.table import app_module, glue_module
    from composer.wasm.plain_names import with_plain_names

    sources: dict[str, bytes | str] = {app_module(name): with_plain_names(path.read_bytes()) for name, path in generated.wasm.items()}
    sources |= {glue_module(name): text for name, text in generated.glue.items()}
    with task("compiling to machine code"):
        return Result(Compiled(generated, compile_modules(sources)))


def _link(compiled: Compiled) -> Result[Image]:
    from composer import origin
    from composer.interfaces import load_interfaces
    from composer.kernel_build import build_kernel
    from composer.link import link

    generated = compiled.generated
    kernel = build_kernel().read_bytes()
    record = origin.make(generated.system, kernel, generated.wasm).record()
    return link(kernel, generated.system, generated.layout, compiled.modules, load_interfaces(), record)


def _locked(held: Hold, root: Path, variant: Variant, until: Stage, keep: bool) -> Result[Any]:
    """As `compose`, held against a lock. An answer that was kept was found with these very compilers."""
    if until is Stage.LINK:
        return _build(root, variant, keep, held)
    if drifted := held.tools():
        return Result(None, drifted)
    stages = _run(_read(root), variant, until)
    inspected = stages[Stage.INSPECT].value if Stage.INSPECT in stages else None
    drifted = held.apps(inspected.system, inspected.wasm) if inspected else ()
    result = stages[until].plus(drifted)
    return result.then(lambda found: Result(_summary(found))) if until is Stage.CHECK else result


# Answers that are kept

def _check(root: Path, variant: Variant) -> Result[Checked]:
    inputs = stamp.Inputs(root, builds=False)
    if kept := inputs.read("check", variant.key):
        return Result(kept[0] and _checked_again(kept[0]), kept[1])
    stages = _run(_read(root), variant, Stage.CHECK)
    result = stages[Stage.CHECK]
    summary = _summary(result.value) if result.value else None
    inputs.keep("check", variant.key, _places(stages[Stage.LOAD].value, root, _apps(stages)), summary and asdict(summary), result.diagnostics)
    return Result(summary, result.diagnostics)


def _build(root: Path, variant: Variant, keep: bool, held: Hold | None = None) -> Result[Built]:
    inputs = stamp.Inputs(root, builds=True)
    kept = None if keep else inputs.read("build", variant.key)
    if kept:
        built = kept[0] and output.found_again(inputs, kept[0])
        if built or kept[0] is None:
            drifted = held.image(built.name, built.image.read_bytes()) if held and built else ()
            return Result(built, kept[1]).plus(drifted)
    if held and (drifted := held.tools()):
        return Result(None, drifted)
    stages = _run(_read(root), variant, Stage.LINK)
    image = stages[Stage.LINK]
    if held and image.value and (drifted := held.image(stages[Stage.RESOLVE].value.variant, image.value.data)):
        return Result(None, (*image.diagnostics, *drifted))
    certificate = image.then(_certify, stages[Stage.RESOLVE].value)
    made = _write(root, stages[Stage.COMPILE].value, image.value, certificate.value, keep) if certificate.value else None
    inputs.keep("build", variant.key, _places(stages[Stage.LOAD].value, root, _apps(stages)), made and output.plain(made), certificate.diagnostics)
    return Result(made, certificate.diagnostics)


def _certify(image: Image, system: System) -> Result[bytes]:
    from composer.certificate import certify

    return certify(image, system)


def _write(root: Path, compiled: Compiled, image: Image, certificate: bytes, keep: bool) -> Built:
    generated = compiled.generated
    kept = output.keep_parts(root, generated.system.variant, generated.glue, generated.wasm, image) if keep else None
    return output.write_image(root, generated.system, image, certificate, kept)


def _summary(inspected: Inspected) -> Checked:
    system = inspected.system
    ungranted = (f"{i.name}: {g.need.capability}.{g.need.name}" for i in system.instances for g in i.grants if not g.granted)
    return Checked(system.profile, len(system.apps), len(system.instances), tuple(ungranted), system.variant, system.target)


def _checked_again(plain: dict[str, Any]) -> Checked:
    return Checked(**{**plain, "ungranted": tuple(plain["ungranted"]), "unset": tuple(plain["unset"])})


def _apps(stages: dict[Stage, Result[Any]]) -> tuple[App, ...]:
    system = stages[Stage.RESOLVE].value
    return tuple(system.apps) if system else ()


def _places(loaded: Loaded | None, root: Path, apps: Iterable[App]) -> Iterator[Path]:
    """Where the manifests lie, and what the apps are built from."""
    from composer.tree import Index

    if loaded:
        yield from (loaded.root / d.source.path for d in (*loaded.apps, *loaded.profiles))
        yield from (loaded.root / path for path in (*loaded.unread, *loaded.models))
    index = Index(root)
    for app in apps:
        yield Path(os.path.realpath(app.folder))
        if app.build.form == "cargo":
            yield from _crate_places(app, index)


def _crate_places(app: App, index: Index) -> Iterator[Path]:
    """A crate's folder and those of the crates that it names by path; nothing where cargo has already said what is wrong."""
    from composer.crates import find_crate
    from composer.tools import ToolFailure

    try:
        crate = find_crate(app.folder / app.build.inputs[0], index)
    except ToolFailure:
        return
    yield from (*crate.folders, *(crate.workspace / name for name in CARGO_FILES))
