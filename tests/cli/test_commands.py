"""The command line as a whole, and the commands that take no more than a model."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mirzoo import cli, hub
from mirzoo.errors import ArtefactError, PullError, UnknownNameError
from mirzoo.tasks.base import TASKS


@pytest.mark.parametrize("arguments", [["anotate"], ["annotate"], ["info"], ["annotate", "x"]])
def test_missing_and_unknown_words_are_misuse(run, arguments):
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["catalogue", "annotate", "m", "a", "--careful"],
         "mirzoo catalogue annotate has no option --careful; `mirzoo annotate` has it"),
        (["list", "--runtime", "onnx"], "mirzoo list has no option --runtime; `mirzoo annotate`, "
         "`mirzoo listen`, `mirzoo embed`, `mirzoo catalogue annotate` and "
         "`mirzoo catalogue embed` have it"),
        (["annotate", "m", "a", "--carefull"], "'--careful'"),
    ],
)  # fmt: skip
def test_an_option_of_another_command_is_told_to_be_one(run, arguments, told):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert told in err


def test_an_unknown_model_is_misuse(run, music):
    status, _, err = run("annotate", "musicnn_mttt", music / "loud.wav")
    assert status == 2
    assert "musicnn_mtt" in err
    assert "Traceback" not in err


def test_an_unwritable_folder_is_a_failure(run, models, music):
    status, _, err = run(
        "annotate", models / "loud_tagger", music / "loud.wav", "-o", music / "loud.wav" / "x"
    )
    assert status == 1
    assert "Traceback" not in err


def test_version(run):
    assert run("--version")[1].startswith("mirzoo 0.")


def test_help_names_every_command(run):
    status, out, _ = run("--help")
    assert status == 0
    commands = "list info annotate evaluate fine-tune train measure prepare export verify pull"
    for command in commands.split():
        assert f"\n  {command} " in out
    assert "..." not in out.partition("Commands:")[2]
    assert "parameters." in out


def test_verify_goes_on_after_a_failure(run, monkeypatch):
    def verify(name):
        if name == "bad":
            raise ArtefactError("bad is not as its card states")
        if name == "tagga":
            raise UnknownNameError("no model is called 'tagga'")
        return {"keras": 1e-7, "litert": 2e-6}

    monkeypatch.setattr(hub, "verify", verify)
    status, out, err = run("verify", "bad", "good")
    assert status == 1
    assert out.startswith("good: all as its card states")
    assert "bad is not" in err
    status, out, err = run("verify", "tagga", "bad", "good")
    assert status == 2
    assert out.startswith("good: all as its card states")
    assert "no model is called 'tagga'" in err and "bad is not" in err
    monkeypatch.setattr(hub, "local_models", lambda: ["good"])
    assert run("verify")[0] == 0


def test_pull_reports(run, monkeypatch):
    monkeypatch.setattr(hub, "pull", lambda name: f"/cache/{name}")
    assert run("pull", "musicnn_mtt")[:2] == (0, "musicnn_mtt is in /cache/musicnn_mtt\n")

    def offline(name):
        raise PullError("no network")

    monkeypatch.setattr(hub, "pull", offline)
    assert run("pull", "musicnn_mtt") == (1, "", "mirzoo: no network\n")


def test_export_passes_on_what_it_is_told(run, monkeypatch, tmp_path):

    calls = []

    def export(model, path, *, quantize=None):
        calls.append((model, path, quantize))
        return path

    monkeypatch.setattr(importlib.import_module("mirzoo.export"), "export", export)
    monkeypatch.setattr(hub, "load", lambda name: f"the model {name}")
    target = tmp_path / "x.tflite"
    status, out, _ = run("export", "some_tagger", target, "--quantize", "float16")
    assert (status, out) == (0, f"wrote {target}\n")
    run("export", "some_tagger", target)
    assert calls == [("the model some_tagger", target, "float16"),
                     ("the model some_tagger", target, None)]  # fmt: skip
    assert run("export", "some_tagger", target, "--quantize", "int3")[0] == 2


def test_export_has_the_options_of_the_function(run, monkeypatch, tmp_path):
    asked = []

    def export(model, path, **options):
        asked.append(options)
        return path

    monkeypatch.setattr(importlib.import_module("mirzoo.export"), "export", export)
    monkeypatch.setattr(hub, "load", lambda name: name)
    words = (
        "--quantize int8 --calibration a.wav --calibration b.wav --outputs tags,embedding "
        "--window-s 2.5 --batch 4 --input-rate 44100 --input-type int16 --decode --dft conv "
        "--overwrite"
    )
    assert run("export", "x", tmp_path / "x.tflite", *words.split())[0] == 0
    run("export", "x", tmp_path / "x", "--window-s", "any", "--batch", "any", "--outputs", "all")
    run("export", "x", tmp_path / "x", "--window-s", "long", "--batch", "-1")
    assert asked == [
        {
            "quantize": "int8",
            "calibration": [Path("a.wav"), Path("b.wav")],
            "outputs": ["tags", "embedding"],
            "window_s": 2.5,
            "batch": 4,
            "input_rate": 44100,
            "input_type": "int16",
            "decode": True,
            "dft": "conv",
            "overwrite": True,
        },
        {"outputs": "all", "window_s": "any", "batch": "any"},
        {"window_s": "long", "batch": "-1"},  # which the function refuses
    ]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a Python module into the current folder; it is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(name, content):
        (tmp_path / f"{name}.py").write_text(content)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_modules_of_the_current_folder_are_imported_first(run, module):
    first = module("zoo_extra_one", "import zoo_extra_two\nprint('one')\n")
    second = module("zoo_extra_two", "print('two')\n")
    status, out, _ = run("--import", first, "--import", second, "list", "nothing_*")
    assert (status, out) == (2, "two\none\n")


def test_what_is_imported_is_known_to_options(run, module):
    name = module(
        "zoo_extra_task",
        "from mirzoo.tasks.base import TASKS\n"
        "from mirzoo.tasks.tagging import Tagging\n"
        "@TASKS.register\n"
        "class Humming(Tagging):\n"
        "    name = 'humming'\n",
    )
    try:
        assert run("list", "--task", "humming")[0] == 2
        status, out, err = run("--import", name, "list", "--task", "humming")
        assert (status, out) == (0, "") and "no model of the task 'humming'" in err
    finally:
        TASKS._things.pop("humming", None)


@pytest.mark.parametrize(
    ("content", "status", "complaint"),
    [
        (None, 2, "there is no module 'zoo_extra_bad'"),
        ("import no_such_thing_at_all", 1, "No module named 'no_such_thing_at_all'"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("def f(:", 1, "SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_explained(run, module, content, status, complaint):
    if content is not None:
        module("zoo_extra_bad", content)
    ended, out, err = run("--import", "zoo_extra_bad", "list")
    assert (ended, out) == (status, "")
    assert complaint in err
    assert "Traceback" not in err


def test_no_command_names_a_task():
    named = {
        f"{path.name}, line {node.lineno}: {node.value!r}"
        for path in Path(cli.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in set(TASKS)
    }
    assert not named


def cpu_seconds(*program):
    """Processor time of a Python program in a process of its own, the least of three."""
    times = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, *map(str, program)], check=True, capture_output=True)
        after = os.times()
        times.append(
            (after.children_user + after.children_system)
            - (before.children_user + before.children_system)
        )
    return min(times)


@pytest.fixture(scope="module")
def unavoidable_seconds():
    """What the libraries that every command needs take: the measure of a busy machine."""
    return cpu_seconds("-c", "import numpy, pydantic, click, yaml")


@pytest.mark.slow
def test_list_starts_quickly(unavoidable_seconds):
    assert cpu_seconds("-m", "mirzoo", "list") < max(0.5, 4 * unavoidable_seconds)


@pytest.mark.slow
def test_annotate_starts_quickly_and_without_tensorflow(unavoidable_seconds, models, music):
    program = ["-m", "mirzoo", "annotate", models / "loud_tagger", music / "loud.wav"]
    assert cpu_seconds(*program) < max(1.0, 6 * unavoidable_seconds)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *map(str, program)],
        check=True,
        capture_output=True,
        text=True,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "ai_edge_litert.interpreter" in imported
    assert not imported & {"tensorflow", "keras", "kapre", "librosa", "jams", "matplotlib"}
