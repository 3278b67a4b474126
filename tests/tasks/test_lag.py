"""Decoders with a fixed lag: the same in windows, frame by frame, and taken in pieces."""

import numpy as np
import pytest
from live_models import DECODING, live_card

from mirzoo.errors import ArtefactError
from mirzoo.tasks.base import decoder_of
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.melody import MelodyDecoding, is_voiced
from mirzoo.tasks.melody.decoder import _LagVoicing

DURATION_S = 30.0


def outputs_of(card, seed=0):
    """Random outputs of all windows of a recording, and where they start (s)."""
    rng = np.random.default_rng(seed)
    contract = card.input
    context_s = contract.context_samples / contract.sample_rate
    starts = np.arange(-context_s, DURATION_S, contract.hop_samples / contract.sample_rate)
    rate = card.outputs[0].frame_rate
    frames = round(contract.window_samples / contract.sample_rate * rate) + 1
    given = {}
    for output in card.outputs:
        logits = 3 * rng.standard_normal((len(starts), frames, output.axes[-1].size))
        given[output.name] = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        if output.axes[-1].size == 1:
            given[output.name] = rng.uniform(size=logits.shape) ** 0.2
    return given, starts


@pytest.fixture(params=["chords", "melody", "beats"])
def card(request):
    return live_card(request.param).decoded_with(DECODING[request.param])


def test_windows_frames_and_pieces_give_the_same(card):
    outputs, starts = outputs_of(card)
    in_windows = decoder_of(card)
    for number in range(len(starts)):
        one = {name: values[number : number + 1] for name, values in outputs.items()}
        in_windows.add(one, starts[number : number + 1])
    expected = in_windows.finish(duration_s=DURATION_S).to_dict()

    joiner = FrameJoiner(card)
    joined = joiner.join(outputs, starts)
    count = joiner.count(DURATION_S)
    by_frame, pieces = decoder_of(card), []
    for frame in range(count):
        by_frame.add_frames({name: values[frame : frame + 1] for name, values in joined.items()})
        pieces.append(by_frame.take())
    pieces.append(by_frame.rest(duration_s=DURATION_S))
    pieces = [piece for piece in pieces if piece is not None]
    assert len(pieces) > (50 if card.task == "beats" else count - 20)  # a piece a beat or a frame
    received = type(pieces[0]).joined(pieces).to_dict()
    assert received.keys() == expected.keys()
    for key, value in expected.items():
        if key == "confidence":
            np.testing.assert_allclose(received[key], value, atol=1e-3)
        else:
            assert received[key] == value


def test_frames_that_are_known_to_count_do_not_wait(card):
    outputs, starts = outputs_of(card)
    waiting, knowing = decoder_of(card), decoder_of(card)
    one = {name: values[:1] for name, values in outputs.items()}
    waiting.add(one, starts[:1])
    assert waiting.take() is None
    knowing.add(one, starts[:1], until_s=2.0)
    assert knowing.take().duration_s == pytest.approx(2.0 - knowing.lag_s, abs=0.06)


def test_more_frames_than_the_recording_has_are_an_error(card):
    outputs, starts = outputs_of(card)
    decoder = decoder_of(card)
    decoder.add_frames(FrameJoiner(card).join(outputs, starts))
    with pytest.raises(ArtefactError, match=r"of a recording of 1.000 s"):
        decoder.finish(duration_s=1.0)


def test_voicing_with_a_long_lag_is_that_of_the_whole():
    decoding = MelodyDecoding(
        fmin=55.0, voicing_threshold=0.6, voicing_hysteresis=0.3, shortest_s=0.05
    )
    rng = np.random.default_rng(0)
    voicing = np.repeat(rng.uniform(size=200), rng.integers(1, 12, 200))
    lagging = _LagVoicing(decoding, 100.0, lag=60)
    decided = [*lagging.add(voicing.tolist()), *lagging.finish()]
    whole = is_voiced(voicing, decoding, 100.0)
    assert 0.2 < whole.mean() < 0.8
    np.testing.assert_array_equal(decided, whole)
    soon = _LagVoicing(decoding, 100.0, lag=2)
    quickly = [*soon.add(voicing.tolist()), *soon.finish()]
    assert 0.7 < (np.array(quickly) == whole).mean() < 1.0
