"""What `munal tighten` takes away: all that a binary never reaches, from every manifest, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.check import check
from composer.diagnostics import Severity
from composer.load import load
from composer.model import model
from composer.proof import prove
from composer.resolve import resolve
from composer.tighten import Tightened, tighten, write
from composer.tools import ToolFailure
from composer.variant import Variant
from composer.wasm.facts import AppFacts
from composer.wasm.gather import gather
from tests.composer.manifests import WORKSPACE
from tests.composer.wasm.encode import wat

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SURPLUS = {"M0320", "M0321"}

APP = """\
# A driver.

[app]
name = "uart"
kind = "driver"
build.wat = "uart.wat"

# Where its registers are.
[needs.port.regs]       # by the data sheet
length = 8              # all of them
access = "rw"
widths = [8, 16]

[needs.irq.line]        # not yet
optional = true

[limits]
memory = "512 KiB"
"""
CODE = """(module
  (import "munal:port/regs" "read8" (func $read8 (param i32) (result i32)))
  (func (export "_start") (drop (call $read8 (i32.const 5)))))
"""
BASE = """\
[instance.com1]
app = "uart"
grant.port.regs = { base = 0x3f8 }
grant.irq.line = { isa = 4 }    # the first one's

[instance.com2]
app = "uart"
grant = { port = { regs = { base = 0x2f8 } }, irq = { line = false } }
"""
CHILD = """\
[profile]
extends = ["base"]
remove = ["instance.com1.grant.irq.line", "instance.com2"]
"""
FILES = {"munal.toml": WORKSPACE.replace("main", "base"), "apps/uart/app.toml": APP, "apps/uart/uart.wat": CODE,
         "profiles/base.toml": BASE, "profiles/child.toml": CHILD}


def lay(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def facts_in(root: Path) -> dict[str, AppFacts]:
    """By app, as `inspect` would find them with their code read."""
    found = {}
    for folder in sorted(path.parent for path in root.glob("apps/*/app.toml")):
        for file in folder.glob("*.w*"):
            data = wat(file.read_text()) if file.suffix == ".wat" else file.read_bytes()
            found[folder.name] = gather(folder.name, f"{folder.name}.wasm", data, traced=True)
    return found


def systems(root: Path, facts: dict[str, AppFacts]):
    """By profile, the system and everything that is said of it."""
    models = load(root).then(model)
    for profile in models.value.profiles:
        result = models.then(resolve, profile)
        yield result.value, (*result.diagnostics, *(check(result.value, facts) if result.value else ()))


def tightened(root: Path, facts: dict[str, AppFacts]) -> Tightened:
    loaded = load(root)
    return tighten(loaded.value, map(Variant, loaded.then(model).value.profiles), facts)


def codes(root: Path, facts: dict[str, AppFacts], severity: Severity) -> set[str]:
    return {d.code for _, said in systems(root, facts) for d in said if d.severity is severity}


def reached(root: Path, facts: dict[str, AppFacts]):
    """What every instance of every profile can reach, by its binary."""
    return [(s.profile, p.instance.name, [(o.name, o.verdict, o.reach) for o in p.operations]) for s, _ in systems(root, facts) for p in prove(s, facts)]


def test_needs_shrink_and_go_with_their_grants_in_every_profile(tmp_path):
    root = lay(tmp_path, FILES)
    found = tightened(root, facts_in(root))
    after = {change.path: change.after for change in found.changes}
    assert found.left == ()
    assert after == {
        "apps/uart/app.toml": APP.replace("length = 8 ", "length = 6 ").replace('"rw"', '"r"').replace("[8, 16]", "[8]").replace(
            "[needs.irq.line]        # not yet\noptional = true\n\n", ""),
        "profiles/base.toml": BASE.replace("grant.irq.line = { isa = 4 }    # the first one's\n", "").replace("{ line = false }", "{}"),
        "profiles/child.toml": CHILD.replace('"instance.com1.grant.irq.line", ', ""),
    }


def test_the_diff_is_unified_and_names_files_as_patch_takes_them(tmp_path):
    root = lay(tmp_path, {**FILES, "profiles/child.toml": CHILD.rstrip("\n")})
    shown = {change.path: change.diff for change in tightened(root, facts_in(root)).changes}
    assert shown["apps/uart/app.toml"].startswith("--- a/apps/uart/app.toml\n+++ b/apps/uart/app.toml\n@@ ")
    assert "\n-length = 8 " in shown["apps/uart/app.toml"] and "\n+length = 6 " in shown["apps/uart/app.toml"]
    assert shown["profiles/child.toml"].count("\\ No newline at end of file") == 2


def test_another_app_with_a_need_of_that_name_keeps_its_grants(tmp_path):
    other = {"apps/other/app.toml": APP.replace('"uart"', '"other"').replace("uart.wat", "other.wat"),
             "apps/other/other.wat": CODE.replace("(module", '(module (import "munal:irq/line" "acknowledge" (func $ack))').replace(
                 "(drop (call", "(call $ack) (drop (call"),
             "profiles/other.toml": BASE.replace('"uart"', '"other"')}
    root = lay(tmp_path, {**FILES, **other})
    after = {change.path: change.after for change in tightened(root, facts_in(root)).changes}
    assert "profiles/other.toml" not in after and "needs.irq.line" in after["apps/other/app.toml"]
    assert "needs.irq.line" not in after["apps/uart/app.toml"]


def test_what_one_name_means_in_two_profiles_is_left_alone_and_said(tmp_path):
    """A child makes another app of `com1`, which does use the need: its parent's grant is the child's, too."""
    other = {"apps/other/app.toml": APP.replace('"uart"', '"other"').replace("uart.wat", "other.wat").replace("optional = true", ""),
             "apps/other/other.wat": CODE.replace("(module", '(module (import "munal:irq/line" "acknowledge" (func $ack))').replace(
                 "(drop (call", "(call $ack) (drop (call"),
             "profiles/child.toml": '[profile]\nextends = ["base"]\n\n[instance.com1]\napp = "other"\n'}
    root = lay(tmp_path, {**FILES, **other})
    facts = facts_in(root)
    assert codes(root, facts, Severity.ERROR) == set()
    found = tightened(root, facts)
    assert len(found.left) == 1 and found.left[0].startswith("`irq.line` of `uart` could be less, but then: M0207")
    assert "irq.line" in BASE and all("irq.line" not in change.diff for change in found.changes if change.path == "profiles/base.toml")


def test_a_manifest_that_changed_meanwhile_is_not_overwritten(tmp_path):
    root = lay(tmp_path, FILES)
    found = tightened(root, facts_in(root))
    (root / "profiles/base.toml").write_text(BASE + "# a word\n")
    with pytest.raises(ToolFailure, match="changed meanwhile"):
        write(root, found.changes)
    assert (root / "apps/uart/app.toml").read_text() == APP


def test_writing_keeps_who_may_read(tmp_path):
    root = lay(tmp_path, FILES)
    (root / "apps/uart/app.toml").chmod(0o640)
    write(root, tightened(root, facts_in(root)).changes)
    assert (root / "apps/uart/app.toml").stat().st_mode & 0o777 == 0o640


def settles(root: Path) -> None:
    """After one tightening: no surplus, no new error, nothing less that code can reach, and nothing more to do."""
    facts = facts_in(root)
    before, errors = reached(root, facts), codes(root, facts, Severity.ERROR)
    found = tightened(root, facts)
    write(root, found.changes)
    assert found.left == ()
    assert not SURPLUS & codes(root, facts, Severity.WARNING)
    assert codes(root, facts, Severity.ERROR) == errors
    assert reached(root, facts) == before
    assert tightened(root, facts) == Tightened(())


WITH_SURPLUS = sorted(path.parent.name for path in FIXTURES.glob("*/expected.txt")
                      if any(code in path.read_text(encoding="utf-8") for code in SURPLUS))


@pytest.mark.parametrize("name", WITH_SURPLUS)
def test_every_fixture_with_surplus_settles(name, tmp_path):
    shutil.copytree(FIXTURES / name, tmp_path / "work")
    settles(tmp_path / "work")


def test_there_are_fixtures_with_surplus():
    assert len(WITH_SURPLUS) >= 2


# Any workspace at all

FUNCTIONS = {("port", "read8"): ("r", 8), ("port", "read16"): ("r", 16), ("port", "write8"): ("w", 8), ("port", "write16"): ("w", 16)}
SIGNATURES = {"read8": "(param i32) (result i32)", "read16": "(param i32) (result i32)", "write8": "(param i32 i32)", "write16": "(param i32 i32)",
              "now": "(result i64)", "write": "(param i32 i32)", "acknowledge": ""}


def made_up(random: Random) -> dict[str, str]:
    """Apps that use some of what they ask for, and profiles that grant it in several ways."""
    files = {"munal.toml": WORKSPACE.replace("default = \"main\"\n", "")}
    needs = {name: [_need(random, number) for number in range(random.randint(0, 4))] for name in ("one", "two")}
    for name, listed in needs.items():
        files[f"apps/{name}/app.toml"] = _app(random, name, listed)
        files[f"apps/{name}/{name}.wat"] = _code(listed)
    base = {f"{name}-{number}": name for name in needs for number in range(random.randint(1, 2))}
    ports = iter(range(0x1000, 0xF000, 0x40))
    files["profiles/base.toml"] = "".join(_instance(random, instance, name, needs[name], ports) for instance, name in base.items())
    again = "".join(_instance(random, instance, None, needs[name], ports) for instance, name in base.items() if random.random() < 0.5)
    files["profiles/main.toml"] = f'[profile]\nextends = ["base"]\n\n{again}'
    return files


def _need(random: Random, number: int) -> dict:
    kind = random.choice(("port", "port", "clock", "log", "irq"))
    made = {"kind": kind, "name": f"n{number}", "optional": kind in ("port", "irq") and random.random() < 0.3, "used": random.random() < 0.6, "calls": []}
    if kind == "port":
        made |= {"length": random.choice((2, 4, 8, 16)), "access": random.choice(("r", "w", "rw", None)), "widths": random.choice(([8], [16], [8, 16], [16, 8]))}
        fitting = [(f, w) for (_, f), (a, w) in FUNCTIONS.items() if a in (made["access"] or "rw") and w in made["widths"]]
        for function, width in random.sample(fitting, random.randint(1, len(fitting))) if made["used"] else ():
            offsets = [random.randint(0, made["length"] - width // 8) for _ in range(random.randint(1, 3))]
            made["calls"].append((function, [None] if random.random() < 0.15 else offsets))
    elif made["used"]:
        made["calls"].append(({"clock": "now", "log": "write", "irq": "acknowledge"}[kind], [0]))
    return made


def _app(random: Random, name: str, needs: list[dict]) -> str:
    text = f'# The app {name}.\n\n[app]\nname = "{name}"\nkind = "driver"\nbuild.wat = "{name}.wat"\n'
    for need in needs:
        pairs = {key: need[key] for key in ("length", "access", "widths") if need.get(key) is not None}
        pairs |= {"optional": "true"} if need["optional"] else {}
        written = [f"{key} = {value if key != 'access' else chr(34) + value + chr(34)}" for key, value in pairs.items()]
        random.shuffle(written)
        noise = random.choice(("", "# about it\n"))
        text += f"\n{noise}[needs.{need['kind']}.{need['name']}]   # need\n" + "".join(f"{line}  # why\n" for line in written)
    return text


def _code(needs: list[dict]) -> str:
    imports, body = [], []
    for need in needs:
        for function, operands in need["calls"]:
            label = f"${need['name']}.{function}"
            imports.append(f'(import "munal:{need["kind"]}/{need["name"]}" "{function}" (func {label} {SIGNATURES[function]}))')
            for operand in operands:
                at = "(i32.load (i32.const 0))" if operand is None else f"(i32.const {operand})"
                arguments = {"read": at, "writ": f"{at} (i32.const 0)"}.get(function[:4], "") if need["kind"] == "port" else \
                    "(i32.const 0) (i32.const 0)" if function == "write" else ""
                call = f"(call {label} {arguments})"
                body.append(f"(drop {call})" if "result" in SIGNATURES[function] else call)
    return f'(module {" ".join(imports)} (memory (export "memory") 1) (func (export "_start") {" ".join(body)}))'


def _instance(random: Random, instance: str, app: str | None, needs: list[dict], ports) -> str:
    """With an app, all that has to be granted; without, only changes to what a parent granted."""
    lines = [f"[instance.{instance}]"] + ([f'app = "{app}"'] if app else [])
    for need in needs:
        if (app and need["optional"] and random.random() < 0.5) or (not app and random.random() < 0.5):
            continue
        value = {"port": f"{{ base = {next(ports):#x} }}", "irq": f"{{ gsi = {next(ports) // 0x40 % 200 + 20} }}"}.get(need["kind"], random.choice(("true", "{}")))
        lines.append(f"grant.{need['kind']}.{need['name']} = {value}  # granted")
    return "\n".join(lines) + "\n\n"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_workspace_settles(seed):
    with TemporaryDirectory() as folder:
        settles(lay(Path(folder), made_up(Random(seed))))


def test_the_made_up_workspaces_have_surplus(tmp_path):
    some = [lay(tmp_path / str(seed), made_up(Random(seed))) for seed in range(12)]
    assert sum(bool(tightened(root, facts_in(root)).changes) for root in some) >= 6
