"""Recordings that are processed several times, each time tuned a little higher or lower."""

import numpy as np
import pytest
import soundfile
from fake_models import FakeFrameRunner, FakeRunner, make_frame_card

from mirzoo import hub
from mirzoo.annotate import annotate, annotate_together
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.engines.one_file import Job, OneFile, Setup
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


def test_models_of_one_pass_do_theirs_next_to_careful_ones(tmp_path):
    """The switch is for those that have it; all read the recording once, at their own rates."""
    card = make_frame_card("key", outputs={"keys": 24}, labels=KEYS, decoding=KeyDecoding())
    key, tagger = FakeFrameRunner(card), FakeRunner()
    song = tmp_path / "song.wav"
    samples = np.random.default_rng(0).uniform(-1, 1, 12 * 16000)
    soundfile.write(song, np.stack([samples, -0.9 * samples], axis=1), 16000)
    chords, *others = annotate_together([runner(), key, tagger], song, careful=True)
    alone = annotate_together([key, tagger], song)
    assert [one.to_dict() for one in others] == [one.to_dict() for one in alone]
    assert all(one.warnings for one in (chords, *others))
    assert chords.to_dict() == annotate(runner(), song, careful=True).to_dict()
    broken = FakeRunner()
    broken.predict_windows = None
    _, error = annotate_together([runner(), broken], song, careful=True, return_errors=True)
    assert isinstance(error, TypeError)
    with pytest.raises(AudioError, match="an array states no rate"):
        annotate_together([runner(), FakeRunner()], chord_changes(), careful=True)


def test_a_run_goes_on_where_the_careful_results_are_there(tmp_path):
    song = tmp_path / "song.wav"
    soundfile.write(song, np.random.default_rng(0).uniform(-1, 1, 64000), 16000)
    one_file = OneFile(Setup(("chords", "tags"), careful=True), [runner(), FakeRunner()])
    for wanted in ((True, True), (False, True), (True, False)):
        outcome = one_file(Job(str(song), wanted=wanted))
        assert not outcome.failures and len(outcome.reports) == sum(wanted)


def test_what_cannot_be_read_is_an_error_or_stands_in_its_place():
    with pytest.raises(AudioError):
        annotate(runner(), "nowhere.wav", careful=True)
    [error] = annotate_together([runner()], "nowhere.wav", careful=True, return_errors=True)
    assert isinstance(error, AudioError)
    [error] = annotate_together([runner()], np.zeros(10), careful=True, return_errors=True)
    assert isinstance(error, AudioError)


@pytest.mark.parametrize("more", [0, 20])
def test_a_recording_of_the_least_length_is_taken(more):
    model = hub.load("cqt_crnn_chords", runtime="litert")
    times = np.arange(model.card.input.min_samples + more) / model.card.sample_rate
    tones = np.sin(2 * np.pi * np.outer(times, [220.0, 277.18, 329.63]))
    waveform = 0.1 * tones.sum(axis=1).astype(np.float32)
    careful, plain = (annotate(model, waveform, careful=each) for each in (True, False))
    assert careful.duration_s == plain.duration_s
    assert careful.labels == plain.labels
