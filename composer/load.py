"""The first stage: find a workspace's manifests and read them all.

Gets the workspace's folder; gives every manifest as a tree of nodes with places. Nothing outside of the folder is read,
and a file that cannot be read keeps no other from being read.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from composer.diagnostics import Diagnostic, Label, at, declare, did_you_mean, error, warning
from composer.result import Result
from composer.spans import Source, Span
from composer.toml_spans import Node, parse

M0102 = declare("M0102", "a manifest cannot be read as text")
M0112 = declare("M0112", "a folder is no workspace")
M0113 = declare("M0113", "a pattern of the workspace finds nothing")
M0114 = declare("M0114", "a path leads out of the workspace")

LARGEST = 1 << 20
"""How many bytes a manifest may have."""
LONGEST_PATH = 255
"""Characters of a path in a manifest."""

WORKSPACE, APP = "munal.toml", "app.toml"


@dataclass(frozen=True, slots=True)
class Document:
    """One manifest. `folder` is absolute; the source's path is relative to the workspace."""

    source: Source
    tree: Node
    folder: Path

    @property
    def stem(self) -> str:
        """The file's name without its ending: a profile's name."""
        return self.source.path.rsplit("/", 1)[-1].removesuffix(".toml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A workspace as written. `unread` are the paths of manifests that could not be read, which has been said; `models` are the
    files that apps name as models of their devices, by their paths, None for those."""

    root: Path
    workspace: Document
    apps: tuple[Document, ...]
    profiles: tuple[Document, ...]
    unread: tuple[str, ...] = ()
    models: dict[str, Document | None] = field(default_factory=dict)


def load(root: Path) -> Result[Loaded]:
    """Read `munal.toml` in `root` and every app and profile that it names. Raises nothing; see M0101 to M0104, M0112 to M0114."""
    root = Path(os.path.abspath(root))
    if not os.path.exists(root / WORKSPACE):
        return Result(None, (_no_workspace(root),))
    first = read_document(root, WORKSPACE)
    if first.value is None:
        return Result(None, first.diagnostics)
    said = list(first.diagnostics)
    apps = _read_all(root, _patterns(first.value, "apps"), APP, said)
    profiles = _read_all(root, _patterns(first.value, "profiles"), None, said)
    unread = tuple(path for path, document in (apps | profiles).items() if document is None)
    models = _read_models(root, _read(apps), said)
    return Result(Loaded(root, first.value, _read(apps), _read(profiles), unread, models), tuple(said))


def _read(documents: dict[str, Document | None]) -> tuple[Document, ...]:
    return tuple(document for document in documents.values() if document)


def _no_workspace(root: Path) -> Diagnostic:
    above = next((folder for folder in root.parents if os.path.isfile(folder / WORKSPACE)), None)
    advice = f"`{os.path.relpath(above, root)}` is one: go there" if above else "go to the folder that holds `munal.toml`, or make one"
    return error(M0112, "there is no `munal.toml` here", at(_start_of(WORKSPACE)), help=advice)


def read_document(root: Path, path: str) -> Result[Document]:
    """Read and parse one manifest; `path` is relative to `root`, with forward slashes."""
    source = _read_source(root, path)
    if isinstance(source, Diagnostic):
        return Result(None, (source,))
    tree = parse(source)
    folder = (root / path).parent
    return Result(Document(source, tree.value, folder) if tree.value else None, tree.diagnostics)


def _read_source(root: Path, path: str) -> Source | Diagnostic:
    try:
        if not stat.S_ISREG(os.stat(root / path).st_mode):
            return error(M0102, f"`{path}` is no file", at(_start_of(path)))
        with open(root / path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as problem:
        return error(M0102, f"`{path}` cannot be read: {_why(root / path, problem)}", at(_start_of(path)))
    if len(content) > LARGEST:
        return error(M0102, f"`{path}` is larger than 1 MiB", at(_start_of(path)), help="a manifest is written by hand: split it")
    return _decode(path, content)


def _why(path: Path, problem: OSError) -> str:
    if isinstance(problem, FileNotFoundError) and path.is_symlink():
        return f"it is a link to `{os.readlink(path)}`, which is not there"
    return (problem.strerror or "it cannot be opened").lower()


def _decode(path: str, content: bytes) -> Source | Diagnostic:
    try:
        source = Source(path, content.decode())
    except UnicodeDecodeError as problem:
        offset = len(content[: problem.start].decode())
        shown = Source(path, content.decode(errors="replace"))
        return error(M0102, f"`{path}` is not UTF-8", at(Span(shown, offset, offset + 1), f"the byte {content[problem.start]:#04x} stands here"),
                     help="save it as UTF-8")
    if source.text.startswith("\ufeff"):
        return error(M0102, f"`{path}` starts with a byte order mark", at(Span(source, 0, 1)), help="save it as UTF-8 without one")
    nul = source.text.find("\0")
    if nul >= 0:
        return error(M0102, f"`{path}` holds a NUL character", at(Span(source, nul, nul + 1), "it stands here"), help="is this a text?")
    return source


def _start_of(path: str) -> Span:
    """A place for what has no text to point at."""
    return Span(Source(path, ""), 0, 0)


def _patterns(workspace: Document, key: str) -> list[Node]:
    """The workspace's patterns, where they are strings; the model says so where they are not."""
    listed = workspace.tree.get("workspace", key)
    nodes = listed.value if listed and isinstance(listed.value, list) else []
    return [node for node in nodes if isinstance(node.value, str)]


def _read_all(root: Path, patterns: list[Node], file: str | None, said: list[Diagnostic]) -> dict[str, Document | None]:
    """Every manifest that the patterns find, by path, each once, in the order of their paths; None for the unreadable."""
    found: dict[str, Label] = {}
    empty: list[Node] = []
    for pattern in patterns:
        problem = _pattern_problem(pattern)
        matches = [] if problem else list(_matches(root, pattern.value, file))
        empty += [] if matches or problem else [pattern]
        said.extend([problem] if problem else [])
        for path in matches:
            found.setdefault(path, at(pattern.span, "found by this pattern"))
    said.extend(d for pattern in empty if (d := _finds_nothing(root, pattern, file, bool(found))))
    documents: dict[str, Document | None] = {}
    for path, label in sorted(found.items()):
        result = _read_inside(root, path, label)
        said.extend(result.diagnostics)
        documents[path] = result.value
    return documents


def _read_inside(root: Path, path: str, label: Label) -> Result[Document]:
    """Read a manifest, unless a symbolic link on its way leads out of the workspace."""
    if leaves_workspace(root, root / path):
        return Result(None, (error(M0114, f"`{path}` is a link that leads out of the workspace", label,
                                   help="what an image is made of lies in the workspace: copy it"),))
    return read_document(root, path)


def _read_models(root: Path, apps: tuple[Document, ...], said: list[Diagnostic]) -> dict[str, Document | None]:
    """The model of each device that an app asks for and each that one of them begins with, once, however many name it."""
    models: dict[str, Document | None] = {}
    waiting = deque(node for app in apps for node in _model_nodes(app))
    while waiting:
        node = waiting.popleft()
        path = model_path(node)
        if path is None:
            continue
        if path.split("/")[0] == "..":
            said.append(error(M0114, f"the model `{node.value}` leads out of the workspace", at(node.span),
                              help="what an image is made of lies in the workspace: copy it"))
        elif path not in models:
            if not os.path.lexists(root / path):
                said.append(_no_model(root, path, node))
                models[path] = None
                continue
            result = _read_inside(root, path, at(node.span, "named as a model here"))
            said.extend(result.diagnostics)
            models[path] = result.value
            begins = begins_of(result.value) if result.value else None
            waiting.extend([begins] if begins else ())
    return models


def begins_of(model: Document) -> Node | None:
    """Where a device's model names the one that it begins with."""
    node = model.tree.get("model", "begins")
    return node if node and isinstance(node.value, str) else None


def _model_nodes(app: Document) -> Iterator[Node]:
    devices = app.tree.get("needs", "device")
    for need in (devices.table if devices else {}).values():
        node = need.get("model")
        if node and isinstance(node.value, str):
            yield node


def model_path(node: Node) -> str | None:
    """The path from the workspace on of a model that a file names from its own folder on; None for what the shape of needs
    refuses. One that starts with `..` leads out of the workspace."""
    named = node.value
    if not named or named.startswith("/") or "\\" in named or not named.isprintable() or len(named) > LONGEST_PATH:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(node.span.source.path), named))


def _no_model(root: Path, path: str, node: Node) -> Diagnostic:
    folder, _, name = path.rpartition("/")
    near = did_you_mean(name, [entry.name for entry in _entries(root / folder)]) or _nearest_folder(root, path)
    return error(M0102, f"`{path}` cannot be read: no such file", at(node.span, "named as a model here"),
                 help=near or "it is looked for from the app's folder on")


def leaves_workspace(root: Path, path: Path) -> bool:
    """Whether a path, all links followed, lies outside of the workspace."""
    real = os.path.realpath(root)
    return os.path.commonpath([real, os.path.realpath(path)]) != real


def _pattern_problem(pattern: Node) -> Diagnostic | None:
    parts = pattern.value.split("/")
    if pattern.value.startswith("/") or ".." in parts or "\\" in pattern.value:
        return error(M0114, f"the pattern `{pattern.value}` leads out of the workspace", at(pattern.span),
                     help="patterns are relative to the workspace, with forward slashes and without `..`")
    if "**" in pattern.value:
        return error(M0113, "`**` is no pattern here: it would search every build folder too", at(pattern.span),
                     help="write one `*` for each level of folders")
    return None


def _finds_nothing(root: Path, pattern: Node, file: str | None, others_find: bool) -> Diagnostic | None:
    """An error where the pattern names one thing; a warning where a typing mistake is likely or nothing is found at all;
    a place for things to come is nothing to talk about."""
    what, near = "app" if file else "profile", _nearest_folder(root, pattern.value)
    names_one = not re.search(r"[*?\[]", pattern.value)
    if not names_one and others_find and not near:
        return None
    advice = f"an app is a folder with an `{APP}`" if file else "a profile is a file that ends in `.toml`"
    return (error if names_one else warning)(M0113, f"`{pattern.value}` finds no {what}", at(pattern.span), help=near or advice)


def _nearest_folder(root: Path, pattern: str) -> str | None:
    """Did-you-mean for the first folder of the pattern that does not exist."""
    folder = root
    for part in pattern.split("/"):
        if re.search(r"[*?\[]", part):
            return None
        if not os.path.exists(folder / part):
            return did_you_mean(part, [entry.name for entry in _entries(folder)])
        folder = folder / part
    return None


def _matches(root: Path, pattern: str, file: str | None) -> Iterator[str]:
    """Paths of manifests: with `file`, of that file in the folders that match; else of the `.toml` files that match."""
    for path in _walk(root, "", [part for part in pattern.split("/") if part not in ("", ".")]):
        if file:
            path = f"{path}/{file}"
        if path.endswith(".toml") and os.path.lexists(root / path) and not os.path.isdir(root / path):
            yield path


def _walk(root: Path, path: str, parts: list[str]) -> Iterator[str]:
    """Entries below `path` that match the pattern's parts; names that start with a dot only where the pattern says so."""
    if not parts:
        yield path
        return
    for entry in _entries(root / path):
        hidden = entry.name.startswith(".") and not parts[0].startswith(".")
        if fnmatchcase(entry.name, parts[0]) and not hidden:
            yield from _walk(root, f"{path}/{entry.name}" if path else entry.name, parts[1:])


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
