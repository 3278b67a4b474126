"""Recordings that are processed several times, each time tuned a little higher or lower."""

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_frame_card

from mirzoo.annotate import annotate, annotate_together
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.key import KeyDecoding
from mirzoo.tasks.key.names import LABELS as KEYS

LABELS = VOCABULARIES["majmin"].labels


def runner():
    card = make_frame_card(
        "chords", outputs={"chords": 25}, labels=LABELS, decoding=ChordDecoding(change_penalty=1.0)
    )
    return FakeFrameRunner(card)


def chord_changes():
    """The value of a sample is its class: three chords, 4 s each."""
    return np.repeat([1, 5, 9], 4000).astype(np.float32)


def test_chords_keep_their_times_and_each_tuning_is_processed():
    once, five = runner(), runner()
    plain = annotate(once, chord_changes())
    careful = annotate(five, chord_changes(), careful=True)
    assert careful.labels == plain.labels == ("C:maj", "D:maj", "E:maj")
    np.testing.assert_allclose(careful.intervals, plain.intervals, atol=0.03)
    assert careful.duration_s == plain.duration_s
    assert 4.5 * once.windows < five.windows < 5.6 * once.windows


def test_outputs_are_the_mean_over_tunings():
    """A frame at a change lies before it in some passes and behind it in others."""
    from mirzoo.annotate.careful import mean_outputs

    times, outputs = mean_outputs(runner(), chord_changes())
    assert len(times) == 1200
    changing = outputs["chords"][np.abs(times - 8.0) < 0.08]
    assert ((changing > 0.1) & (changing < 0.9)).any()
    np.testing.assert_allclose(outputs["chords"].sum(axis=1), 1.0, atol=1e-6)


def test_tasks_of_one_pass_refuse():
    card = make_frame_card("key", outputs={"keys": 24}, labels=KEYS, decoding=KeyDecoding())
    with pytest.raises(
        AnnotationError,
        match="for models of chords alone; received one of key\\. Leave careful out",
    ):
        annotate(FakeFrameRunner(card), chord_changes(), careful=True)


def test_what_cannot_be_read_is_an_error_or_stands_in_its_place():
    with pytest.raises(AudioError):
        annotate(runner(), "nowhere.wav", careful=True)
    [error] = annotate_together([runner()], "nowhere.wav", careful=True, return_errors=True)
    assert isinstance(error, AudioError)
    [error] = annotate_together([runner()], np.zeros(10), careful=True, return_errors=True)
    assert isinstance(error, AudioError)
