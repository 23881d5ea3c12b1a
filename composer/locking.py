"""`--locked` and `munal lock`: what a build gives, held against `munal.lock`, or written to it.

Gets a workspace and variants; gives diagnostics for what drifted, or the new lock with what it changes. Compilers and
composer are compared before anything is built, since a build takes minutes and would only be refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer import cache, lock, origin
from composer.diagnostics import Diagnostic
from composer.image import ImageView, read_image
from composer.lock import FILE, Lock, Locked
from composer.result import Result
from composer.variant import Variant, make_variant

if TYPE_CHECKING:
    from composer.system import System

Compose = Callable[[Path, Variant], Result[Any]]
"""Builds a variant and gives `output.Built`."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One variant held against a lock. The methods give diagnostics, none where nothing drifted."""

    lock: Lock
    settings: tuple[tuple[str, str], ...]

    def tools(self) -> tuple[Diagnostic, ...]:
        """The composer and the locked compilers, as far as they are here: without building anything."""
        now = {name: words for name in self.lock.toolchain if (words := origin.tool(name)) is not None}
        return (*lock.check_composer(self.lock, origin.composer()), *lock.check_toolchain(self.lock, now))

    def apps(self, system: System, wasm: Mapping[str, Path]) -> tuple[Diagnostic, ...]:
        """A system and the wasm of its apps, by the app's name."""
        name = name_of(system.variant, self.settings)
        return tuple(self._variant(name, lambda: lock.check_apps(self.lock, name, origin.sha256_of(wasm))))

    def image(self, variant: str, data: bytes) -> tuple[Diagnostic, ...]:
        """An image, by what it says of its own origin; `variant` is as System.variant gives it."""
        read = read_image(data)
        if read.value is None or read.value.origin is None:
            return read.diagnostics
        return lock.drift(self.lock, made_of(read.value, name_of(variant, self.settings), self.settings))

    def _variant(self, name: str, check: Callable[[], Iterable[Diagnostic]]) -> Iterator[Diagnostic]:
        missing = tuple(lock.check_variant(self.lock, name))
        yield from missing or check()


def hold(root: Path, variant: Variant) -> Result[Hold]:
    """The workspace's lock for a variant, named with its `settings`."""
    return lock.read_lock(root).then(lambda read: Result(Hold(read, variant.settings)))


def name_of(variant: str, settings: Iterable[tuple[str, str]]) -> str:
    """What a variant is called in a lock: as a command takes it."""
    return " ".join((variant, *(f"-D {key}={value}" for key, value in settings)))


@dataclass(frozen=True, slots=True)
class Update:
    """A lock that was written: its variants, what of it is otherwise than before, and whether the file changed at all."""

    path: Path
    variants: tuple[str, ...]
    changes: tuple[str, ...]
    changed: bool


def update(root: Path, named: tuple[Variant, ...], every: tuple[Variant, ...], compose: Compose) -> Result[Update]:
    """Build variants and write what they were made of: those that are named, or else `every` one and what is locked already.

    Variants that are locked and not named are built too where the composer, a compiler or the kernel changed, since their
    lines would no longer be true. Raises ToolFailure where a compiler fails or the file cannot be written.
    """
    before = lock.read_lock(root) if (root / FILE).exists() else Result(None)
    if not before.ok and before.diagnostics:
        return Result(None, before.diagnostics)
    kept = {name: _variant(name, locked) for name, locked in (before.value.variants if before.value else {}).items()}
    possible = {(each.profile, target) for each in every for target in (None, each.target)}
    made = _made(root, named or (*every, *(each for each in kept.values() if (each.profile, each.target) in possible)), compose)
    if named and made.value and before.value:
        others = tuple(each for name, each in kept.items() if name not in made.value.variants)
        if _differ(made.value, before.value):
            made = made.then(lambda first: _made(root, others, compose, first))
        else:
            made = made.then(lambda first: Result(_joined(before.value, first)))
    return made.accepted().then(_write, root, before.value)


def _variant(name: str, locked: Locked) -> Variant:
    return make_variant(name.partition(" -D ")[0], [f"{key}={value}" for key, value in locked.settings.items()])


def _differ(one: Lock, other: Lock) -> bool:
    """Whether what all variants share is another, as far as both know it."""
    tools = any(other.toolchain.get(name, words) != words for name, words in one.toolchain.items())
    return tools or (one.composer, one.kernel) != (other.composer, other.kernel)


def _joined(one: Lock | None, other: Lock) -> Lock:
    if one is None:
        return other
    return Lock(other.composer, {**one.toolchain, **other.toolchain}, other.kernel, {**one.variants, **other.variants})


def _made(root: Path, variants: Iterable[Variant], compose: Compose, first: Lock | None = None) -> Result[Lock]:
    result: Result[Lock] = Result(first)
    for variant in variants:
        built = compose(root, variant)
        result = result.plus(built.diagnostics)
        if built.ok:
            result = Result(_joined(result.value, _of_image(built.value, variant)), result.diagnostics)
    return result


def _of_image(built: Any, variant: Variant) -> Lock:
    return made_of(read_image(built.image.read_bytes()).value, name_of(built.name, variant.settings), variant.settings)


def made_of(view: ImageView, name: str, settings: Iterable[tuple[str, str]]) -> Lock:
    """A lock of one image, by what it says of its own origin, which it has."""
    made = view.origin
    locked = Locked(view.sha256, made["wasm"], dict(settings))
    return Lock(origin.Composer(**made["composer"]), made["toolchain"], made["kernel"], {name: locked})


def _write(made: Lock, root: Path, before: Lock | None) -> Result[Update]:
    text = made.text().encode()
    path = root / FILE
    changed = not path.is_file() or path.read_bytes() != text
    if changed:
        cache.write_output(path, text)
    return Result(Update(path, tuple(made.variants), tuple(changes(before, made)) if before else (), changed))


def changes(before: Lock, now: Lock) -> Iterator[str]:
    """One line for each fact that is new, gone or otherwise."""
    one, other = dict(_facts(before)), dict(_facts(now))
    for what in sorted({*one, *other}):
        if what not in other:
            yield f"{what}: no longer there, was {one[what]}"
        elif what not in one:
            yield f"{what}: new, {other[what]}"
        elif one[what] != other[what]:
            yield f"{what}: {one[what]} became {other[what]}"


def _facts(of: Lock) -> Iterator[tuple[str, str]]:
    yield "composer", f"{of.composer.version} {_short(of.composer.sha256)}"
    yield "kernel", _short(of.kernel)
    yield from of.toolchain.items()
    for name, locked in of.variants.items():
        yield f"{name}: image", _short(locked.image)
        yield from ((f"{name}: app {app}", _short(sha256)) for app, sha256 in locked.apps.items())


def _short(sha256: str) -> str:
    return re.sub(r"^([0-9a-f]{12})[0-9a-f]{52}$", r"\1", sha256)
