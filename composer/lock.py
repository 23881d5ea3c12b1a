"""`munal.lock`: what the images of a workspace were made of, to be reviewed, committed and compared.

Gets the file's text, or what variants were made of just now; gives the lock, the text to write, and a diagnostic for each
thing that is another than the locked one. The text is sorted, one fact a line, so that two branches merge line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.diagnostics import Diagnostic, at, declare, error
from composer.load import read_document
from composer.origin import SHA256, Composer
from composer.result import Result
from composer.spans import Source, Span
from composer.toml_spans import Node

M0501 = declare("M0501", "there is no lock to compare with")
M0502 = declare("M0502", "the lock is none that this composer reads")
M0503 = declare("M0503", "the composer is another than the locked one")
M0504 = declare("M0504", "a compiler is another than the locked one")
M0505 = declare("M0505", "an app's wasm is another than the locked one")
M0506 = declare("M0506", "the kernel is another than the locked one")
M0507 = declare("M0507", "an image is another than the locked one")
M0508 = declare("M0508", "a variant is not in the lock")

FILE = "munal.lock"
SCHEMA = 1
HEADING = "# What the images of this workspace are made of. `munal lock` writes this, `--locked` compares it.\n"
REVIEW = "run `munal lock`, and review the difference before it is committed"
ANEW = "where it cannot be restored, remove it, run `munal lock` and review what it writes"


@dataclass(frozen=True, slots=True)
class Locked:
    """One variant: the SHA-256 of its image and of each app's wasm, by the app's name; `settings` as given to `munal lock`."""

    image: str
    apps: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that is locked. `kernel` is the SHA-256 of the kernel's ELF; `variants` are by their names, like `kiosk@q35`.
    `places` tells where each of that stands in the file, by its path of keys; empty in a lock that was just made."""

    composer: Composer
    toolchain: dict[str, str]
    kernel: str
    variants: dict[str, Locked]
    places: dict[tuple[str, ...], Span] = field(default_factory=dict, compare=False, repr=False)

    def place(self, *keys: str) -> Span:
        """Where that stands, or what is nearest to where it would."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places.get(keys) or Span(Source(FILE, ""), 0, 0)

    def text(self) -> str:
        """The file's text."""
        import tomli_w

        variants = {name: _table(each) for name, each in sorted(self.variants.items())}
        return HEADING + "\n" + tomli_w.dumps({
            "schema": SCHEMA, "composer": {"sha256": self.composer.sha256, "version": self.composer.version},
            "kernel": {"sha256": self.kernel}, "toolchain": dict(sorted(self.toolchain.items())), "variant": variants,
        })


def _table(locked: Locked) -> dict[str, Any]:
    settings = {"settings": dict(sorted(locked.settings.items()))} if locked.settings else {}
    return {"image": locked.image, **settings, "app": dict(sorted(locked.apps.items()))}


def read_lock(root: Path) -> Result[Lock]:
    """The workspace's lock. Says M0501 where there is none, M0502 or what parsing says where it cannot be used."""
    if not (root / FILE).is_file():
        return Result(None, (error(M0501, f"there is no `{FILE}` to compare with", at(Span(Source(FILE, ""), 0, 0)),
                                   help="run `munal lock`, and commit what it writes"),))
    read = read_document(root, FILE)
    if read.value is None:
        return Result(None, tuple(map(_conflict_or, read.diagnostics)))
    return read.then(lambda document: _lock(document.tree))


def _conflict_or(said: Diagnostic) -> Diagnostic:
    """What is said of a text that is no TOML, better where the reason is a merge that left both sides."""
    span = said.labels[0].place
    line = span.source.line_text(span.line) if isinstance(span, Span) else ""
    if not re.match(r"(?:<{7}|={7}|>{7})(?: |$)", line):
        return said
    return error(M0502, f"`{FILE}` holds a conflict that a merge left", at(span, "here are two sides"),
                 help="keep either side of each conflict, then run `munal lock`")


def _lock(tree: Node) -> Result[Lock]:
    faults = tuple(_schema_faults(tree)) or tuple(_faults(tree))
    if faults:
        return Result(None, faults[:1])
    read = tree.plain()
    variants = {name: Locked(each["image"], each["app"], each.get("settings", {})) for name, each in read["variant"].items()}
    return Result(Lock(Composer(**read["composer"]), read["toolchain"], read["kernel"]["sha256"], variants, dict(_places(tree))))


def _schema_faults(tree: Node) -> Iterator[Diagnostic]:
    node = tree.get("schema")
    if node is None:
        yield error(M0502, f"`{FILE}` has no `schema`: it is none that `munal lock` wrote", at(tree.span), help=ANEW)
    elif type(node.value) is not int or node.value < 1:
        yield error(M0502, f"`schema` is {node.text}, which is no number of a form", at(node.span), help=ANEW)
    elif node.value > SCHEMA:
        yield error(M0502, f"`{FILE}` was written by a newer composer", at(node.span, f"this composer reads up to {SCHEMA}"),
                    help="use the composer that wrote it, or a later one")


def _faults(tree: Node) -> Iterator[Diagnostic]:
    """What the file has otherwise than `munal lock` writes it."""
    for key, fits in _FORMS.items():
        node = tree.get(key)
        if node is None:
            yield error(M0502, f"`{FILE}` has no `{key}`", at(tree.span), help=ANEW)
        else:
            yield from fits(node, key)
    for key, node in tree.table.items():
        if key not in _FORMS and key != "schema":
            yield error(M0502, f"`{key}` is nothing that `munal lock` writes", at(node.place), help=ANEW)


Form = Callable[[Node, str], Iterator[Diagnostic]]


def _digest(node: Node, name: str) -> Iterator[Diagnostic]:
    if type(node.value) is not str or not SHA256.fullmatch(node.value):
        yield error(M0502, f"`{name}` is no SHA-256", at(node.span, "64 hexadecimal digits stand here"), help=ANEW)


def _words(node: Node, name: str) -> Iterator[Diagnostic]:
    if type(node.value) is not str or not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f]{1,1024}", node.value):
        yield error(M0502, f"`{name}` is no line of text", at(node.span), help=ANEW)


def _each(fits: Form) -> Form:
    def faults(node: Node, name: str) -> Iterator[Diagnostic]:
        if not isinstance(node.value, dict):
            yield error(M0502, f"`{name}` is no table", at(node.span), help=ANEW)
        for key, child in node.table.items():
            yield from fits(child, f"{name}.{key}")

    return faults


def _keys(forms: Mapping[str, Form], optional: Iterable[str] = ()) -> Form:
    def faults(node: Node, name: str) -> Iterator[Diagnostic]:
        for key, fits in forms.items():
            child = node.get(key)
            if child is not None:
                yield from fits(child, f"{name}.{key}")
            elif key not in optional:
                yield error(M0502, f"`{name}` has no `{key}`", at(node.place), help=ANEW)
        for key, child in node.table.items():
            if key not in forms:
                yield error(M0502, f"`{name}.{key}` is nothing that `munal lock` writes", at(child.place), help=ANEW)

    return faults


_VARIANT = _keys({"image": _digest, "settings": _each(_words), "app": _each(_digest)}, optional=("settings",))
_FORMS: dict[str, Form] = {
    "composer": _keys({"sha256": _digest, "version": _words}), "kernel": _keys({"sha256": _digest}), "toolchain": _each(_words),
    "variant": _each(_VARIANT),
}


def _places(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Span]]:
    yield path, node.place if node.table else node.span
    for key, child in node.table.items():
        yield from _places(child, (*path, key))


# What is another than it was

def drift(lock: Lock, now: Lock) -> tuple[Diagnostic, ...]:
    """All in which `now`, what variants were made of, is another. An image is only spoken of where nothing else tells why it differs."""
    said = [*check_composer(lock, now.composer), *check_toolchain(lock, now.toolchain), *check_kernel(lock, now.kernel)]
    for name, made in now.variants.items():
        said += tuple(check_variant(lock, name)) or check_apps(lock, name, made.apps)
    return tuple(said) or tuple(found for name, made in now.variants.items() for found in check_image(lock, name, made.image))


def check_composer(lock: Lock, now: Composer) -> Iterator[Diagnostic]:
    """Yield one diagnostic where this composer is not the one that wrote the lock."""
    if now == lock.composer:
        return
    where = lock.place("composer", "sha256")
    if now.version == lock.composer.version:
        yield _drift(M0503, "the composer's text is another than the locked one", where, lock.composer.sha256, now.sha256,
                     f"both call themselves {now.version}")
    else:
        age = "an older" if _older(lock.composer.version, now.version) else "a newer"
        yield error(M0503, f"`{FILE}` was written by {age} composer: {lock.composer.version}, and this is {now.version}",
                    at(lock.place("composer", "version"), "locked here"), help=f"use composer {lock.composer.version}, or {REVIEW}")


def check_toolchain(lock: Lock, now: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each compiler of `now` that is not the locked one."""
    for name, words in sorted(now.items()):
        locked = lock.toolchain.get(name)
        if locked is None:
            yield error(M0504, f"`{name}` takes part now, and `{FILE}` does not have it", at(lock.place("toolchain"), "it would stand here"),
                        help=REVIEW, notes=(f"now     {words}",))
        elif locked != words:
            yield _drift(M0504, f"`{name}` is another than the locked one: {_short(locked)} became {_short(words)}",
                         lock.place("toolchain", name), locked, words)


def check_kernel(lock: Lock, sha256: str) -> Iterator[Diagnostic]:
    """Yield one diagnostic where the kernel's ELF is not the locked one."""
    if sha256 != lock.kernel:
        yield _drift(M0506, "the kernel is another than the locked one", lock.place("kernel", "sha256"), lock.kernel, sha256)


def check_variant(lock: Lock, name: str) -> Iterator[Diagnostic]:
    """Yield one diagnostic where the lock says nothing of a variant."""
    if name not in lock.variants:
        yield error(M0508, f"`{name}` is not in `{FILE}`", at(lock.place("variant"), f"here are {_listed(lock.variants)}"),
                    help=f"run `munal lock {name}`, and review what it adds")


def check_apps(lock: Lock, name: str, wasm: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield one diagnostic for each app of a locked variant whose wasm differs, that is new, or that is gone."""
    locked = lock.variants[name].apps
    for app in sorted({*locked, *wasm}):
        where = lock.place("variant", name, "app", app)
        if app not in wasm:
            yield error(M0505, f"app `{app}` is in `{FILE}` and no longer in `{name}`", at(where, "locked here"), help=REVIEW)
        elif app not in locked:
            yield error(M0505, f"app `{app}` is in `{name}` and not in `{FILE}`", at(where, "it would stand here"), help=REVIEW,
                        notes=(f"now     {wasm[app]}",))
        elif wasm[app] != locked[app]:
            yield _drift(M0505, f"the wasm of app `{app}` is another than the locked one", where, locked[app], wasm[app])


def check_image(lock: Lock, name: str, sha256: str) -> Iterator[Diagnostic]:
    """Yield one diagnostic where a locked variant's image differs, for whatever reason."""
    locked = lock.variants[name].image
    if sha256 != locked:
        yield _drift(M0507, f"the image of `{name}` is another than the locked one", lock.place("variant", name, "image"), locked, sha256,
                     "its apps, its kernel and its compilers are the locked ones: the manifests decide otherwise than they did")


def _drift(code: str, message: str, where: Span, locked: str, now: str, *notes: str) -> Diagnostic:
    return error(code, message, at(where, "locked here"), help=REVIEW, notes=(f"locked  {locked}", f"now     {now}", *notes))


def _short(words: str) -> str:
    """The version in what a compiler calls itself."""
    found = re.search(r"\d+(?:\.\d+)+\S*", words)
    return found.group().rstrip(",") if found else words


def _older(one: str, other: str) -> bool:
    def numbers(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)]

    return numbers(one) < numbers(other)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"
