"""A front-end, a head and a task from outside the package do all that those inside it do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from places import ROOT
from toy_bursts import PULSES, RATE, pulsing

import mirzoo
from mirzoo import hub
from mirzoo._support.registry import import_plugin
from mirzoo.data import sources
from mirzoo.data.sources import COLLECTIONS
from mirzoo.errors import ArtefactError, RecipeError, UnknownNameError
from mirzoo.models.build import build_model
from mirzoo.recipe import FRONTENDS, HEADS, TASKS, Recipe, load_recipe, parse_recipe

RECIPE = {
    "description": "Finds pulses.",
    "frontend": {"type": "toy_energy", "parts": 2},
    "head": {"type": "toy_shallow", "pooling": "none", "embedding": 6, "dropout": 0.0},
    "task": {"type": "toy_pulses"},
    "window_s": 2.0,
    "context_s": 0.2,
    "data": {"collections": ["toy_bursts"], "windows_per_item": 2},
    "training": {"epochs": 40, "batch_size": 4, "learning_rate": 0.05, "patience": 40},
    "source": {"paper": "none"},
}
HELPERS = ROOT / "tests" / "helpers"


def python(*arguments: str, **environment: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(HELPERS)]), **environment},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def registered():
    """The toys are known in this module alone."""
    import_plugin("toy_plugins")
    yield
    for registry in (FRONTENDS, HEADS, TASKS, COLLECTIONS):
        for name in [name for name in registry._things if name.startswith("toy_")]:
            del registry._things[name]
    del sys.modules["toy_plugins"]


def test_everything_is_registered_without_tensorflow():
    program = (
        "import json, sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('tensorflow', 'keras', 'kapre'):\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import toy_plugins\n"
        "from mirzoo.recipe import FRONTENDS, HEADS, TASKS\n"
        "print(json.dumps([sorted(registry) for registry in (FRONTENDS, HEADS, TASKS)]))\n"
    )
    frontends, heads, tasks = json.loads(python("-c", program).splitlines()[-1])
    assert set(frontends) == {
        *("chroma", "cqt", "hcqt", "leaf", "mel", "mfcc", "raw", "sinc", "stft", "vqt"),
        "toy_energy",
    }
    assert set(heads) == {
        *("cnn", "cnn1d", "crnn", "pitch_class_cnn", "pitch_class_crnn", "pitch_cnn", "rnn", "tcn"),
        "toy_shallow",
    }
    assert set(tasks) == {"beats", "chords", "key", "melody", "notes", "tagging", "toy_pulses"}


def test_a_recipe_names_what_is_registered():
    recipe = parse_recipe(yaml.safe_dump(RECIPE))
    assert type(recipe.frontend).__name__ == "EnergyConfig"
    assert recipe.frontend.parts == 2
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    wrong = yaml.safe_dump({**RECIPE, "frontend": {"type": "toy_energy", "part": 2}})
    with pytest.raises(RecipeError, match=r"frontend\.toy_energy\.part = 2 is not a known key"):
        parse_recipe(wrong)


def test_a_recipe_imports_nothing_by_itself(tmp_path):
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    program = (
        "import sys\n"
        "from mirzoo.recipe import load_recipe\n"
        "try:\n"
        "    load_recipe(sys.argv[1])\n"
        "except Exception as error:\n"
        "    print(error, 'toy_plugins' in sys.modules)\n"
    )
    printed = python("-c", program, str(tmp_path / "recipe.yaml"))
    assert "frontend.type = 'toy_energy': there is no front-end 'toy_energy'" in printed
    assert "--import" in printed and printed.strip().endswith("False")


def test_another_class_of_the_same_name_is_refused():
    from mirzoo.models.heads.rnn import RNNConfig

    with pytest.raises(ValueError, match="there are two heads called 'rnn'"):
        HEADS.register(type("Other", (RNNConfig,), {"__module__": "elsewhere"}))


def test_a_name_of_mirzoo_is_taken_before_its_module_is_imported():
    program = (
        "from toy_plugins import PulseFinding\n"
        "from mirzoo.recipe import TASKS\n"
        "try:\n"
        "    TASKS.register(type('Other', (PulseFinding,), {'name': 'tagging'}))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    assert "there are two tasks called 'tagging'" in python("-c", program)


def test_what_is_no_class_of_settings_is_refused():
    with pytest.raises(TypeError, match="'mine' is no class of settings"):
        HEADS.register("mine")


def test_a_decoder_that_gives_something_else_is_named(recipe_file, recordings, monkeypatch):
    class Nonsense:
        def add(self, outputs, starts):
            pass

        def finish(self, *, duration_s, source=None):
            return None

    model = build_model(load_recipe(recipe_file), recipe_file.stem)
    monkeypatch.setattr(type(TASKS["toy_pulses"]), "decoder", lambda self, card: Nonsense())
    with pytest.raises(ArtefactError, match="'toy_pulses' gave a NoneType; it gives Pulses"):
        model.annotate(recordings / "0.wav")


def test_a_missing_module_is_named():
    with pytest.raises(UnknownNameError, match="there is no module 'no_such_module' to import"):
        import_plugin("no_such_module")


# From training to scores


def record(folder: Path, shifts: tuple[float, ...]) -> Path:
    """Recordings with the pulses that they hold, in the task's own format."""
    for number, shift in enumerate(shifts):
        times = tuple(time + shift for time in PULSES)
        soundfile.write(folder / f"{number}.wav", pulsing(times, 9.0, seed=number + 1), RATE)
        TASKS["toy_pulses"].annotation(times).write(folder / f"{number}.pulses")
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    return record(tmp_path_factory.mktemp("recordings"), (0.0, 0.2))


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipes") / "toy_shallow_pulses.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def learnt(recipe_file, tmp_path_factory):
    """A toy model that has learnt pulses from a folder of recordings."""
    import keras

    keras.utils.set_random_seed(0)
    model = build_model(load_recipe(recipe_file), recipe_file.stem)
    folder = record(tmp_path_factory.mktemp("to_learn"), (0.1, 0.33, 0.57))
    # As many steps as the statistics of its normalisation need, which are learnt too.
    model = mirzoo.fine_tune(model, folder, epochs=80, learning_rate=0.05)
    losses = model.report.history["loss"]
    assert losses[-1] < losses[0] / 2
    return model


@pytest.fixture(scope="module")
def trained(recipe_file, tmp_path_factory):
    """The folder of a toy model that a recipe has trained."""
    home = tmp_path_factory.mktemp("home")
    sources.prepare("toy_bursts", home=home, processes=1)
    return mirzoo.train(recipe_file, home / "corpus", home / "run")


@pytest.mark.slow
def test_a_model_that_has_learnt_annotates(learnt, recordings):
    pulses = learnt.annotate(recordings / "1.wav")
    np.testing.assert_allclose(pulses.times, np.array(PULSES) + 0.2, atol=0.03)
    truth = pulses.read(recordings / "1.pulses")
    assert TASKS["toy_pulses"].scores(truth, pulses)["found"].value == 1.0


@pytest.mark.slow
def test_a_recipe_trains_a_model_with_scores(trained):
    (metric,) = [metric for metric in hub.card(trained).metrics if metric.metric == "found"]
    assert (metric.n, metric.value) == (2, 1.0)
    assert "share of pulses found within 50 ms" in metric.method


@pytest.mark.slow
def test_what_is_saved_gives_the_same_numbers(trained):
    assert max(hub.verify(trained).values()) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["keras", "litert"])
def test_a_recording_is_annotated(trained, recordings, runtime):
    pulses = mirzoo.load(trained, runtime=runtime).annotate(recordings / "0.wav")
    about = f"{str(recordings / '0.wav')!r}, {pulses.duration_s:.1f} s"
    assert repr(pulses) == f"Pulses({about}: {len(pulses.times)} pulses)"
    assert pulses.task == "toy_pulses"
    np.testing.assert_allclose(pulses.times, PULSES, atol=0.03)


@pytest.mark.slow
def test_a_decoding_setting_is_taken(trained, recordings):
    model = mirzoo.load(trained, runtime="litert")
    assert not model.annotate(recordings / "0.wav", decoding={"threshold": 1.0}).times


@pytest.mark.slow
def test_a_lone_file_is_loaded_in_a_fresh_process(trained, recordings):
    program = (
        "import sys, toy_plugins, mirzoo\n"
        "model = mirzoo.load(sys.argv[1])\n"
        "print(len(model.annotate(sys.argv[2]).times))\n"
    )
    path = str(recordings / "0.wav")
    assert int(python("-c", program, str(trained / "model.keras"), path)) == len(PULSES)


def mirzoo_command(*arguments: str) -> str:
    return python("-m", "mirzoo", "--import", "toy_plugins", *map(str, arguments))


@pytest.mark.slow
def test_the_command_line_annotates(trained, recordings, tmp_path):
    out = tmp_path / "found.pulses"
    printed = mirzoo_command("annotate", trained, recordings / "1.wav", "--output", out)
    assert f"{len(PULSES)} pulses" in printed
    np.testing.assert_allclose(np.loadtxt(out), np.array(PULSES) + 0.2, atol=0.03)


@pytest.mark.slow
def test_the_command_line_scores(trained, recordings):
    printed = mirzoo_command("evaluate", trained, recordings)
    assert "found" in printed and "1.0" in printed


@pytest.mark.slow
def test_the_command_line_describes(trained):
    assert "toy_pulses" in mirzoo_command("info", trained)


@pytest.mark.slow
def test_without_its_module_a_model_says_what_to_do(trained):
    done = subprocess.run(
        [sys.executable, "-m", "mirzoo", "info", str(trained)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode != 0
    assert "toy_pulses" in done.stderr and "--import" in done.stderr
    assert "Traceback" not in done.stderr
