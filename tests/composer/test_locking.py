"""`munal lock` and --locked over a workspace on disk, with a made-up kernel: what is written, and what drift is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from composer import kernel_build, locking, origin, pipeline, toolchain
from composer.cli.build import build, check
from composer.cli.images import lock as lock_command
from composer.lock import FILE
from composer.pipeline import Stage, compose
from composer.variant import Variant
from tests.composer.elves import Elf, Part
from tests.composer.workspaces import DRIVER_WAT, PROFILE, WORKSPACE, change, make_workspace

OTHER_PROFILE = PROFILE.replace("0x3f8", "0x2f8")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def kernel(tmp_path, monkeypatch):
    path = tmp_path / "kernel.elf"
    path.write_bytes(Elf().build())
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: path)
    return path


@pytest.fixture(autouse=True)
def composer(monkeypatch):
    """Stands for this composer, whose own text others may be editing just now."""
    made = [origin.Composer("0.1.0", "a" * 64)]
    monkeypatch.setattr(origin, "composer", lambda: made[0])
    return made


@pytest.fixture
def root(tmp_path):
    return make_workspace(tmp_path / "work")


def update(root, *words):
    named = tuple(Variant(word) for word in words)
    result = locking.update(root, named, pipeline.every_variant(root), compose)
    assert result.ok, result.diagnostics
    return result.value


def codes(result):
    return [d.code for d in result.diagnostics if d.severity.value == "error"]


@pytest.fixture
def locked(root):
    update(root)
    return root


STAGES = (Stage.CHECK, Stage.GENERATE, Stage.LINK)


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_as_locked_is_composed(locked, stage):
    before = (locked / FILE).read_bytes()
    first, second = (compose(locked, "main", stage, locked=True) for _ in range(2))
    assert first.ok and second.ok and (locked / FILE).read_bytes() == before


@pytest.mark.parametrize("stage", STAGES)
def test_without_a_lock_nothing_is_composed(root, stage):
    result = compose(root, "main", stage, locked=True)
    assert codes(result) == ["M0501"] and not result.ok and not (root / FILE).exists()


@pytest.mark.parametrize("stage", STAGES)
def test_an_app_that_changed_is_refused_by_name(locked, stage):
    image = (locked / "build/main.efi").read_bytes()
    change(locked, "apps/uart/uart.wat", DRIVER_WAT.replace("(i32.const 3)", "(i32.const 4)"))
    result = compose(locked, "main", stage, locked=True)
    assert codes(result) == ["M0505"] and "app `uart`" in result.diagnostics[-1].message
    assert (locked / "build/main.efi").read_bytes() == image, "what is refused is not written"


@pytest.mark.parametrize("stage", STAGES)
def test_another_composer_is_refused_before_anything_is_built(locked, stage, composer, monkeypatch):
    composer[0] = dataclasses.replace(composer[0], version="0.1.1")
    change(locked, "profiles/main.toml", OTHER_PROFILE)
    monkeypatch.setattr(pipeline, "_inspect", lambda system: pytest.fail("something was built"))
    assert codes(compose(locked, "main", stage, locked=True)) == ["M0503"]


def test_another_compiler_is_refused_before_anything_is_built(locked, monkeypatch):
    change(locked, "profiles/main.toml", OTHER_PROFILE)
    real = origin.tool
    monkeypatch.setattr(origin, "tool", lambda name: "49.0.1" if name == origin.WASMTIME else real(name))
    monkeypatch.setattr(pipeline, "_inspect", lambda system: pytest.fail("something was built"))
    result = compose(locked, "main", locked=True)
    assert codes(result) == ["M0504"] and "48.0.0 became 49.0.1" in result.diagnostics[0].message


def test_a_manifest_that_decides_otherwise_makes_another_image(locked):
    change(locked, "profiles/main.toml", OTHER_PROFILE)
    assert codes(compose(locked, "main", locked=True)) == ["M0507"]
    assert compose(locked, "main", Stage.CHECK, locked=True).ok, "no image is made, and apps and compilers are the locked ones"


def test_another_kernel_is_refused_by_its_digest(locked, kernel, monkeypatch):
    kernel.write_bytes(Elf(extra=[Part(0x9000, b"more", 4)]).build())
    change(locked, "profiles/main.toml", PROFILE + "\n")
    assert codes(compose(locked, "main", locked=True)) == ["M0506"]


def test_a_lock_that_was_edited_is_noticed_by_an_unchanged_build(locked):
    text = (locked / FILE).read_text()
    image = locking.read_image((locked / "build/main.efi").read_bytes()).value.sha256
    (locked / FILE).write_text(text.replace(image, "f" * 64))
    assert codes(compose(locked, "main", locked=True)) == ["M0507"]
    (locked / FILE).write_text(text)
    assert compose(locked, "main", locked=True).ok


def test_a_variant_that_is_not_locked_is_refused(locked):
    change(locked, "profiles/other.toml", PROFILE)
    assert [codes(compose(locked, "other", stage, locked=True)) for stage in STAGES] == [["M0508"]] * 3


def test_a_build_without_the_flag_leaves_the_lock_alone(locked):
    before = (locked / FILE).read_bytes()
    change(locked, "profiles/main.toml", OTHER_PROFILE)
    assert compose(locked, "main").ok and (locked / FILE).read_bytes() == before


def test_locking_again_changes_nothing_and_says_so(locked):
    again = update(locked)
    assert not again.changed and again.changes == () and again.variants == ("main",)


def test_the_difference_is_told_fact_by_fact(locked):
    change(locked, "apps/uart/uart.wat", DRIVER_WAT.replace("(i32.const 3)", "(i32.const 4)"))
    changes = update(locked).changes
    assert [line.split(": ")[:2] for line in changes] == [["main", "app uart"], ["main", "image"]]
    assert compose(locked, "main", locked=True).ok


def test_one_profile_is_locked_and_the_others_stay(locked):
    change(locked, "profiles/other.toml", OTHER_PROFILE)
    made = update(locked, "other")
    assert made.variants == ("main", "other") and {line.split(":")[0] for line in made.changes} == {"other"}


def test_where_the_kernel_changed_every_locked_variant_is_locked_again(locked, kernel):
    change(locked, "profiles/other.toml", OTHER_PROFILE)
    update(locked, "other")
    kernel.write_bytes(Elf(extra=[Part(0x9000, b"more", 4)]).build())
    for name in ("main", "other"):
        change(locked, f"profiles/{name}.toml", (locked / f"profiles/{name}.toml").read_text() + "\n")
    update(locked, "main")
    assert compose(locked, "other", locked=True).ok and compose(locked, "main", locked=True).ok


def test_a_profile_that_is_gone_leaves_the_lock(locked):
    change(locked, "profiles/other.toml", PROFILE)
    update(locked)
    (locked / "profiles/other.toml").unlink()
    assert any(line.startswith("other: image: no longer there") for line in update(locked).changes)
    assert "other" not in (locked / FILE).read_text()


def test_a_lock_of_a_newer_composer_is_not_overwritten(locked):
    text = (locked / FILE).read_text().replace("schema = 1", "schema = 9")
    (locked / FILE).write_text(text)
    result = locking.update(locked, (), pipeline.every_variant(locked), compose)
    assert codes(result) == ["M0502"] and (locked / FILE).read_text() == text


def test_a_profile_that_is_refused_locks_nothing(locked):
    before = (locked / FILE).read_bytes()
    change(locked, "profiles/other.toml", PROFILE.replace("com1.serial", "com9.serial"))
    result = locking.update(locked, (), pipeline.every_variant(locked), compose)
    assert not result.ok and (locked / FILE).read_bytes() == before


def test_the_record_names_what_took_part_and_nothing_of_this_machine(locked):
    made = locking.read_image((locked / "build/main.efi").read_bytes()).value.origin
    assert sorted(made["wasm"]) == ["talker", "uart"] and made["toolchain"]["wasmtime"] == "48.0.0"
    assert "zig" not in made["toolchain"] and "rustc of apps" not in made["toolchain"]
    assert str(locked) not in json.dumps(made)
    rust = toolchain.find_rust(kernel=True)
    assert rust is None or made["toolchain"]["rustc of the kernel"] == rust.words


@pytest.fixture
def command(locked, monkeypatch, capsys):
    """Run a command in the workspace; gives its status and output."""
    monkeypatch.chdir(locked)

    def run(which, *words):
        status = which.main(list(words), standalone_mode=False)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_the_commands_say_what_they_did(command, locked):
    assert command(lock_command) == (0, "munal.lock: main  (unchanged)\n", "")
    assert command(check, "--locked")[0] == 0 and command(build, "--locked", "main")[0] == 0
    change(locked, "apps/uart/uart.wat", DRIVER_WAT.replace("(i32.const 3)", "(i32.const 4)"))
    status, out, _ = command(check, "--locked")
    assert status == 1 and "error[M0505]: the wasm of app `uart` is another than the locked one" in out and "munal.lock:" in out
    status, _, err = command(build, "--locked")
    assert status == 1 and "error[M0505]" in err
    status, out, _ = command(lock_command, "--format", "json")
    assert status == 0 and [c.split(": ")[1] for c in json.loads(out)["lock"]["changes"]] == ["app uart", "image"]
    (locked / FILE).write_text("schema = ")
    assert command(lock_command)[0] == 1
    status, out, _ = command(lock_command, "--format", "json")
    assert status == 1 and json.loads(out)["diagnostics"][0]["code"] == "M0101"


def test_a_target_and_settings_are_locked_under_the_words_that_name_them(root):
    change(root, "munal.toml", WORKSPACE + 'target = "one"\n\n[target.one]\nmachine = "q35"\n\n[target.two]\nmachine = "pc"\n')
    change(root, "profiles/main.toml", PROFILE.replace("0x3f8", '"${port}"') + '\n[param.port]\ntype = "integer"\ndefault = 0x3f8\n')
    asked = Variant("main", "two", (("port", "0x2f8"),))
    made = locking.update(root, (asked,), (), compose)
    assert made.ok, made.diagnostics
    assert made.value.variants == ("main@two -D port=0x2f8",)
    assert compose(root, asked, locked=True).ok
    assert codes(compose(root, Variant("main", "two"), locked=True)) == ["M0508"]
    again = update(root)
    assert "main@two -D port=0x2f8" in again.variants and {"main@one", "main@two"} & set(again.variants)
    assert all(compose(root, variant, locked=True).ok for variant in (asked, *pipeline.every_variant(root)))
