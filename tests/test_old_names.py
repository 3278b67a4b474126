"""Modules and names of version 0.1 work for one version, with a warning where they moved."""

import importlib
import sys
import warnings

import keras
import pytest

import mirzoo
from mirzoo import ports
from mirzoo._support.moved import MOVED

NAMES = """
    Card Chords LiteRTModel Melody MirzooError Model Notes ONNXModel Tags __version__ create
    evaluate export fine_tune list_models load pull save train verify
""".split()  # noqa: SIM905

MODULES = """
    annotate annotation annotation.base annotation.chords annotation.files annotation.melody
    annotation.midi_file annotation.notes annotation.pictures annotation.sheet annotation.sound
    annotation.tags audio build card cli data data.alterations data.annotated data.batches
    data.charts data.corpus data.debian data.effects data.fluidsynth data.folder data.fretboard
    data.general_midi data.guitar_bands data.guitar_leads data.label_files data.labelled
    data.labels data.leads data.midi data.mirdata_sets data.mixes data.plucked data.recorded_leads
    data.recordings data.render data.renditions data.sequences data.soloists data.songs
    data.sources data.splits data.stems data.sung data.tracking data.voices demo distillation dsp
    dsp.chord_vocabulary dsp.chroma dsp.cqt dsp.filters dsp.framing dsp.halving_cqt dsp.mel
    dsp.resampling dsp.viterbi dsp.wavelets dsp.windows errors evaluation evaluation.chords
    evaluation.melody evaluation.recordings evaluation.scores evaluation.tagging export
    export.litert export.metadata export.onnx export.parity export.saved_model fine_tuning
    frontends frontends.chroma frontends.cqt frontends.hcqt frontends.leaf frontends.mel
    frontends.mfcc frontends.raw frontends.sinc frontends.stft frontends.vqt heads heads.blocks
    heads.pitched layers layers.chroma layers.constraints layers.cqt layers.filters layers.fourier
    layers.frames layers.halving_cqt layers.leaf layers.mel layers.mfcc layers.normalisation
    layers.patches layers.pcen layers.peak layers.pitch layers.pooling layers.recurrent
    layers.scaling layers.sinc layers.stft litert measuring model onnx outputs pipelines ports
    ports.basic_pitch ports.catalogue ports.crema ports.crepe ports.musicnn ports.numpy_pickle
    ports.package ports.torch_checkpoint probing recipe recipe.base recipe.frontends recipe.heads
    recipe.reading recipe.scalings recipe.tasks recipe.training recipe.whole tasks tasks.chords
    tasks.frames tasks.melody tasks.notes tasks.tagging training training.calibration
    training.corpora training.features training.fitting training.frames training.own_recordings
    training.tags training.taught_chords training.taught_melody training.teaching zoo
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", NAMES)
def test_public_names_are_there(name):
    assert getattr(mirzoo, name) is not None


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_imported_under_their_old_names(name):
    module = f"mirzoo.{name}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert importlib.import_module(module).__name__.startswith("mirzoo")


@pytest.mark.parametrize("name", sorted(set(MOVED) - {"data.tfds_builders"}))
def test_what_moved_warns_and_names_its_new_home(name):
    module = f"mirzoo.{name}"
    sys.modules.pop(module, None)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        importlib.import_module(module)
    told = [str(w.message) for w in seen if w.category is DeprecationWarning]
    (message,) = [text for text in told if text.startswith(f"{module} is now ")]
    for home in MOVED[name]:
        assert f"mirzoo.{home}" in message
        importlib.import_module(f"mirzoo.{home}")


def test_old_scripts_find_what_they_import():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from mirzoo.litert import LiteRTModel
        from mirzoo.model import EMBEDDING, MissingCardError, Model
        from mirzoo.zoo import LITERT_FILE, list_models, load, save, verify
    assert (load, verify, list_models) == (mirzoo.load, mirzoo.verify, mirzoo.list_models)
    assert (save, Model, LiteRTModel) == (mirzoo.save, mirzoo.Model, mirzoo.LiteRTModel)
    assert (LITERT_FILE, EMBEDDING) == ("model.tflite", "embedding")
    assert issubclass(MissingCardError, mirzoo.MirzooError)


def test_functions_that_moved_within_export_warn():
    from mirzoo.export import metadata
    from mirzoo.runtimes import tflite_file

    for name in ("read_card", "read_labels", "operators", "custom_operators"):
        with pytest.warns(DeprecationWarning, match=f"tflite_file.{name}"):
            assert getattr(metadata, name) is getattr(tflite_file, name)


NEW_HOMES_OF_LAYERS = {
    "frames": "EachFrame",
    "halving_cqt": "HalvingCQT",
    "patches": "MeanOverPatches",
    "peak": "DecibelsBelowPeak",
    "recurrent": "BothWaysGRU",
    "cqt": "CQT",
}


def _deprecated(name):
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match="the old name goes with the next version"):
        return importlib.import_module(name)


@pytest.mark.parametrize(("module", "layer"), NEW_HOMES_OF_LAYERS.items())
def test_layers_are_found_where_they_were(module, layer):
    moved = getattr(_deprecated(f"mirzoo.layers.{module}"), layer)
    assert getattr(_deprecated("mirzoo.layers"), layer) is moved
    assert keras.saving.get_registered_object(f"mirzoo>{layer}") is moved


def test_ports_are_found_where_they_were():
    catalogue = _deprecated("mirzoo.ports.catalogue")
    assert catalogue.PORTS is ports.PORTS
    assert _deprecated("mirzoo.ports.package").Package is ports.Package
    for family in ("basic_pitch", "crema", "crepe", "musicnn"):
        module = importlib.import_module(f"mirzoo.ports.{family}")
        with pytest.warns(DeprecationWarning, match=f"{family}.network.build_head"):
            assert callable(module.build_trunk)
        with pytest.warns(DeprecationWarning, match=r"mirzoo\.ports\.build;"):
            assert module.build is ports.build
        with pytest.raises(AttributeError, match="no attribute 'keras'"):
            module.keras  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name", "home", "new"),
    [
        ("recipe", "ChordsConfig", "tasks.chords", "ChordsConfig"),
        ("recipe", "MelodyConfig", "tasks.melody", "MelodyConfig"),
        ("recipe", "TaggingConfig", "tasks.tagging", "TaggingConfig"),
        ("recipe", "FramewiseHead", "models.heads", "PitchHead"),
        ("card", "ChordDecoding", "tasks.chords", "ChordDecoding"),
        ("card", "MelodyDecoding", "tasks.melody", "MelodyDecoding"),
        ("card", "NotesDecoding", "tasks.notes", "NotesDecoding"),
        ("evaluation", "chord_scores", "tasks.chords", "chord_scores"),
        ("evaluation", "melody_scores", "tasks.melody", "melody_scores"),
        ("evaluation", "tagging_scores", "tasks.tagging.scores", "tagging_scores"),
        ("evaluation", "agreement", "tasks.tagging.scores", "agreement"),
        ("tasks", "Decoder", "tasks.base", "Decoder"),
        ("annotate", "hear_frames", "annotate", "frame_outputs"),
    ],
)
def test_names_that_moved_warn_and_are_what_they_were(module, name, home, new):
    old = importlib.import_module(f"mirzoo.{module}")
    with pytest.warns(DeprecationWarning, match=f"mirzoo.{module}.{name} is now mirzoo.{home}"):
        found = getattr(old, name)
    assert found is getattr(importlib.import_module(f"mirzoo.{home}"), new)


def test_results_are_found_where_they_were():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        annotation = importlib.import_module("mirzoo.annotation")
        for name in ("Chords", "Melody", "Notes", "Tags"):
            assert getattr(annotation, name) is getattr(mirzoo, name)
        assert annotation.ANNOTATIONS["chords"] is mirzoo.Chords
        assert annotation.Note.__module__ == "mirzoo.tasks.notes.annotation"
