"""The command line as a person meets it: words in, exit status and the two outputs out."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from composer import __main__, cache, cli
from composer.tools import ToolFailure

CHECKOUT = Path(__file__).resolve().parents[2]
WAT = '(module (memory (export "memory") 1) (func (export "_start")))'


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """The smallest workspace: one app in WAT, one profile."""
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "workspace"
    files = {
        "munal.toml": '[workspace]\nname = "small"\nversion = "1.0.0"\napps = ["apps/*"]\nprofiles = ["profiles/*.toml"]\ndefault = "only"\n',
        "apps/nop/app.toml": '[app]\nname = "nop"\nkind = "program"\nsummary = "Ends"\nbuild.wat = "nop.wat"\n[limits]\nmemory = "512 KiB"\n',
        "apps/nop/nop.wat": WAT,
        "profiles/only.toml": '[profile]\nsummary = "One program"\n[instance.nop]\napp = "nop"\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def munal(*words, cwd=None, **env):
    """Run the CLI in a process of its own."""
    made = {**os.environ, "PYTHONPATH": str(CHECKOUT), **env}
    return subprocess.run([sys.executable, "-P", "-m", "composer", *map(str, words)], capture_output=True, text=True, cwd=cwd, env=made,
                          check=False)


@pytest.fixture
def inside(capsys, monkeypatch):
    """Run the CLI in this process; gives status, output and errors."""

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            __main__.main([str(word) for word in words])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    monkeypatch.setattr(__main__, "_end_on_request", lambda: None)
    return run


def test_the_version_loads_nothing_that_costs():
    code = "import sys; from composer.__main__ import _status; _status(['--version']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=True)
    assert done.stdout.startswith("munal 0.")
    for module in ("click", "pydantic", "rich", "jinja2", "wasmtime", "subprocess"):
        assert f"'{module}'" not in done.stdout


def test_without_words_it_tells_how_to_use_it(inside):
    status, out, err = inside()
    assert status == 0 and err == ""
    for command in ("check", "build", "run", "simulate", "test", "clean", "doctor"):
        assert re.search(rf"^  {command}\b", out, re.MULTILINE)


@pytest.mark.parametrize("command", ["check", "build", "run", "simulate", "clean", "doctor"])
def test_each_command_tells_of_itself(inside, command):
    status, out, _ = inside(command, "--help")
    assert status == 0 and out.startswith(f"Usage: munal {command}")
    assert inside("help", command)[1] == out


def test_a_misspelled_command(inside):
    status, out, err = inside("biuld")
    assert status == 2 and out == "" and "did you mean `build`?" in err


@pytest.mark.parametrize("words", [["build", "--nothing"], ["build", "a", "b"], ["check", "--format", "xml"], ["run", "--timeout", "-1"],
                                   ["run", "--accel", "x"], ["help", "nothing"], ["check", "--until", "soon"]])
def test_wrong_usage(inside, words):
    status, out, err = inside(*words)
    assert status == 2 and out == "" and "Usage: munal" in err


def test_a_sound_workspace(inside, workspace):
    status, out, err = inside("check", "-C", workspace)
    assert (status, err) == (0, "")
    assert out.startswith("only: 1 instance checked")


def test_a_faulty_workspace_is_refused_in_both_formats(inside, workspace):
    (workspace / "profiles" / "only.toml").write_text('[profile]\n[instance.nop]\napp = "nopp"\n')
    status, out, err = inside("check", "-C", workspace)
    assert status == 1 and err == ""
    assert "profiles/only.toml:3:7" in out and "did you mean `nop`?" in out and "1 error" in out
    status, out, _ = inside("-C", workspace, "check", "--format", "json", "only")
    said = json.loads(out)
    assert status == 1 and said["ok"] is False
    assert [(d["labels"][0]["path"], d["labels"][0]["line"]) for d in said["diagnostics"]] == [("profiles/only.toml", 3)]


@pytest.mark.parametrize("words", [["check", "only", "--format=json"], ["check", "--format=json", "only"]])
def test_options_stand_before_and_after_the_profile(inside, workspace, words):
    status, out, _ = inside(*words, "-C", workspace)
    assert status == 0 and json.loads(out)["profiles"][0]["profile"] == "only"


def test_a_workspace_is_found_from_below(workspace):
    done = munal("check", cwd=workspace / "apps" / "nop")
    assert (done.returncode, done.stdout[:5]) == (0, "only:")


def test_a_folder_that_is_no_workspace(inside, tmp_path):
    status, out, _ = inside("check", "-C", tmp_path)
    assert status == 1 and "munal.toml" in out


def test_an_unknown_profile(inside, workspace):
    status, out, _ = inside("check", "onyl", "-C", workspace)
    assert status == 1 and "did you mean `only`?" in out


@pytest.mark.parametrize("stage", ["load", "model", "resolve", "inspect", "check", "generate"])
def test_every_stage_can_be_printed(inside, workspace, stage):
    status, out, err = inside("check", "--until", stage, "--format", "json", "-C", workspace)
    assert (status, err) == (0, "")
    assert json.loads(out)


def test_glue_is_shown_as_text(inside, workspace):
    status, out, _ = inside("build", "--until", "generate", "-C", workspace)
    assert status == 0 and out.startswith("(module")


def test_a_compiler_that_fails_is_no_traceback(inside, workspace):
    (workspace / "apps" / "nop" / "nop.wat").write_text("(module (fun))")
    status, out, err = inside("check", "-C", workspace)
    assert status == 3 and "apps/nop/nop.wat:1:10" in err and "Traceback" not in err


@pytest.fixture
def failing(monkeypatch):
    """Lets the CLI end by an exception."""

    def fail(error):
        def run(words):
            raise error

        monkeypatch.setattr(cli, "run", run)

    return fail


def test_a_failed_tool_shows_its_output_and_then_the_reason(inside, failing):
    failing(ToolFailure("cargo", "building failed", "error: no\n"))
    assert inside("x") == (3, "", "error: no\nmunal: cargo: building failed\n")


def test_a_stop_from_the_keyboard_is_one_line(inside, failing):
    failing(KeyboardInterrupt())
    assert inside("x") == (130, "", "munal: stopped\n")


def test_a_full_disk_is_no_bug(inside, failing):
    failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/some/file"))
    assert inside("x") == (3, "", "munal: files: /some/file: No space left on device\n")


def test_a_bug_is_written_down_and_not_shown(inside, failing, tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    failing(ZeroDivisionError("of ours"))
    status, out, err = inside("build", "x")
    assert status == 70 and out == "" and "this is a bug in Munal" in err and "Traceback" not in err
    (written,) = (cache.root() / "bugs").iterdir()
    assert str(written) in err
    assert "ZeroDivisionError: of ours" in written.read_text() and "['build', 'x']" in written.read_text()


def test_a_bug_where_nothing_can_be_written_is_shown(inside, failing, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", "/dev/null/cache")
    failing(ZeroDivisionError("of ours"))
    status, _, err = inside("x")
    assert status == 70 and "ZeroDivisionError: of ours" in err


def test_a_reader_that_is_gone_is_no_fault():
    code = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-P', '-m', 'composer', '--help'], stdout=subprocess.PIPE, stderr=2);" \
           "p.stdout.close(); sys.exit(p.wait())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    assert (done.returncode, done.stderr) == (141, "")


def test_a_request_to_end_unwinds():
    code = ("import os, signal, sys\nfrom composer import __main__\n__main__._end_on_request()\n"
            "try:\n    os.kill(os.getpid(), signal.SIGTERM)\nfinally:\n    print('unwound')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "unwound\n")


def test_the_end_looks_for_no_garbage():
    code = ("import atexit, gc\nfrom composer.__main__ import main\n"
            "atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count() > 0))\nmain(['--version'])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    version, at_the_end = done.stdout.splitlines()
    left, frozen = at_the_end.split()
    assert version.startswith("munal ") and frozen == "True" and int(left) < 100


def test_clean_tells_what_it_freed(inside, tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    cache.store("wasm", "k", b"0" * 2_000_000)
    assert inside("clean")[:2] == (0, f"freed 2.0 MB in {tmp_path / 'cache'}\n")
    assert inside("clean")[:2] == (0, f"freed 0.0 MB in {tmp_path / 'cache'}\n")


def test_doctor_in_both_formats_agrees(inside):
    status, out, _ = inside("doctor", "--format", "json")
    found = json.loads(out)
    assert status == (0 if found["ok"] else 3)
    assert {"python", "wasmtime", "qemu", "cache"} <= {finding["name"] for finding in found["findings"]}
    text = inside("doctor")[1]
    for finding in found["findings"]:
        assert re.search(rf"^{'ok' if finding['ok'] else 'MISSING'} +{re.escape(finding['name'])} ", text, re.MULTILINE)
