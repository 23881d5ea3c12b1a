"""What a command answered, kept under a digest of everything the answer depends on: unchanged input is answered from there.

Gets a workspace; gives the digest, or None where it is not known yet what to digest. Loads none of what a stage needs,
since not starting the stages is the point. Diagnostics come back with their places and texts, as if found just now.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from composer import cache, recall
from composer.diagnostics import Diagnostic, Label, Severity
from composer.spans import Excerpt, Place, Source, Span, WasmPlace
from composer.tree import BUILD_FOLDERS, Index

HERE = Path(__file__).resolve().parent
HOME = HERE.parent
STAMPS, PLACES = "stamps", "places"
WORKSPACE = "munal.toml"


class Inputs:
    """Everything that an answer about one workspace can depend on, as it is when this is made: before anything is read.

    With `builds`, also the kernel's source and what compiles it.
    """

    def __init__(self, root: Path, *, builds: bool) -> None:
        self.root, self.builds = root, builds
        self._index = Index(root)
        self._home = self._index if root == HOME else Index(HOME)
        self._workspace = self._index.file(root / WORKSPACE)
        self._folders = _top_folders(root)
        self._compilers_looked = _look_at_compilers()
        self._compilers = self._identify_compilers()
        self._parts = [self._workspace, self._composer()]
        for folder in self._folders or ():
            self._parts += (folder, self._index.folder(root / folder))
        self._save()

    def read(self, command: str, variant: str) -> tuple[Any, tuple[Diagnostic, ...]] | None:
        """What was kept for this input: the answer as plain JSON values, and its diagnostics. `variant` is the key of one, or "" for all."""
        key = self._key(command, variant)
        kept = cache.read(STAMPS, key) if key else None
        if kept is None:
            return None
        recall.RUN.depend(self._index.looked, self._home.looked, self._compilers_looked)
        answer = json.loads(kept)
        sources = [Source(path, text) for path, text in answer["sources"]]
        return answer["value"], tuple(_diagnostic(d, sources) for d in answer["diagnostics"])

    def keep(self, command: str, variant: str, places: Iterable[Path], value: Any, diagnostics: Sequence[Diagnostic]) -> None:
        """Keep an answer; `value` has JSON's types only, `places` are all that the answer came from.

        Where something changed since this was made, nothing is kept: nobody can tell which of the two was answered about.
        """
        recall.RUN.forget()
        before = self._outside(command, variant)
        known = self._remember_places(command, variant, places)
        now = Inputs(self.root, builds=self.builds)
        outside = now._outside(command, variant)
        # A compiler that was only installed on the way is no change of what was answered about.
        key = now._key(command, variant)
        if key is None or now._parts != self._parts or (known and outside != before):
            return
        sources = list({id(p.source): p.source for d in diagnostics for label in d.labels if isinstance(p := label.place, Span)}.values())
        answer = {"value": value, "diagnostics": [_plain(d, sources) for d in diagnostics], "sources": [[s.path, s.text] for s in sources]}
        cache.store(STAMPS, key, json.dumps(answer, separators=(",", ":")).encode())

    def file(self, path: Path) -> str:
        """SHA-256 of a file that an answer kept here speaks of, in hex; "" where there is no such file."""
        sha = self._index.file(path)
        self._save()
        return sha

    def _key(self, command: str, variant: str) -> str | None:
        outside = self._outside(command, variant)
        return None if outside is None else cache.digest(command, variant, self._compilers, *self._parts, *outside)

    def _outside(self, command: str, variant: str) -> list[str] | None:
        """What lies at the other places that the apps are built from. None where the workspace cannot be read, or nobody has
        said yet which places these are."""
        kept = cache.read(PLACES, self._places_key(command, variant))
        if self._folders is None or kept is None:
            return None
        parts = [part for place in json.loads(kept) for part in (place, self._digest(self.root / place))]
        self._save()
        return parts

    def _remember_places(self, command: str, variant: str, places: Iterable[Path]) -> bool:
        """Keep what lies outside of the workspace's own folders, which are looked at anyway; tells whether that was known."""
        relative = {os.path.relpath(place, self.root).replace(os.sep, "/") for place in places}
        text = json.dumps(sorted(place for place in relative if not self._covered(place))).encode()
        key = self._places_key(command, variant)
        known = cache.read(PLACES, key) == text
        if not known:
            cache.store(PLACES, key, text)
        return known

    def _covered(self, place: str) -> bool:
        passed_over = any(part.startswith(".") or part in BUILD_FOLDERS for part in place.split("/"))
        return not passed_over and any(folder == "." or place == folder or place.startswith(f"{folder}/") for folder in self._folders or ())

    def _places_key(self, command: str, variant: str) -> str:
        return cache.digest(str(self.root), command, variant, self._workspace)

    def _save(self) -> None:
        self._index.save()
        self._home.save()

    def _digest(self, place: Path) -> str:
        return self._index.folder(place) if place.is_dir() else self._index.file(place)

    def _composer(self) -> str:
        """The composer's own text, the interfaces and what compiles C; where a build is asked for, all of the kernel."""
        kernel = HOME / "kernel" if self.builds else HOME / "kernel" / "interfaces"
        return cache.digest(sys.version, sys.prefix, self._home.folder(HERE), self._home.folder(kernel),
                            self._home.file(HOME / "requirements-c.lock"))

    def _identify_compilers(self) -> str:
        from composer import toolchain

        apps, kernel = toolchain.find_rust(kernel=False), toolchain.find_rust(kernel=True) if self.builds else None
        return cache.digest(apps.identity("wasm-ld") if apps else "", kernel.identity("ld.lld") if kernel else "")


def _look_at_compilers() -> dict[str, os.stat_result | None]:
    from composer import toolchain

    return {name: recall.look(name) for name in toolchain.deciding_places()}


def _top_folders(root: Path) -> tuple[str, ...] | None:
    """The first folder of each of the workspace's patterns: all that it reads lies below one of them.

    Empty for a manifest that is no TOML, since nothing else is read then; all of a workspace whose patterns make no sense;
    None for a manifest that is not there or cannot be opened: what is said about that depends on more than this folder.
    """
    try:
        content = (root / WORKSPACE).read_bytes()
    except OSError:
        return None
    try:
        table = tomllib.loads(content.decode())
    except ValueError:
        return ()
    try:
        return tuple(sorted({_first_part(pattern) for pattern in (*table["workspace"]["apps"], *table["workspace"]["profiles"])}))
    except (KeyError, TypeError, AttributeError):
        return (".",)


def _first_part(pattern: str) -> str:
    first = pattern.split("/")[0]
    plain = "/" in pattern and not any(sign in first for sign in "*?[]")
    return first if plain and first not in ("", "..") else "."


def _plain(diagnostic: Diagnostic, sources: list[Source]) -> dict[str, Any]:
    labels = [[_plain_place(label.place, sources), label.text] for label in diagnostic.labels]
    return {"code": diagnostic.code, "severity": diagnostic.severity.value, "message": diagnostic.message, "labels": labels,
            "help": diagnostic.help, "notes": list(diagnostic.notes)}


def _plain_place(place: Place, sources: list[Source]) -> list[Any]:
    if isinstance(place, Span):
        return ["text", sources.index(place.source), place.start, place.end]
    return ["wasm", place.path, place.function, place.offset, place.excerpt]


def _diagnostic(plain: dict[str, Any], sources: list[Source]) -> Diagnostic:
    labels = tuple(Label(_place(place, sources), text) for place, text in plain["labels"])
    return Diagnostic(plain["code"], Severity(plain["severity"]), plain["message"], labels, plain["help"], tuple(plain["notes"]))


def _place(plain: list[Any], sources: list[Source]) -> Place:
    kind, where, one, other, *excerpt = plain
    return Span(sources[where], one, other) if kind == "text" else WasmPlace(where, one, other, _excerpt(*excerpt))


def _excerpt(plain: list[Any] | None) -> Excerpt | None:
    return plain and Excerpt(tuple((offset, text) for offset, text in plain[0]), plain[1], plain[2])
