"""Live models as `.tflite` files of a step."""

import numpy as np
import pytest
from live_models import DECODING, QUICK, live_model, music

import mirzoo
from mirzoo import artefact
from mirzoo.card import Card
from mirzoo.errors import ArtefactError, ExportError
from mirzoo.models.steps import KerasSteps, StepGraph
from mirzoo.runtimes.litert_steps import NEXT, STATE, LiteRTStepModel
from mirzoo.runtimes.tflite_file import custom_operators, read_card


@pytest.fixture(scope="module", params=QUICK)
def exported(request, tmp_path_factory):
    model = live_model(request.param)
    path = tmp_path_factory.mktemp("steps") / f"{request.param}.tflite"
    return model, DECODING[request.param], mirzoo.export(model, path, streaming=True)


def test_the_file_steps_as_the_model_does(exported):
    model, _, path = exported
    ours, theirs = KerasSteps(StepGraph(model)), mirzoo.load(path).steps()
    assert ours.streaming == theirs.streaming
    own, other = ours.initial(), theirs.initial()
    size = ours.streaming.step_samples
    waveform = music(4.0)[:, 0]
    for first in range(0, len(waveform) - size, size):
        expected, own = ours(waveform[first : first + size], own)
        received, other = theirs(waveform[first : first + size], other)
        assert set(received) == {output.name for output in model.card.outputs}
        for name, values in received.items():
            np.testing.assert_allclose(values, expected[name], atol=1e-5)


def test_the_file_streams_and_annotates(exported):
    model, decoding, path = exported
    loaded, waveform = mirzoo.load(path), music(4.0, 44100)
    expected = model.annotate(waveform, source_rate=44100, decoding=decoding)
    received = loaded.annotate(waveform, source_rate=44100, decoding=decoding)
    stream = mirzoo.stream(path, source_rate=44100, decoding=decoding)
    blocks = np.array_split(waveform, 50)
    given = [*map(stream.push, blocks), stream.flush()]
    joined = type(expected).joined(piece for piece in given if piece is not None)
    for other in (received, joined):
        assert other.summary() == expected.summary()
        assert other.duration_s == pytest.approx(expected.duration_s)


def test_the_file_tells_what_it_takes_and_gives(exported):
    from ai_edge_litert.interpreter import Interpreter

    model, _, path = exported
    assert custom_operators(path) == []
    card = read_card(path)
    streaming = card.exported.streaming
    runner = Interpreter(model_path=str(path)).get_signature_runner("serving_default")
    states = {state.name: state.shape for state in streaming.states}
    taken = {n: d["shape"].tolist() for n, d in runner.get_input_details().items()}
    assert taken == {
        "waveform": [1, streaming.step_samples],
        **{f"{STATE}{name}": shape for name, shape in states.items()},
    }
    given = {n: d["shape"].tolist() for n, d in runner.get_output_details().items()}
    for name, shape in states.items():
        assert given[f"{NEXT}{name}"] == shape
    for output in model.card.outputs:
        assert given[output.name] == [1, streaming.step_frames, output.axes[-1].size]
    assert card.format == 4
    assert card.recipe["live"] is True


def test_it_takes_no_windows(exported):
    _, _, path = exported
    loaded = mirzoo.load(path)
    windows = np.zeros((1, loaded.card.input.window_samples), np.float32)
    with pytest.raises(ArtefactError, match="takes no windows"):
        loaded.predict_windows(windows)


def test_the_card_of_another_model_is_refused(exported, tmp_path):
    _, _, path = exported
    card = read_card(path)
    fields = card.model_dump()
    fields["exported"]["streaming"]["step_samples"] += 1
    with pytest.raises(ArtefactError, match="belong to another model"):
        LiteRTStepModel(path, Card.parse(fields))


def test_options_that_steps_have_not_are_refused(tmp_path, small_cnn):
    model = live_model("tagger")
    with pytest.raises(ExportError, match="a file of steps has no quantize, decode"):
        mirzoo.export(model, tmp_path / "x.tflite", streaming=True, quantize="dynamic", decode=True)
    with pytest.raises(ExportError, match="it is for live models"):
        mirzoo.export(small_cnn, tmp_path / "x.tflite", streaming=True)
    with pytest.raises(ExportError, match="streaming=True.*LiteRT"):
        mirzoo.export(model, tmp_path / "x.onnx", streaming=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_saved_live_model_streams_in_every_runtime(tmp_path):
    model, decoding = live_model("chords"), DECODING["chords"]
    folder = artefact.save(model, tmp_path / "my_live_chords")
    assert "streaming.tflite" in Card.load(folder).files
    mirzoo.verify(folder)
    waveform = music(4.0)
    expected = model.annotate(waveform, source_rate=16000, decoding=decoding)
    for runtime in ("keras", "litert"):
        loaded = mirzoo.load(folder, runtime)
        received = loaded.annotate(waveform, source_rate=16000, decoding=decoding)
        assert received.summary() == expected.summary()
        stream = mirzoo.stream(folder, source_rate=16000, runtime=runtime, decoding=decoding)
        given = [stream.push(block) for block in np.array_split(waveform, 9)] + [stream.flush()]
        joined = mirzoo.Chords.joined(piece for piece in given if piece is not None)
        assert joined.summary() == expected.summary()
    file = folder / "streaming.tflite"
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    with pytest.raises(ArtefactError, match="was altered"):
        mirzoo.load(folder, "litert")
