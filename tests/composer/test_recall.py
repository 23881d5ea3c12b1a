"""What was said is said again for the same question about untouched files, and for nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from composer import __main__, cache, recall, tree
from composer.recall import RUN, answered, saying
from tests.composer.workspaces import change, make_workspace

CHECKOUT = Path(__file__).resolve().parents[2]
WORDS = ["check", "main"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(recall, "SETTLED_NS", -(10**15))
    monkeypatch.setattr(tree, "SETTLED_NS", -(10**15))
    yield
    RUN.start(None)


@pytest.fixture
def files(tmp_path):
    """A file, a folder, and a name where nothing is."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("1")
    return [str(tmp_path / name) for name in ("file", "folder", "nothing")]


def say(status=0):
    print("to the output")
    print("to the errors: ä\0", file=sys.stderr)
    print("to the output, later")
    return status


def ask(files, words=WORDS, status=0):
    """What a run does that is answered by content, after looking at `files`."""
    assert answered(words) is None
    RUN.depend({name: recall.look(name) for name in files})
    return saying(lambda: say(status))


@pytest.mark.parametrize("status", [0, 1])
def test_the_same_is_said_again_to_the_same_streams(files, capfd, status):
    assert ask(files, status=status) == status
    first = capfd.readouterr()
    assert answered(WORDS) == status
    assert capfd.readouterr() == first and "later" in first.out and "errors" in first.err


@pytest.mark.parametrize("touch", [
    lambda folder: (folder / "file").write_text("2"),
    lambda folder: os.utime(folder / "file"),
    lambda folder: (folder / "file").unlink(),
    lambda folder: (folder / "file").chmod(0o600),
    lambda folder: (folder / "nothing").touch(),
    lambda folder: (folder / "folder" / "new").touch(),
    lambda folder: (folder / "folder").rmdir(),
], ids=["content", "time", "gone", "mode", "there now", "something new inside", "folder gone"])
def test_whatever_was_touched_is_looked_at_anew(files, tmp_path, touch):
    ask(files)
    assert answered(WORDS) == 0
    touch(tmp_path)
    assert answered(WORDS) is None


@pytest.mark.parametrize("other", [["check"], ["check", "main", ""], ["check main"], ["main", "check"], []])
def test_other_words_are_another_question(files, other):
    ask(files)
    assert answered(other) is None


@pytest.mark.parametrize("name", ["NO_COLOR", "MUNAL_RUSTC", "PATH", "LC_ALL", "RUSTUP_HOME"])
def test_another_environment_is_another_question(files, monkeypatch, name):
    ask(files)
    assert answered(WORDS) == 0
    monkeypatch.setenv(name, "/something/else")
    assert answered(WORDS) is None


def test_another_folder_is_another_question(files, monkeypatch, tmp_path):
    ask(files)
    monkeypatch.chdir(tmp_path)
    assert answered(WORDS) is None


def test_a_terminal_is_another_question(files, monkeypatch):
    ask(files)
    monkeypatch.setattr(recall.os, "isatty", lambda stream: True)
    monkeypatch.setattr(recall.os, "get_terminal_size", lambda stream: (80, 25))
    assert answered(WORDS) is None


@pytest.mark.parametrize("name", ["executable", "version"])
def test_another_python_is_another_question(files, monkeypatch, name):
    ask(files)
    monkeypatch.setattr(recall.sys, name, "another")
    assert answered(WORDS) is None


def test_questions_whose_names_collide_do_not_get_each_others_answers(files, monkeypatch):
    monkeypatch.setattr(recall, "_path", lambda question: os.path.join(recall.cache_root(), recall.FOLDER, "same"))
    ask(files)
    assert answered(["build"]) is None
    assert answered(WORDS) == 0


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-1], lambda b: b[:100], lambda b: b.replace(b"later", b"LATER"), lambda b: b + b"x",
                                    lambda b: b.replace(b"recall 1", b"recall 0"), lambda b: recall.FORM + b"\xff\n"])
def test_a_damaged_answer_is_none(files, damage):
    ask(files)
    (kept,) = (cache.root() / recall.FOLDER).iterdir()
    kept.write_bytes(damage(kept.read_bytes()))
    assert answered(WORDS) is None


def test_what_had_to_be_made_anew_is_not_kept(files):
    answered(WORDS)
    RUN.depend({name: recall.look(name) for name in files})
    RUN.forget()
    saying(say)
    assert answered(WORDS) is None


def test_what_nobody_found_by_content_is_not_kept(files):
    answered(WORDS)
    RUN.look(*files)
    saying(say)
    assert answered(WORDS) is None


def test_what_changed_while_it_was_looked_at_is_not_kept(files, tmp_path):
    answered(WORDS)
    RUN.look(*files)
    (tmp_path / "file").write_text("22")
    RUN.depend({name: recall.look(name) for name in files})
    saying(say)
    assert answered(WORDS) is None


def test_what_changed_just_before_is_not_kept(files, monkeypatch):
    monkeypatch.setattr(recall, "SETTLED_NS", 10**15)
    ask(files)
    assert answered(WORDS) is None


def test_what_failed_to_be_said_is_not_kept(files):
    answered(WORDS)
    RUN.depend({name: recall.look(name) for name in files})
    with pytest.raises(BrokenPipeError):
        saying(_broken)
    assert sys.stdout.write("") == 0 and answered(WORDS) is None


def test_a_cache_that_cannot_be_written_does_not_matter(files, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert ask(files) == 0


def test_questions_from_a_folder_that_is_gone_have_no_kept_answer(monkeypatch):
    monkeypatch.setattr(recall.os, "getcwd", _gone)
    assert answered(WORDS) is None and RUN.question is None


def test_the_cache_is_where_the_script_says(monkeypatch):
    assert recall.cache_root() == os.environ["MUNAL_CACHE"]
    monkeypatch.delenv("MUNAL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert recall.cache_root() == "/xdg/munal"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert recall.cache_root() == "/home/somebody/.cache/munal" == str(cache.root())


@pytest.mark.parametrize("parts", [[], [b""], [b"a", b"", b"b\n1 2", b"\0"]])
def test_parts_come_back_as_they_went(parts):
    assert recall._unpack(recall._pack(parts)) == parts


# The commands that are answered so

@pytest.fixture
def munal(tmp_path, capsys, monkeypatch):
    """Run a command of a small workspace; gives its status and output, and whether it was said again."""
    root = make_workspace(tmp_path / "work")
    monkeypatch.setattr(__main__, "_end_on_request", lambda: None)
    real, found = recall.answered, []
    monkeypatch.setattr(recall, "answered", lambda words: found.append(real(words)) or found[-1])

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            __main__.main([*words, "-C", str(root)])
        return ended.value.code, capsys.readouterr().out, found[-1] is not None

    run.root = root
    return run


@pytest.mark.parametrize("words", [("check",), ("check", "main"), ("check", "--format", "json")])
def test_a_check_is_said_again_until_something_changes(munal, words):
    first, second, third = (munal(*words) for _ in range(3))
    assert [first[2], second[2], third[2]] == [False, False, True]
    assert first[:2] == second[:2] == third[:2] and first[0] == 0
    change(munal.root, "apps/talker/talker.wat", "(module)")
    changed = munal(*words)
    assert not changed[2] and changed[0] == 1 and changed[1] != first[1]


def test_a_refusal_is_said_again(munal):
    change(munal.root, "profiles/main.toml", "[profile]\nsummary = 7\n")
    answers = [munal("check") for _ in range(3)]
    assert [answer[2] for answer in answers] == [False, False, True]
    assert len({answer[:2] for answer in answers}) == 1 and answers[0][0] == 1


@pytest.mark.parametrize("words", [("check", "--until", "load"), ("check", "--locked"), ("check", "main", "--locked")])
def test_what_also_depends_on_something_else_is_never_said_again(munal, words):
    munal("check")
    assert [munal(*words)[2] for _ in range(3)] == [False] * 3


UNWANTED = ("click", "pydantic", "pydantic_core", "jinja2", "wasmtime", "rich", "tomllib", "json", "re", "pathlib", "dataclasses", "typing",
            "hashlib", "subprocess", "site", "composer.pipeline", "composer.cli", "composer.cache")


def test_saying_it_again_loads_nothing_that_costs(files, tmp_path):
    code = ("import sys; from composer import recall; asked = recall.answered(['x']); "
            "recall.RUN.depend({n: recall.look(n) for n in sys.argv[1:]}) if asked is None else 0; "
            "recall.SETTLED_NS = -10**15; "
            "recall.saying(lambda: 0) if asked is None else print(asked, sorted(sys.modules))")
    runs = [subprocess.run([sys.executable, "-S", "-c", code, *files], capture_output=True, text=True, check=True, env=_environment()).stdout
            for _ in range(2)]
    assert runs[0] == "" and runs[1].startswith("0 [")
    assert [module for module in UNWANTED if f"'{module}'" in runs[1]] == []


def _environment():
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def _broken():
    raise BrokenPipeError


def _gone():
    raise FileNotFoundError
