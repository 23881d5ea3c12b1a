"""`munal inspect`: what an image holds and may do, from its bytes alone.

Gets an image that was read; gives plain data for programs, and the same as lines for a person. What does not match its digest
is shown all the same, and said beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from composer.grant_words import asked, grants, size
from composer.image import ImageView

UNKNOWN = "not recorded"


def to_data(view: ImageView) -> dict[str, Any]:
    """Everything in JSON's types; sizes in bytes, digests in hexadecimal, grants in the kernel's words."""
    table, origin = view.table, view.origin or {}
    return {
        "name": table["name"], "version": table["version"], "profile": table["profile"], "target": origin.get("target"),
        "settings": origin.get("settings", {}), "size": len(view.data), "sha256": view.sha256, "table": view.table_sha256,
        "abi": table["abi"], "emergency_port": table["emergency_port"], "kernel": origin.get("kernel"), "composer": origin.get("composer"),
        "toolchain": origin.get("toolchain", {}), "wasm": origin.get("wasm", {}), "parts": view.parts,
        "instances": [_instance(view, instance) for instance in table["instances"]],
        "wires": list(_wires(table)),
        "modules": [{key: module[key] for key in ("name", "length", "sha256")} for module in table["modules"]],
        "sections": [{"name": s.name, "address": s.address, "size": s.size, "file_size": s.file_size} for s in view.sections],
    }


def _instance(view: ImageView, instance: dict[str, Any]) -> dict[str, Any]:
    return {**{key: instance[key] for key in ("name", "app", "kind")}, "grants": grants(view.table, instance)}


def _wires(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names = [instance["name"] for instance in table["instances"]]
    for stream in table["streams"]:
        yield {"name": stream["name"], "kind": "stream", "server": names[stream["server"]], "clients": [names[stream["client"]]],
               "capacity": stream["capacity"]}
    for channel in table["channels"]:
        yield {"name": channel["name"], "kind": "channel", "server": names[channel["server"]], "clients": [names[channel["client"]]],
               "capacity": None, "depth": channel["depth"], "largest": channel["largest"], "carries": channel["carries"]}
    for number, service in enumerate(table["services"]):
        clients = [i["name"] for i in table["instances"] for h in i["handles"] if asked(table, h) == number]
        yield {"name": service["name"], "kind": "service", "server": names[service["server"]], "clients": clients, "capacity": None}


def to_lines(view: ImageView) -> Iterator[str]:
    """The same for a person: what it is, what it was made of, then each instance with its grants, wires, sizes and modules."""
    data = to_data(view)
    yield from _heading(data)
    for instance in data["instances"]:
        yield from ("", f"{instance['name']}: {instance['kind']} {instance['app']}", *(f"    {grant}" for grant in instance["grants"]))
    if data["wires"]:
        yield from ("", "wires", *_columns((wire["name"], _joins(wire)) for wire in data["wires"]))
    yield from ("", "bytes in the file", *_columns((name, f"{count:>10,}") for name, count in data["parts"].items()))
    yield from ("", "modules", *_columns((m["name"], f"{m['length']:>10,}  sha256 {m['sha256']}") for m in data["modules"]))


def _heading(data: dict[str, Any]) -> Iterator[str]:
    settings = "".join(f" -D {key}={value}" for key, value in data["settings"].items())
    target = f"@{data['target']}" if data["target"] else ""
    yield f"{data['name']} {data['version']}, {data['profile']}{target}{settings}"
    port, composer = data["emergency_port"], data["composer"]
    yield from _columns((
        ("image", f"{data['size'] / 1e6:.2f} MB, sha256 {data['sha256']}"), ("system table", f"sha256 {data['table']}"),
        ("interfaces", f"sha256 {data['abi']}"), ("kernel", f"sha256 {data['kernel']}" if data["kernel"] else UNKNOWN),
        ("composer", f"{composer['version']}, sha256 {composer['sha256']}" if composer else UNKNOWN), *data["toolchain"].items(),
        ("emergency port", f"{port:#x}: where a panic writes its last words" if port else "none"),
    ))
    if data["wasm"]:
        yield from ("", "apps' wasm", *_columns((name, f"sha256 {sha256}") for name, sha256 in data["wasm"].items()))


def _joins(wire: dict[str, Any]) -> str:
    clients = ", ".join(wire["clients"]) or "nobody"
    if wire["kind"] == "service":
        return f"service of {wire['server']}, asked by {clients}"
    if wire["kind"] == "channel":
        carries = f", carries handles of {' and '.join(wire['carries'])}s" if wire["carries"] else ""
        return f"channel between {wire['server']} and {clients}, {wire['depth']} messages of {size(wire['largest'])} each way{carries}"
    return f"stream between {wire['server']} and {clients}, {size(wire['capacity'])} each way"


def _columns(rows: Any) -> list[str]:
    rows = list(rows)
    wide = max(len(name) for name, _ in rows)
    return [f"    {name:{wide}}  {text}" for name, text in rows]
