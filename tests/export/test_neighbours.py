"""Files that decide compute neighbouring windows too where decisions need more context."""

import numpy as np
import pytest
from fake_models import make_frame_card

from mirzoo.card import Card, InputContract
from mirzoo.export.contract import file_contract, neighbours_of
from mirzoo.export.neighbours import cutter, joiner
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import COMMON_RATES
from mirzoo.hub import shipped_folder
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.frames import FrameJoiner

DECIDES = ExportOptions(decode=True)


def card(name):
    return Card.load(shipped_folder(name))


@pytest.mark.parametrize("neighbours", [0, 1, 2])
def test_frames_of_neighbours_join_without_seams(neighbours):
    taken = InputContract(
        sample_rate=1000, min_samples=100, window_samples=600, hop_samples=200, pad_left_samples=200
    )
    made = make_frame_card(
        "chords", outputs={"chords": 2}, decoding=ChordDecoding(), labels=["N", "C:maj"]
    )
    outputs = [made.outputs[0].model_copy(update={"frame_rate": 20.0})]
    model = made.contract.model_copy(update={"input": taken, "outputs": outputs})
    samples = 600 + 2 * neighbours * 200
    waveforms = np.stack([np.arange(samples), 5000 + np.arange(samples)]).astype(np.float32)
    windows = cutter(model, neighbours)(waveforms)
    assert windows.shape == (2 * (2 * neighbours + 1), 600)
    of_frames = {"chords": np.repeat(np.asarray(windows)[:, ::50, np.newaxis], 2, axis=2)}
    joined = joiner(model, neighbours)(of_frames)["chords"]
    np.testing.assert_array_equal(np.asarray(joined)[:, :, 1], waveforms[:, ::50])


@pytest.mark.parametrize("rate", COMMON_RATES)
def test_a_window_holds_all_of_its_neighbours(rate):
    model = card("chroma_rnn_chords").contract
    assert model.decoding.change_penalty == 8.0
    assert neighbours_of(model, DECIDES) == 1
    asked = ExportOptions(decode=True, input_rate=rate)
    contract = file_contract(model, asked, usual_batch=1)
    needed = model.input.window_samples + 2 * model.input.hop_samples
    assert contract.input.window_samples * model.sample_rate // rate >= needed
    assert contract.input.hop_samples * model.sample_rate == model.input.hop_samples * rate
    assert contract.input.pad_left_samples == contract.input.context_samples
    FrameJoiner(contract)


def test_context_grows_with_the_penalty():
    model = card("chroma_rnn_chords")
    assert neighbours_of(model, ExportOptions()) == 0
    assert neighbours_of(model, ExportOptions(decode=True, window_s=30.0)) == 0
    for penalty, neighbours in ((4.0, 0), (4.1, 1), (36.0, 1), (37.0, 2), (1e4, 2)):
        changed = model.decoded_with({"change_penalty": penalty})
        assert neighbours_of(changed, DECIDES) == neighbours
    for name in ("mel_cnn_tagger", "cqt_crnn_chords", "hcqt_cnn_melody"):
        assert neighbours_of(card(name), DECIDES) == 0
