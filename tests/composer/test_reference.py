"""The reference names everything that interfaces hold: nobody has to read them to know what there is."""

from __future__ import annotations

from composer.interfaces import load_interfaces
from composer.reference import render_reference, signature

INTERFACES = load_interfaces()
PAGE = render_reference(INTERFACES)


def test_every_function_and_key_is_there():
    for capability in INTERFACES.capabilities.values():
        section = PAGE.split(f"\n## {capability.name}\n")[1].split("\n## ")[0]
        for function in (*capability.client.values(), *capability.server.values()):
            assert f"| `{signature(function)}` | {function.doc} |" in section
        for field in (*capability.need_fields, *capability.provide_fields, *capability.grant_fields):
            assert f"| `{field.name}` | {field.type}" in section and field.doc in section


def test_errors_events_and_kept_hardware_are_there():
    for name, number in INTERFACES.errors.items():
        assert f"| `{name}` | {number} | {INTERFACES.error_docs[name]} |" in PAGE
    for name, bit in INTERFACES.events.items():
        assert f"| `{name}` | {bit} | {INTERFACES.event_docs[name]} |" in PAGE
    assert "| ports 0xcfa to 0xcff |" in PAGE and "| interrupt line 2 |" in PAGE


def test_tables_are_whole():
    """A table's rows follow each other without an empty line, and each has as many cells as its head."""
    for block in PAGE.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        if rows:
            assert rows == block.strip().splitlines() and len({row.count("|") for row in rows}) == 1 and rows[1].startswith("|---")
