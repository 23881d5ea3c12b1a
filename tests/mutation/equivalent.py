"""Mutants that no test can tell from the original, each with the reason: by module and by the mutant's key.

A reason says why both do the same for every input, not why the difference would not matter.
"""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {
    ("composer/check/imports.py", "_uncovered: looked_up = contract(app, load_interfaces(), module, imports[0].name): 0 is -1"):
        "what is used of the contract, capability and role, depends on the module alone, which all these imports share",
    ("composer/check/imports.py", "_near: near = get_close_matches(name, same, n=1) if same else []: 1 is 2"):
        "matches come with the nearest first, and only the first is used",
    ("composer/check/imports.py", '_near: return f"did you mean `{same[near[0]]}`?" if near else None if same else did_you_mean(module, mine): 0 is -1'):
        "there is at most one match: the first is the last",
    ("composer/check/ports.py", "check_port_widths: if widest // 8 > length:: 8 is 7"):
        "widths are 8, 16 and 32, of which division by 7 and by 8 gives the same whole numbers",
    ("composer/check/ports.py", 'check_port_widths: at(need.spans.get("widths", need.span), f"{widest} bits take {widest // 8} ports"),: 8 is 7'):
        "widths are 8, 16 and 32, of which division by 7 and by 8 gives the same whole numbers",
    ("composer/check/wiring.py", "check_wiring_circles: steps = [wires[step] for step in zip(circle, circle[1:] + circle[:1], strict=True)]: True is False"):
        "a list and the same list turned by one have the same length",
    ("composer/check/operands.py", '_bits: return f"{function.width} bits at " if function.width and function.width > 8 else "": 8 is 9'):
        "widths are 8, 16, 32 and 64: those above 8 are those above 9",
    ("composer/check/operands.py", '_advice: if end <= next(field.max or 0 for field in fields if field.name == "length"):: 0 is 1'):
        "both interfaces that have lengths say how long they can be: what stands for none is not used",
    ("composer/check/operands.py", '_advice: if end <= next(field.max or 0 for field in fields if field.name == "length"):: 0 is -1'):
        "both interfaces that have lengths say how long they can be: what stands for none is not used",
    ("composer/check/operands.py", '_advice: grant = f"grant.{need.capability}.NAME = {{ base = {places[0]:#x} }}": 0 is -1'):
        "there is exactly one place: the first is the last",
    ("composer/check/operands.py", '_advice: return f"correct the offset; a driver of {place} {places[0]:#x} needs a grant for it: `{grant}`": 0 is -1'):
        "there is exactly one place: the first is the last",
    ("composer/check/proof.py", "_bounds: if isinstance(party, Need) and grant:: `and` is `or`"):
        "an operation has a grant exactly where its party is a need",
}
