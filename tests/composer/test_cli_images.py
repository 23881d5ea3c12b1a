"""inspect, verify and rebuild, as a person meets them: over a small workspace on disk with a made-up kernel."""

from __future__ import annotations

import json
import re

import click
import pytest

from composer import kernel_build, origin, pipeline
from composer.cli.images import inspect_command, lock, rebuild, verify
from composer.image import read_image
from composer.interfaces import load_interfaces
from tests.composer.elves import READ, Elf, Part
from tests.composer.workspaces import DRIVER_WAT, PROFILE, change, make_workspace


def elf(more=b""):
    """A kernel with its ABI where a checker looks for it: in what is loaded."""
    return Elf(extra=[Part(0x8000, load_interfaces().abi + more, READ)]).build()


@pytest.fixture(autouse=True)
def kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "kernel.elf"
    path.write_bytes(elf())
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: path)
    return path


@pytest.fixture(autouse=True)
def composer(monkeypatch):
    """Stands for this composer, whose own text others may be editing just now."""
    made = [origin.Composer("0.1.0", "a" * 64)]
    monkeypatch.setattr(origin, "composer", lambda: made[0])
    return made


@pytest.fixture
def root(tmp_path, monkeypatch):
    made = make_workspace(tmp_path / "work")
    assert pipeline.compose(made, "main").ok
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def run(root, capsys):
    """Run a command in the workspace; gives its status and output."""

    def command(which, *words):
        status = which.main(list(words), standalone_mode=False)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def damage(root, place):
    """Change one byte of a module in the image."""
    path = root / "build/main.efi"
    data = bytearray(path.read_bytes())
    view = read_image(bytes(data)).value
    section = next(s for s in view.sections if s.name == ".munal")
    data[section.offset + view.table["modules"][place]["offset"] + 3] ^= 1
    path.write_bytes(data)
    return view.table["modules"][place]["name"]


def test_inspect_tells_what_an_image_holds_and_may_do(run, root):
    status, out, err = run(inspect_command, "build/main.efi")
    assert status == 0 and err == ""
    assert out.startswith("small 1.2.3, main\n")
    assert "\ncom1: driver uart\n    port regs: 0x3f8..0x3ff, write, 8 bits\n    stream serial: serves hello, read\n    memory: at most 512 KiB\n" in out
    assert "\nwires\n    com1.serial  stream between com1 and hello, 4 KiB each way\n" in out
    assert re.search(r"\n    wasmtime +48\.0\.0\n", out) and re.search(r"\n    emergency port +none\n", out)
    assert re.search(r"\n    app/talker +[\d,]+  sha256 [0-9a-f]{64}\n", out)


def test_inspect_finds_an_image_by_the_variant_that_was_built(run):
    assert run(inspect_command, "main") == run(inspect_command, "build/main.efi")


def test_inspect_gives_the_same_as_data(run, root):
    status, out, _ = run(inspect_command, "main", "--format", "json")
    data = json.loads(out)
    image = data["image"]
    assert status == 0 and data["ok"] and data["diagnostics"] == []
    assert image["sha256"] == read_image((root / "build/main.efi").read_bytes()).value.sha256
    assert sum(image["parts"].values()) == image["size"] == (root / "build/main.efi").stat().st_size
    assert image["wires"] == [{"name": "com1.serial", "kind": "stream", "server": "com1", "clients": ["hello"], "capacity": 4096}]
    assert [i["name"] for i in image["instances"]] == ["com1", "hello"] and sorted(image["wasm"]) == ["talker", "uart"]


def test_inspect_shows_a_damaged_image_and_says_so(run, root):
    name = damage(root, 0)
    status, out, err = run(inspect_command, "main")
    assert status == 1 and out.startswith("small 1.2.3, main\n") and f"error[M0512]: module `{name}`" in err
    status, out, _ = run(inspect_command, "main", "--format", "json")
    assert status == 1 and not json.loads(out)["ok"] and json.loads(out)["image"]["name"] == "small"


def test_what_is_no_image_is_refused_in_words(run, root):
    (root / "notes.efi").write_text("not an image")
    for command in (inspect_command, rebuild):
        status, out, err = run(command, "notes.efi")
        assert (status, out) == (1, "") and err.startswith("error[M0510]: the file is no PE file")
    status, out, _ = run(verify, "notes.efi")
    assert status == 1 and out.startswith("FAILED  image  the file is no PE file")


@pytest.mark.parametrize(("word", "says"), [("mian", "did you mean `main`?"), ("build/mainn.efi", "did you mean `main`?"),
                                            ("zzz", "name a file, or a variant"), ("build", "`build` is no file")])
def test_an_image_that_is_not_there_is_wrong_usage(run, word, says):
    with pytest.raises(click.UsageError, match=re.escape(says)):
        run(inspect_command, word)


def test_a_file_larger_than_any_image_is_not_read(run, root):
    with open(root / "huge.efi", "wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(click.UsageError, match="larger than any image"):
        run(inspect_command, "huge.efi")


def failed(out):
    return [line.split()[1] for line in out.splitlines() if line.startswith("FAILED")]


def test_verify_says_one_line_a_check(run):
    status, out, err = run(verify, "main")
    assert (status, err, failed(out)) == (0, "", []), out
    assert {line.split()[1] for line in out.splitlines()[:-1]} >= {"image", "checksum", "rights", "contents", "interfaces", "origin", "DMA", "emergency"}
    assert out.endswith("build/main.efi: verified\n")


def test_verify_names_what_does_not_hold(run, root):
    name = damage(root, 1)
    status, out, _ = run(verify, "main")
    assert status == 1 and {"checksum", "contents"} <= set(failed(out)) and f"module `{name}`" in out
    status, out, _ = run(verify, "main", "--format", "json")
    data = json.loads(out)
    assert status == 1 and not data["ok"] and [c["ok"] for c in data["checks"] if c["name"] == "contents"] == [False]


def test_verify_wants_the_certificate_beside_the_image(run, root):
    (root / "build/main.cert.json").unlink()
    status, out, _ = run(verify, "main")
    assert status == 1 and failed(out) == ["certificate"]


def test_verify_compares_the_lock_of_the_same_workspace(run, root):
    assert run(lock)[0] == 0
    assert re.search(r"^ok +lock +the image that `munal.lock` holds$", run(verify, "main")[1], re.M)
    change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x2f8"))
    assert pipeline.compose(root, "main").ok
    status, out, _ = run(verify, "main")
    assert status == 1 and failed(out) == ["lock"]
    change(root, "munal.toml", (root / "munal.toml").read_text().replace('"small"', '"other"'))
    assert run(verify, "main")[0] == 0, "another workspace's lock says nothing about this image"
    change(root, "munal.toml", (root / "munal.toml").read_text().replace('"other"', '"small"'))
    (root / "munal.lock").write_text("schema = ")
    assert failed(run(verify, "main")[1]) == ["lock"]


def test_verify_notices_other_interfaces_and_a_record_that_lies(run, root, monkeypatch):
    monkeypatch.setattr(origin, "make", lambda system, kernel, wasm: origin.Origin(origin.composer(), "0" * 64, "other", None))
    change(root, "profiles/main.toml", PROFILE + "\n")
    assert pipeline.compose(root, "main").ok
    status, out, _ = run(verify, "main")
    assert status == 1 and failed(out) == ["origin"] and "profile `other`" in out


def test_an_image_is_made_again_byte_for_byte(run, root):
    before = {path: path.read_bytes() for path in (root / "build").iterdir()}
    status, out, err = run(rebuild, "main")
    assert (status, err) == (0, "") and out.startswith("build/main.efi: made again from main, byte for byte: sha256 ")
    assert {path: path.read_bytes() for path in (root / "build").iterdir()} == before, "nothing is written"


REASONS = {
    "another composer: it was 0.1.0 (aaaaaaaaaaaa), and is 0.2.0 (bbbbbbbbbbbb)": {"composer"},
    "another wasm of app `uart`: it was ": {"app"},
    "another kernel: it was ": {"kernel"},
    "`wasmtime` is another: it was 48.0.0, and is 49.0.0": {"tool"},
    "the manifests decide otherwise": {"profile"},
}


@pytest.mark.parametrize("says", REASONS)
def test_an_image_that_comes_out_otherwise_says_why(run, root, kernel, composer, monkeypatch, says):
    image = (root / "build/main.efi").read_bytes()
    [what] = REASONS[says]
    if what == "composer":
        composer[0] = origin.Composer("0.2.0", "b" * 64)
    if what == "app":
        change(root, "apps/uart/uart.wat", DRIVER_WAT.replace("(i32.const 3)", "(i32.const 4)"))
    if what == "kernel":
        kernel.write_bytes(elf(b" "))
    if what == "profile":
        change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x2f8"))
    if what == "tool":
        real = origin.tool
        monkeypatch.setattr(origin, "tool", lambda name: "49.0.0" if name == origin.WASMTIME else real(name))
    status, out, _ = run(rebuild, "main")
    assert status == 1 and f"\n  {says}" in out and "differing: " in out
    assert len([line for line in out.splitlines() if line.startswith("  another") or " is another" in line or "manifests" in line]) == 1
    assert (root / "build/main.efi").read_bytes() == image
    status, out, _ = run(rebuild, "main", "--format", "json")
    assert status == 1 and not json.loads(out)["ok"] and json.loads(out)["rebuilt"]["reasons"][0].startswith(says)


def test_an_image_of_another_workspace_says_so(run, root):
    change(root, "munal.toml", (root / "munal.toml").read_text().replace('"small"', '"other"').replace("1.2.3", "1.3.0"))
    status, out, _ = run(rebuild, "build/main.efi")
    assert status == 1 and "the workspace's name was small, and is other" in out and "the workspace's version was 1.2.3, and is 1.3.0" in out


def test_an_image_that_was_changed_by_hand_is_told_from_one_that_was_made_otherwise(run, root):
    path = root / "build/main.efi"
    path.write_bytes(path.read_bytes().replace(b"\x31\xc0\xc3", b"\x31\xc0\xcc", 1))
    status, out, _ = run(rebuild, "main")
    assert status == 1 and "the image was changed after it was built" in out and "differing: section .text\n" in out


def test_a_damaged_image_is_not_rebuilt(run, root):
    damage(root, 0)
    status, out, err = run(rebuild, "main")
    assert (status, out) == (1, "") and "error[M0512]" in err


def test_a_profile_that_is_gone_cannot_be_rebuilt(run, root):
    (root / "profiles/main.toml").rename(root / "profiles/new.toml")
    status, _, err = run(rebuild, "main")
    assert status == 1 and "error[M0" in err


def test_an_image_without_a_record_is_wrong_usage(run, root):
    from tests.composer.images import small_image

    (root / "old.efi").write_bytes(small_image(origin=None))
    with pytest.raises(click.UsageError, match="does not say what it was made of"):
        run(rebuild, "old.efi")
    assert "composer        not recorded" in run(inspect_command, "old.efi")[1]
