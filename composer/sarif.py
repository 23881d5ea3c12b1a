"""Diagnostics as SARIF 2.1.0, the form in which code hosts, editors and dashboards take them.

Gets diagnostics; gives one log of one run as plain values (OASIS, Static Analysis Results Interchange Format 2.1.0). Paths are
relative to the workspace and say nothing of this machine; places in wasm are byte offsets, with the function they lie in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from composer import __version__
from composer.diagnostics import Diagnostic, Label
from composer.explain import codes, read_page
from composer.spans import Span, WasmPlace

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
WORKSPACE, BINARIES = "WORKSPACE", "BINARIES"
_BASES = {
    WORKSPACE: {"description": {"text": "The workspace: the folder that holds munal.toml"}},
    BINARIES: {"description": {"text": "The apps' modules, as they were built"}},
}


def to_json(diagnostics: Sequence[Diagnostic]) -> str:
    """`to_data` as JSON, in ASCII."""
    return json.dumps(to_data(diagnostics), indent=2)


def to_data(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """One log with one run: the rules that are broken, with their pages, and a result for each diagnostic."""
    broken = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {"name": "munal", "version": __version__, "rules": [_rule(code) for code in broken]}
    run = {
        "tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "originalUriBaseIds": _BASES,
        "invocations": [{"executionSuccessful": True}],
        "results": [_result(diagnostic, broken.index(diagnostic.code)) for diagnostic in diagnostics],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    page = read_page(code)
    examples = f"{page.why}\n\n## Bad\n\n{page.bad.shown}\n\n## Good\n\n{page.good.shown}"
    title = codes()[code].title
    return {"id": code, "shortDescription": {"text": f"{title[0].upper()}{title[1:]}."}, "fullDescription": {"text": page.why},
            "help": {"text": examples, "markdown": examples}}


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    result = {
        "ruleId": diagnostic.code, "ruleIndex": rule, "level": diagnostic.severity.value, "message": {"text": _message(diagnostic)},
        "partialFingerprints": {"munal/v1": _fingerprint(diagnostic)},
        "locations": [_location(label) for label in diagnostic.labels[:1]],
    }
    if further := [{"id": number, **_location(label)} for number, label in enumerate(diagnostic.labels[1:], 1)]:
        result["relatedLocations"] = further
    return result


def _message(diagnostic: Diagnostic) -> str:
    advice = [f"Help: {diagnostic.help}"] if diagnostic.help else []
    return "\n".join((f"{diagnostic.message}.", *advice, *(f"Note: {note}" for note in diagnostic.notes)))


def _fingerprint(diagnostic: Diagnostic) -> str:
    """Stays the same while lines move: of what is said, and in which file."""
    paths = [_path(label.place) for label in diagnostic.labels]
    return hashlib.sha256(json.dumps([diagnostic.code, diagnostic.message, paths]).encode()).hexdigest()


def _path(place: Span | WasmPlace) -> str:
    return place.source.path if isinstance(place, Span) else place.path


def _location(label: Label) -> dict[str, Any]:
    place = label.place
    location = _text_location(place) if isinstance(place, Span) else _binary_location(place)
    return {**location, "message": {"text": label.text}} if label.text else location


def _text_location(span: Span) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(span.source.path), "uriBaseId": WORKSPACE}}
    if span.source.text:
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        physical["region"] = {
            "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column,
            "charOffset": span.start, "charLength": span.end - span.start, "snippet": {"text": span.source.text[span.start:span.end]},
        }
    return {"physicalLocation": physical}


def _binary_location(place: WasmPlace) -> dict[str, Any]:
    region: dict[str, Any] = {"byteOffset": place.offset}
    if place.excerpt:
        region["snippet"] = {"text": place.excerpt.lines[-1][1]}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": quote(place.path), "uriBaseId": BINARIES}, "region": region}}
    if place.function:
        name = f"{place.path}/{place.function}"
        location["logicalLocations"] = [{"name": place.function, "fullyQualifiedName": name, "kind": "function"}]
    return location
