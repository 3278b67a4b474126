"""Windows that a model moved to different semitones come out in one key."""

import numpy as np
import pytest
from fake_models import make_frame_card

from mirzoo.annotate import ModelMethods, annotate, frame_outputs
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.dsp.transposition import LOWEST_TUNING_CENTS
from mirzoo.models.layers.tuning import AtConcertPitch
from mirzoo.tasks.base import decoder_of
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.chords.one_tuning import (
    WINDOWS_BACK,
    in_one_tuning,
    moved_semitones,
    turned_bass,
    turned_classes,
)

LARGE = VOCABULARIES["large"]
LOWEST = LOWEST_TUNING_CENTS / 100
FRAMES, CONTEXT, STEP_S = 101, 10, 0.8
SIZES = {"chords": 169, "root": 13, "bass": 13, "pitches": 12, "third": 36, "tuning": 2}


def card(**decoding):
    settings = {"change_penalty": 1.0, "bass_threshold": 0.5, **decoding}
    return make_frame_card(
        "chords", outputs=SIZES, labels=LARGE.labels, decoding=ChordDecoding(**settings)
    )


def outputs_of(tunings, label="E:min", bass="G", clear=0.8):
    """What a model gives of windows of one chord, each named after it was moved to a semitone.

    ``tunings`` are semitones above A = 440 Hz.
    """
    given = {name: np.zeros((len(tunings), FRAMES, size)) for name, size in SIZES.items()}
    for window, tuning in enumerate(tunings):
        moved = (tuning - LOWEST) % 1.0 + LOWEST
        off = round(tuning - moved)
        chord = turned_classes(list(LARGE.labels), off)[LARGE.index(label)]
        root = (LARGE.index(label) - 1) // 14 + off
        given["chords"][window, :, chord] = 0.97
        given["root"][window, :, 1 + root % 12] = 0.9
        low = ["C", "C#", "D", "D#", "E", "F", "F#", "G"].index(bass) + off
        given["bass"][window, :, 1 + low % 12] = 0.9
        given["pitches"][window][:, [(root + tone) % 12 for tone in (0, 3, 7)]] = 0.9
        given["third"][window, :, 3 * (root % 12) + 1] = 0.9
        angle = 2 * np.pi * tuning
        given["tuning"][window] = 0.5 + 0.5 * clear * np.array([np.cos(angle), np.sin(angle)])
    return given


def starts_of(count, first=0):
    return (first + np.arange(count)) * STEP_S - 0.1


def decoded(tunings, *, at_once=16, contract=None, **given):
    contract = contract or card()
    decoder, outputs = decoder_of(contract), outputs_of(tunings, **given)
    for first in range(0, len(tunings), at_once):
        part = {name: values[first : first + at_once] for name, values in outputs.items()}
        decoder.add(part, starts_of(len(part["chords"]), first))
    return decoder.finish(duration_s=len(tunings) * STEP_S)


def test_it_is_told_by_how_much_the_layer_moved_a_window():
    """Of a tone a bin wide, whose place behind the layer is where it was less what it moved."""
    bins = np.arange(108)
    for tuning in (-0.5, -0.2, 0.0, 0.3, 0.42):
        features = np.exp(-(((bins - 48 - 3 * tuning) / 1.2) ** 2))[np.newaxis, np.newaxis, :, None]
        for clear in (1.0, 0.05):
            phase = clear * np.array([np.cos(2 * np.pi * tuning), np.sin(2 * np.pi * tuning)])
            phases = np.zeros((1, 1, 12, 2))
            phases[0, 0, 4] = phase
            layer = AtConcertPitch(bins_per_semitone=3)
            moved = layer([features.astype("float32"), phases.astype("float32")]).numpy().ravel()
            place = (moved * bins)[40:57].sum() / moved[40:57].sum()
            [told] = moved_semitones((0.5 + 0.5 * phase)[np.newaxis, np.newaxis])
            assert place == pytest.approx(48 + 3 * (tuning - told), abs=0.12)


@pytest.mark.parametrize("at_once", [1, 16])
def test_windows_on_both_sides_of_the_seam_are_one_chord(at_once):
    tunings = [-0.52, -0.57, -0.53, -0.51, -0.56, -0.52, -0.53]
    found = decoded(tunings, at_once=at_once)
    assert found.labels == ("E:min/b3",)
    assert found.thirds[0][1] == pytest.approx(0.9)
    assert found.tuning_cents == pytest.approx(-53.4, abs=0.2)


def test_music_far_from_the_seam_stays_and_so_does_what_has_no_tuning():
    for tunings in ([0.0, 0.1, -0.1], [0.3, 0.4, 0.2], [-0.4, -0.45, -0.3]):
        assert decoded(tunings).labels == ("E:min/b3",)
    outputs = outputs_of([0.0, 0.4, 0.0])
    outputs["tuning"][1] = outputs["tuning"][1] * 0.01 + 0.99 * 0.5
    decoder = decoder_of(card())
    decoder.add(outputs, starts_of(3))
    assert decoder.finish(duration_s=2.4).labels == ("E:min/b3",)


@pytest.mark.parametrize("at_once", [1, 16])
def test_a_long_recording_is_in_the_key_of_its_tuning_as_a_whole(at_once):
    """It begins on one side of the seam and is mostly on the other, which is found out late."""
    tunings = [-0.5] * (WINDOWS_BACK + 8) + [-0.6] * 150
    found = decoded(tunings, at_once=at_once)
    assert found.labels == ("Eb:min/b3",)
    assert found.tuning_cents == pytest.approx(42.1, abs=0.5)


def test_chords_that_are_decided_at_once_go_by_all_windows_so_far():
    """However many windows come together, and wherever what is known ends."""
    contract = card(lag_s=0.1)
    tunings = [-0.52, -0.53, -0.57, -0.53, -0.57, -0.6]
    for at_once in (1, 2, 6):
        assert decoded(tunings, at_once=at_once, contract=contract).labels == ("E:min/b3",)
    mixed = [-0.5, -0.58, -0.6, -0.57, -0.52, -0.4, -0.58]
    together, streamed = decoder_of(contract), decoder_of(contract)
    together.add(outputs_of(mixed), starts_of(7))
    for number in range(7):
        part = {name: values[number : number + 1] for name, values in outputs_of(mixed).items()}
        streamed.add(part, starts_of(1, number), until_s=(number + 0.4) * STEP_S)
    results = [decoder.finish(duration_s=5.6) for decoder in (together, streamed)]
    assert results[0].segments == results[1].segments


def test_every_output_is_turned_with_the_roots():
    given, expected = (outputs_of([tuning]) for tuning in (-0.6, -0.5))
    frames = {name: values[0] for name, values in given.items()}
    frames["moved"] = np.full(FRAMES, 0.4)
    turned = in_one_tuning(card(), frames, -0.6)
    assert "moved" not in turned
    for name in SIZES.keys() - {"tuning"}:
        np.testing.assert_array_equal(turned[name], expected[name][0])
    np.testing.assert_array_equal(turned["tuning"], given["tuning"][0])
    assert in_one_tuning(card(), frames, None)["chords"] is frames["chords"]
    np.testing.assert_array_equal(turned_bass(np.eye(13)[12], 1), np.eye(13)[1])


class Detuned(ModelMethods):
    """Finds the same chord in every window, and the tuning that its waveform is tuned to.

    The waveform is a sine of 100 Hz, tuned up or down: its frequency tells.
    """

    _runtime = "fake"

    def __init__(self, tunings):
        self._card = card()
        self._tunings = list(tunings)

    def _compute(self, windows):
        rows = []
        for window in windows:
            turns = np.flatnonzero((window[:-1] < 0) & (window[1:] >= 0))
            edges = turns - window[turns] / (window[turns + 1] - window[turns])
            frequency = 1000 * (len(edges) - 1) / (edges[-1] - edges[0])
            rows.append(12 * np.log2(frequency / 100))
        return outputs_of(rows)


def tuned(cents, seconds=8.0):
    times = np.arange(int(seconds * 1000)) / 1000
    return np.sin(2 * np.pi * 100 * 2 ** (cents / 1200) * times).astype(np.float32)


@pytest.mark.parametrize("cents", [-45.0, -36.0, 0.0, 30.0])
def test_careful_passes_name_the_same_roots_and_keep_the_tuning(cents):
    plain, careful = (
        annotate(Detuned([]), tuned(cents), careful=careful) for careful in (False, True)
    )
    assert plain.labels == careful.labels == ("E:min/b3",)
    assert careful.confidence[0] > 0.95 * plain.confidence[0]
    assert careful.tuning_cents == pytest.approx(plain.tuning_cents, abs=1.0)


def test_outputs_of_a_recording_are_in_one_tuning():
    music = np.concatenate([tuned(-52, 4.0), tuned(-57.5, 2.4), tuned(-51, 4.0)])
    _, outputs = frame_outputs(Detuned([]), music)
    assert set(outputs) == set(SIZES)
    inside = outputs["chords"].argmax(axis=1)
    assert np.mean(inside == LARGE.index("E:min")) > 0.8
