"""Whatever a manifest says, the composer answers: sound ones mean what they say, and spoiled ones are refused at a real place."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import cli, units
from composer.check import check, every_rule
from composer.diagnostics import Diagnostic
from composer.load import load
from composer.model import model
from composer.render import to_json, to_text
from composer.resolve import resolve
from composer.spans import Span
from composer.system import Bounds, Instance, Priority, System
from tests.composer.any_manifests import CAPABILITIES, Tables, profile_graphs, spoiled_tables, spoiled_texts, texts, workspaces
from tests.composer.manifests import HELLO, WORKSPACE

CODES = {rule.code for rule in every_rule()}
NOTHING_IN_IT = b'\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b'
"""The smallest module that can start: it exports `memory` and a `_start` that does nothing."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder for each example: many examples share one test."""
    base = tmp_path_factory.mktemp("workspaces")
    yield (base / str(number) for number in itertools.count())


def write(root: Path, files: dict[str, Any]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        if path.endswith("/app.toml"):
            (root / path).with_name("app.wasm").write_bytes(NOTHING_IN_IT)
    return root


def everything_said(root: Path) -> tuple[list[Diagnostic], dict[str, System | None]]:
    """What all stages before the binary say, and each profile's system."""
    models = load(root).then(model)
    said, systems = list(models.diagnostics), {}
    for name in models.value.profiles if models.value else ():
        made = resolve(models.value, name)
        said += [*made.diagnostics, *(check(made.value) if made.value else ())]
        systems[name] = made.value
    return said, systems


# Sound ones

@given(workspaces())
@settings(max_examples=80, deadline=None)
def test_what_a_sound_manifest_says_is_what_the_system_has(folders, tables):
    root = write(next(folders), texts(tables))
    models = load(root).then(model)
    made = models.then(resolve, "main")
    assert made.diagnostics == () and made.value is not None
    profile = tables["profiles/main.toml"]
    assert made.value.name == tables["munal.toml"]["workspace"]["name"]
    emergency = profile.get("kernel", {}).get("emergency")
    assert made.value.emergency_port == (emergency["port"] if emergency else None)
    assert made.value.panic == profile.get("kernel", {}).get("panic", "halt")
    assert [instance.name for instance in made.value.instances] == sorted(profile.get("instance", {}))
    for instance in made.value.instances:
        assert means(instance) == says(profile["instance"][instance.name], tables)


@given(workspaces())
@settings(max_examples=50, deadline=None)
def test_a_system_written_down_again_is_the_same_system(folders, tables):
    [first] = everything_said(write(next(folders), texts(tables)))[1].values()
    again = {**tables, "profiles/main.toml": written(first)}
    [second] = everything_said(write(next(folders), texts(again)))[1].values()
    assert [means(i) for i in second.instances] == [means(i) for i in first.instances]
    assert (second.emergency_port, [(w.client, w.need.name, w.server) for w in second.wires]) == (
        first.emergency_port, [(w.client, w.need.name, w.server) for w in first.wires])


@given(workspaces(), st.data())
@settings(max_examples=30, deadline=None)
def test_the_order_of_keys_means_nothing_where_it_is_not_that_of_needs(folders, tables, data):
    turned = {path: turn(table, data) if path.startswith("profiles/") else table for path, table in tables.items()}
    one, other = (everything_said(write(next(folders), texts(each)))[1]["main"] for each in (tables, turned))
    assert [means(i) for i in one.instances] == [means(i) for i in other.instances]


def turn(value: Any, data: st.DataObject) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: turn(value[key], data) for key in data.draw(st.permutations(list(value)))}


def means(instance: Instance) -> dict[str, Any]:
    """What an instance has, without places."""
    restart = instance.restart
    return {"app": instance.app.name, "memory": instance.memory, "cpu": instance.cpu_permille, "restart": (restart.policy, restart.backoff_ms, restart.limit),
            "bounds": instance.bounds,
            "grants": {(g.need.capability, g.need.name): None if g.value is None else {k: list(v) if isinstance(v, tuple) else v for k, v in g.value.items()}
                       for g in instance.grants}}


def says(table: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """The same, read from the tables by hand."""
    app = tables[f"apps/{table['app']}/app.toml"]
    limits, restart = table.get("limits", {}), table.get("restart", {})
    restart = {"policy": restart} if isinstance(restart, str) else restart
    memory = limits.get("memory") or app.get("limits", {}).get("memory") or "1 MiB"
    return {
        "app": table["app"], "memory": units.parse_size(memory), "cpu": units.parse_share(limits.get("cpu", "100 %")),
        "bounds": Bounds(Priority(table.get("priority", "normal")), units.parse_duration(limits.get("period", "50 ms")),
                         units.parse_duration(limits["cpu_time"]) if "cpu_time" in limits else None, limits.get("handles", 64)),
        "restart": (restart.get("policy", "on-failure"), units.parse_duration(restart.get("backoff", "100 ms")), restart.get("limit", 10)),
        "grants": {(word, name): decision(word, table.get("grant", {}).get(word, {}).get(name)) for word, needs in app.get("needs", {}).items() for name in needs},
    }


def decision(word: str, grant: Any) -> dict[str, Any] | None:
    if grant is None:
        return {} if CAPABILITIES[word].grant == "implicit" else None
    defaults = {field.name: field.default for field in CAPABILITIES[word].grant_fields if field.default is not None}
    if grant is False:
        return None
    return defaults | ({} if grant is True else {key: units.parse_size(value) if key in sizes(word) else value for key, value in grant.items()})


def sizes(word: str) -> set[str]:
    """The keys of a grant whose values are sizes."""
    return {field.name for field in CAPABILITIES[word].grant_fields if field.type == "size"}


def granted(word: str, value: dict[str, Any]) -> dict[str, Any]:
    """A grant's values as a profile writes them."""
    return {key: units.format_size(each) if key in sizes(word) else list(each) if isinstance(each, tuple) else each for key, each in value.items()}


def bounds_written(bounds: Bounds) -> dict[str, Any]:
    ending = {} if bounds.cpu_time_ms is None else {"cpu_time": units.format_duration(bounds.cpu_time_ms)}
    return {"period": units.format_duration(bounds.period_ms), "handles": bounds.handles, **ending}


def written(system: System) -> dict[str, Any]:
    """A profile that says all that a system has, and nothing by default."""
    made: dict[str, Any] = {"instance": {}}
    if system.emergency_port:
        made["kernel"] = {"emergency": {"port": system.emergency_port}}
    made.setdefault("kernel", {})["panic"] = system.panic.value
    for instance in system.instances:
        grants: dict[str, dict[str, Any]] = {}
        for grant in instance.grants:
            word = grant.need.capability
            grants.setdefault(word, {})[grant.need.name] = False if grant.value is None else granted(word, grant.value)
        restart = instance.restart
        made["instance"][instance.name] = {
            "app": instance.app.name, "grant": grants,
            "limits": {"memory": units.format_size(instance.memory), "cpu": units.format_share(instance.cpu_permille), **bounds_written(instance.bounds)},
            "priority": instance.bounds.priority.value,
            "restart": {"policy": restart.policy, "backoff": units.format_duration(restart.backoff_ms), "limit": restart.limit},
        }
    return made


# Spoiled ones

@given(workspaces().flatmap(spoiled_tables))
@settings(max_examples=120, deadline=None)
def test_a_spoiled_table_is_answered_at_a_real_place(folders, tables):
    root = write(next(folders), texts(tables))
    holds_for_all(everything_said(root)[0], root)


@given(workspaces().map(texts).flatmap(spoiled_texts))
@settings(max_examples=120, deadline=None)
def test_a_spoiled_text_is_answered_at_a_real_place(folders, files):
    root = write(next(folders), files)
    holds_for_all(everything_said(root)[0], root)


def holds_for_all(said: list[Diagnostic], root: Path) -> None:
    """Every diagnostic has a known code, a sentence, and places that lie in the files they name; both forms of it can be printed."""
    for diagnostic in said:
        assert diagnostic.code in CODES and diagnostic.message and diagnostic.labels, diagnostic
        for label in diagnostic.labels:
            assert isinstance(label.place, Span)
            holds_for(label.place, root)
    text = to_text(said)
    assert all(char == "\n" or char.isprintable() for char in text)
    assert "Traceback" not in text and "object at 0x" not in text
    assert len(json.loads(to_json(said))) == len(said)


def holds_for(place: Span, root: Path) -> None:
    text = place.source.text
    assert 0 <= place.start <= place.end <= len(text)
    assert place.line >= 1 and place.column >= 1
    # A place without a text stands for the whole of a file that cannot be shown.
    if text:
        assert text == (root / place.source.path).read_bytes().decode(errors="replace")


# The whole program

@given(st.one_of(workspaces().map(texts), workspaces().flatmap(spoiled_tables).map(texts), workspaces().map(texts).flatmap(spoiled_texts)))
@settings(max_examples=12, deadline=None)
def test_the_command_line_answers_with_a_status_and_never_otherwise(folders, files):
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as cache:
        patch.setenv("MUNAL_CACHE", cache)
        root = write(next(folders), files)
        for words in (["check", "-C", str(root)], ["check", "-C", str(root), "--format", "json"], ["check", "-C", str(root), "main", "--until", "resolve"]):
            assert cli.run(words) in (0, 1)


# Profiles that extend each other

@given(profile_graphs())
@settings(max_examples=80, deadline=None)
def test_any_graph_of_profiles_is_joined_or_refused(folders, graph):
    """Each profile grants the console to itself, so that who counts last can be seen."""
    files = {f"profiles/{name}.toml": tomli_w.dumps({"profile": {"extends": parents}, "instance": {f"of-{name}": {"app": "hello"},
             "all": {"app": "hello", "restart": {"limit": number}}}}) for number, (name, parents) in enumerate(graph.items())}
    root = write(next(folders), {"munal.toml": WORKSPACE.replace('default = "main"\n', ""), "apps/hello/app.toml": HELLO.split("[needs")[0], **files})
    said, systems = everything_said(root)
    holds_for_all(said, root)
    sound = {name for name in graph if is_sound(graph, name)}
    assert {name for name, system in systems.items() if system} == sound
    assert {d.code for d in said} - {"M0116"} <= {"M0204", "M0205"}
    for name in sound:
        order = chain(graph, name)
        found = systems[name]
        assert {i.name for i in found.instances} == {"all", *(f"of-{each}" for each in order)}
        assert found.instance("all").restart.limit == list(graph).index(order[-1]) == list(graph).index(name)


def is_sound(graph: dict[str, list[str]], name: str, above: tuple[str, ...] = ()) -> bool:
    """Whether every way upwards ends, and none leads to a name that is not there."""
    return name in graph and name not in above and all(is_sound(graph, parent, (*above, name)) for parent in graph[name])


def chain(graph: dict[str, list[str]], name: str) -> list[str]:
    """Parents before children, left before right, each once."""
    order: list[str] = []
    for parent in graph[name]:
        order += [each for each in chain(graph, parent) if each not in order]
    return [*order, name]
