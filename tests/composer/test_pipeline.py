"""The pipeline from a workspace on disk to an image, and what is answered without starting it.

Whether a stage ran is observed by counting: `stages` holds those that did.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pefile
import pytest

from composer import cache, kernel_build, output, pipeline, recall, stamp
from composer.diagnostics import Severity
from composer.pipeline import Built, Checked, Stage, check_all, compose, every_variant
from composer.render import to_json, to_text
from composer.show import to_data
from composer.tools import ToolFailure
from composer.variant import Variant
from tests.composer.elves import Elf
from tests.composer.workspaces import DRIVER, DRIVER_WAT, PROFILE, WORKSPACE, change, make_workspace


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def kernel(tmp_path, monkeypatch):
    """A made-up kernel in place of the real one, whose build takes minutes."""
    path = tmp_path / "kernel.elf"
    path.write_bytes(Elf().build())
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: path)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """What stands for Munal's own checkout, so that nobody's work on it is taken for a change."""
    home = tmp_path / "home"
    change(home, "composer/pipeline.py", "one")
    change(home, "kernel/src/main.rs", "one")
    change(home, "kernel/interfaces/port.toml", "one")
    monkeypatch.setattr(stamp, "HOME", home)
    monkeypatch.setattr(stamp, "HERE", home / "composer")
    return home


@pytest.fixture
def root(tmp_path):
    return make_workspace(tmp_path / "work")


@pytest.fixture
def stages(monkeypatch):
    """The stages whose results were asked for, in order."""
    ran = []
    read, rest = pipeline._read, pipeline._stages

    def watched_read(root):
        ran.extend((Stage.LOAD, Stage.MODEL))
        return read(root)

    def watched(models, profile, seen):
        for stage, result in rest(models, profile, seen):
            ran.append(stage)
            yield stage, result

    monkeypatch.setattr(pipeline, "_read", watched_read)
    monkeypatch.setattr(pipeline, "_stages", watched)
    return ran


def codes(result):
    return [d.code for d in result.diagnostics if d.severity is Severity.ERROR]


def test_a_workspace_becomes_an_image(root):
    result = compose(root)
    assert result.ok, to_text(result.diagnostics)
    built = result.value
    assert built.image == root / "build" / "main.efi" and built.changed and built.kept is None
    read = pefile.PE(data=built.image.read_bytes())
    assert read.verify_checksum() and built.size == len(built.image.read_bytes()) == sum(built.parts.values())
    assert list(built.modules) == ["app/talker", "app/uart", "glue/com1", "glue/hello"]


def test_two_folders_give_the_same_bytes(root, tmp_path, monkeypatch):
    first = compose(root).value
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "another cache"))
    second = compose(make_workspace(tmp_path / "elsewhere" / "deeper")).value
    assert first.image.read_bytes() == second.image.read_bytes() and first.digest == second.digest


def test_nothing_runs_where_nothing_changed(root, stages):
    first = compose(root)
    stages.clear()
    again = compose(root)
    assert stages == []
    assert again.value == Built(**{**vars_of(first.value), "changed": False})
    assert again.diagnostics == first.diagnostics == ()


def vars_of(value):
    return {name: getattr(value, name) for name in type(value).__slots__}


@pytest.mark.parametrize("name", ["munal.toml", "apps/uart/app.toml", "apps/uart/uart.wat", "profiles/main.toml"])
def test_every_file_of_the_workspace_counts(root, stages, name):
    compose(root)
    stages.clear()
    comment = ";;" if name.endswith(".wat") else "#"
    change(root, name, (root / name).read_text() + f"\n{comment} changed\n")
    assert compose(root).ok and Stage.LINK in stages


def test_a_new_file_counts_and_so_does_one_that_went(root, stages):
    compose(root)
    stages.clear()
    change(root, "profiles/other.toml", PROFILE)
    compose(root)
    assert Stage.LINK in stages
    stages.clear()
    (root / "profiles/other.toml").unlink()
    assert compose(root).value.changed is False, "this very input was answered before"


@pytest.mark.parametrize("name", ["composer/pipeline.py", "kernel/src/main.rs", "kernel/interfaces/port.toml"])
def test_munals_own_source_counts(root, stages, home, name):
    compose(root)
    stages.clear()
    change(home, name, "two")
    compose(root)
    assert Stage.LINK in stages


@pytest.mark.parametrize(("name", "counts"), [("composer/pipeline.py", True), ("kernel/interfaces/port.toml", True), ("kernel/src/main.rs", False)])
def test_a_check_depends_on_the_interfaces_and_not_on_the_kernel(root, stages, home, name, counts):
    compose(root, until=Stage.CHECK)
    stages.clear()
    change(home, name, "two")
    compose(root, until=Stage.CHECK)
    assert (Stage.CHECK in stages) == counts


@pytest.mark.parametrize("what", ["image", "certificate"])
@pytest.mark.parametrize("harm", [lambda p: p.unlink(), lambda p: p.write_bytes(b"other"), lambda p: p.write_bytes(p.read_bytes() + b"\0")])
def test_an_image_that_is_no_longer_what_was_written_is_made_again(root, harm, what):
    built = compose(root).value
    file = getattr(built, what)
    good = file.read_bytes()
    harm(file)
    assert compose(root).value.changed
    assert file.read_bytes() == good


def test_a_check_is_answered_from_its_stamp(root, stages):
    first = compose(root, until=Stage.CHECK)
    assert first.value == Checked("main", 2, 2, ("com1: irq.line",), "main")
    assert Stage.GENERATE not in stages
    stages.clear()
    assert compose(root, until=Stage.CHECK) == first
    assert stages == []


def broken(root):
    change(root, "apps/uart/app.toml", DRIVER.replace('access = "w"', 'access = "r"'))
    change(root, "profiles/main.toml", PROFILE.replace("com1.serial", "com1.serail"))


def test_a_refusal_is_answered_alike_the_second_time(root, stages):
    broken(root)
    first = compose(root, until=Stage.CHECK)
    assert not first.ok and len(codes(first)) >= 2
    stages.clear()
    again = compose(root, until=Stage.CHECK)
    assert stages == []
    assert to_text(again.diagnostics, color=True) == to_text(first.diagnostics, color=True)
    assert to_json(again.diagnostics) == to_json(first.diagnostics)
    assert again.ok is first.ok is False


def test_a_refused_system_is_not_built(root, stages):
    broken(root)
    result = compose(root)
    assert result.value is None and codes(result)
    assert not (root / "build").exists()
    stages.clear()
    assert compose(root).value is None and stages == []


def test_manifests_and_code_are_judged_in_one_run(root):
    """A wrong base in the profile and a write in the code that the manifest does not ask for: both are said."""
    change(root, "apps/uart/app.toml", DRIVER.replace('access = "w"', 'access = "r"'))
    change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x70000"))
    change(root, "profiles/second.toml", PROFILE)
    first, second = compose(root, until=Stage.CHECK), compose(root, "second", Stage.CHECK)
    assert any(code.startswith("M01") for code in codes(first))
    assert any(code.startswith("M03") for code in codes(second))


def test_a_workspace_without_manifest_is_refused(tmp_path):
    for until in (Stage.CHECK, Stage.LINK):
        result = compose(tmp_path, until=until)
        assert not result.ok and codes(result) == ["M0112"]


def test_a_profile_that_does_not_exist_is_named(root):
    result = compose(root, "mian")
    assert codes(result) == ["M0217"] and "main" in (result.diagnostics[0].help or "")


def test_a_workspace_without_default_asks_for_a_name(root):
    change(root, "munal.toml", WORKSPACE.replace('default = "main"\n', ""))
    change(root, "profiles/other.toml", PROFILE)
    assert codes(compose(root, until=Stage.CHECK)) == ["M0217"]
    assert compose(root, "other", Stage.CHECK).value.profile == "other"


def test_an_app_that_does_not_compile_is_a_tools_failure(root):
    change(root, "apps/uart/uart.wat", "(module (func (export \"_start\") (result")
    with pytest.raises(ToolFailure):
        compose(root)


def test_a_manifests_fault_comes_before_a_compilers(root):
    change(root, "apps/uart/uart.wat", "(module (func")
    change(root, "profiles/main.toml", PROFILE.replace("com1.serial", "com1.serail"))
    assert codes(compose(root, until=Stage.CHECK))


def test_a_failure_is_not_remembered(root):
    change(root, "apps/uart/uart.wat", "(module (func")
    with pytest.raises(ToolFailure):
        compose(root)
    with pytest.raises(ToolFailure):
        compose(root)


def test_another_kernel_is_refused_with_its_differences(root, kernel):
    kernel.write_bytes(Elf(abi=b"{}").build())
    result = compose(root)
    assert codes(result) == ["M0401"] and len(result.diagnostics[0].notes) > 3


def test_keep_leaves_what_the_image_was_made_of(root):
    built = compose(root, keep=True).value
    assert built.kept == root / "build" / "main"
    found = sorted(p.relative_to(built.kept).as_posix() for p in built.kept.rglob("*") if p.is_file())
    assert found == ["glue/com1.wat", "glue/hello.wat", "table.json", "wasm/talker.wasm", "wasm/uart.wasm"]
    table = json.loads((built.kept / "table.json").read_text())
    assert [i["name"] for i in table["instances"]] == ["com1", "hello"] and table["streams"][0]["name"] == "com1.serial"
    assert "base 0x3f8 at profiles/main.toml:7:" in (built.kept / "glue/com1.wat").read_text()


def test_keep_replaces_what_an_earlier_run_left(root):
    compose(root, keep=True)
    change(root, "build/main/glue/gone.wat", "old")
    compose(root, keep=True)
    assert not (root / "build/main/glue/gone.wat").exists()
    assert sorted(p.name for p in (root / "build").iterdir()) == ["main", "main.cert.json", "main.efi"]


def test_what_changes_while_a_build_runs_is_not_taken_for_what_it_built(root, stages, monkeypatch):
    """The profile changes between reading and the end: the next run must not believe that it was answered already."""
    real = pipeline._link

    def change_then_link(compiled):
        change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x2f8"))
        return real(compiled)

    monkeypatch.setattr(pipeline, "_link", change_then_link)
    compose(root)
    monkeypatch.setattr(pipeline, "_link", real)
    stages.clear()
    assert compose(root).value.changed and Stage.LINK in stages
    change(root, "profiles/main.toml", PROFILE)
    assert compose(root).value.changed, "the first answer was about neither of the two"


def test_one_changed_line_compiles_one_glue_again(root, monkeypatch):
    from composer import compile as compiler

    compose(root)
    compiled = []
    real = compiler.compile_module
    monkeypatch.setattr(compiler, "compile_module", lambda m: (compiled.append(m), real(m))[1])
    change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x2f8"))
    assert compose(root).ok
    assert len(compiled) == 1 and "glue/com1" in compiled[0]


def test_all_profiles_are_checked_and_said_once(root, stages):
    change(root, "profiles/second.toml", PROFILE)
    change(root, "apps/uart/app.toml", DRIVER.replace('access = "w"', 'access = "r"'))
    result = check_all(root)
    assert [c.profile for c in result.value] == ["main", "second"] and not result.ok
    assert stages.count(Stage.LOAD) == 1 and stages.count(Stage.CHECK) == 2
    assert len(result.diagnostics) == len({to_text([d]) for d in result.diagnostics})
    stages.clear()
    again = check_all(root)
    assert stages == []
    assert again.value == result.value and to_text(again.diagnostics) == to_text(result.diagnostics)


def test_checking_all_profiles_of_no_workspace_is_refused(tmp_path):
    result = check_all(tmp_path)
    assert not result.ok and codes(result) == ["M0112"]


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.LINK])
def test_every_stages_value_can_be_shown(root, stage):
    value = compose(root, until=stage).value
    data = to_data(value, root)
    assert json.loads(json.dumps(data)) == data
    assert str(root) not in json.dumps(data)


def test_what_is_shown_is_what_a_person_looks_for(root):
    shown = {stage: to_data(compose(root, until=stage).value, root) for stage in Stage}
    assert shown[Stage.LOAD]["workspace"]["content"]["workspace"]["name"] == "small"
    com1 = shown[Stage.RESOLVE]["instances"][0]
    assert com1["app"] == "uart" and com1["grants"][0]["value"] == {"base": 0x3F8}
    assert com1["grants"][0]["at"].startswith("profiles/main.toml:")
    assert shown[Stage.RESOLVE]["wires"][0]["from"] == "com1.serial"
    assert shown[Stage.GENERATE]["layout"]["streams"][0]["name"] == "com1.serial"
    assert shown[Stage.GENERATE]["glue"]["com1"].startswith("(module")
    assert set(shown[Stage.COMPILE]["modules"]["glue/com1"]) == {"length", "sha256"}
    assert shown[Stage.LINK]["image"] == "build/main.efi"


def test_what_no_stage_gives_is_not_shown(root):
    with pytest.raises(TypeError):
        to_data(object(), root)


def test_an_image_that_cannot_be_written_is_said(root):
    change(root, "build", "a file where the folder should be")
    with pytest.raises(ToolFailure, match="cannot write"):
        compose(root)
    with pytest.raises(ToolFailure, match="cannot write"):
        compose(root, keep=True)


def test_sources_outside_of_the_workspaces_own_folders_count(root, stages):
    """An app whose folder is a link to one that no pattern finds."""
    shutil.move(root / "apps/uart", root / "shared")
    (root / "apps/uart").symlink_to(root / "shared", target_is_directory=True)
    assert compose(root, until=Stage.CHECK).ok
    stages.clear()
    assert compose(root, until=Stage.CHECK).ok and stages == []
    change(root, "shared/uart.wat", DRIVER_WAT.replace("i32.const 3", "i32.const 9"))
    assert codes(compose(root, until=Stage.CHECK)) and Stage.CHECK in stages


def test_a_damaged_stamp_is_no_answer(root, stages):
    compose(root, until=Stage.CHECK)
    stages.clear()
    for path in (cache.root() / "objects").iterdir():
        path.write_bytes(b"{}")
    assert compose(root, until=Stage.CHECK).ok and Stage.CHECK in stages


def test_output_is_found_again_only_if_it_is_the_same(root):
    built = compose(root).value
    kept = output.plain(built)
    assert json.loads(json.dumps(kept)) == kept
    inputs = stamp.Inputs(root, builds=True)
    assert output.found_again(inputs, kept).digest == built.digest
    assert output.found_again(inputs, {**kept, "name": "other"}) is None
    built.image.write_bytes(b"another")
    assert output.found_again(stamp.Inputs(root, builds=True), kept) is None


def test_an_answer_found_again_depends_on_the_image_and_on_all_that_it_was_made_from(root):
    image = compose(root).value.image
    recall.RUN.start(None)
    assert compose(root).value.changed is False
    looked = {Path(name) for looks in recall.RUN.looks for name in looks}
    assert looked >= {image, root / "munal.toml", root / "apps", root / "apps/uart/uart.wat", root / "profiles/main.toml", stamp.HERE / "pipeline.py"}


def test_an_answer_held_against_a_lock_is_never_kept_to_be_said_again(root):
    compose(root)
    recall.RUN.start(b"question")
    compose(root, locked=True)
    assert recall.RUN.question is None


def test_an_app_of_several_variants_is_built_and_inspected_once(root, monkeypatch):
    from composer import inspect

    looked = []
    real = inspect.inspect_app
    monkeypatch.setattr(inspect, "inspect_app", lambda app, file: looked.append(app.name) or real(app, file))
    change(root, "profiles/second.toml", '[profile]\nextends = ["main"]\n')
    checked = check_all(root)
    assert [c.profile for c in checked.value] == ["main", "second"] and len({(c.apps, c.instances) for c in checked.value}) == 1
    assert sorted(looked) == sorted(set(looked)) != []


TARGETS = '\n[target.q35]\n\n[target.pc]\nmachine = "pc"\n'


def test_another_targets_image_has_its_own_name_and_machine(root):
    change(root, "munal.toml", WORKSPACE.replace('default = "main"', 'default = "main"\ntarget = "q35"') + TARGETS)
    built = {target: compose(root, Variant("main", target)).value for target in (None, "q35", "pc")}
    assert [made.image.name for made in built.values()] == ["main.efi", "main.efi", "main@pc.efi"]
    assert [made.machine for made in built.values()] == ["q35", "q35", "pc"]
    assert built[None].profile == built["pc"].profile == "main"
    again = compose(root, Variant("main", "pc")).value
    assert (again.name, again.machine, again.changed) == ("main@pc", "pc", False)


def test_all_variants_are_checked_but_those_that_only_stand_with_settings(root):
    change(root, "munal.toml", WORKSPACE.replace('default = "main"', 'default = "main"\ntarget = "q35"') + TARGETS)
    change(root, "profiles/main.toml", '[param.port]\ntype = "integer"\n' + PROFILE.replace("0x3f8", '"${port}"') + "\n[target.pc]\nset = { port = 0x3f8 }\n")
    for _ in range(2):
        checked = check_all(root)
        assert checked.ok and [(c.name, c.unset) for c in checked.value] == [("main@q35", ("port",)), ("main@pc", ())]
    assert every_variant(root) == (Variant("main", "pc"),)
    assert codes(compose(root, Variant("main", "q35"), Stage.CHECK)) == ["M0222"]
