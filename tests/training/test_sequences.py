"""Stretches of features: labels move with them, and what is unknown costs nothing."""

import numpy as np
import pytest

from mirzoo.data.corpus import Item, prepare
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.dsp.transposition import LOWEST_TUNING_CENTS, catmull_rom, tuning_of_magnitudes
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation
from mirzoo.tasks.chords.targets import ChordTargets
from mirzoo.training.alterations import alter_magnitudes, transpose, transpose_spectrum
from mirzoo.training.sequences import FeatureTrack, Sequences

LARGE = VOCABULARIES["large"]


TIMES = np.arange(40) / 10


def labelled(item: Item):
    f0 = np.full(400, 220.0, np.float32)
    f0[:100], f0[300:] = 0.0, np.nan
    chords = (ChordSpan(0, 1, "N"), ChordSpan(1, 2, "A:min7/b3"), ChordSpan(2, 3, "X"))
    return np.zeros(64000, np.float32), Labels(chords=chords, f0=f0)


@pytest.fixture
def corpus(tmp_path):
    items = [Item("one", "toys", "a", "", "train"), Item("two", "toys", "b", "", "train")]
    return prepare(
        items,
        tmp_path / "toys",
        make=labelled,
        min_seconds=1,
        processes=1,
    )


def test_transposing_moves_bins_and_lets_nothing_in():
    spectrum = np.arange(6, dtype=np.float32).reshape(1, 6, 1) + 1
    assert transpose(spectrum, 2).ravel().tolist() == [0, 0, 1, 2, 3, 4]
    assert transpose(spectrum, -2).ravel().tolist() == [3, 4, 5, 6, 0, 0]
    assert transpose(spectrum, -2, circular=True).ravel().tolist() == [3, 4, 5, 6, 1, 2]


@pytest.mark.parametrize("semitones", [-7, -3, 0, 4])
def test_a_spectrum_moves_as_the_sound_would(semitones):
    def spectrum(ratio):
        samples = np.arange(2048) / 16000
        harmonics = [np.sin(2 * np.pi * 220.0 * ratio * k * samples) / k for k in range(1, 9)]
        return np.abs(np.fft.rfft(np.hanning(2048) * sum(harmonics))).astype(np.float16)

    moved = transpose_spectrum(spectrum(1.0).reshape(1, -1, 1), semitones)[0, :, 0]
    expected = spectrum(2 ** (semitones / 12)).astype(np.float32)
    assert moved.dtype == np.float32 and moved.argmax() == expected.argmax()
    assert np.corrcoef(moved, expected)[0, 1] > 0.95


def test_nothing_comes_in_from_above_a_spectrum():
    moved = transpose_spectrum(np.ones((2, 9, 1), np.float16), -12)
    assert moved[:, :5].min() == 1 and moved[:, 5:].max() == 0


def test_alterations_are_by_frequency():
    frequencies = np.array([[100.0, 200.0], [200.0, 400.0]])
    altered = alter_magnitudes(
        np.ones((3, 5, 2, 2), np.float32),
        Augmentation(gain_db=(-6, 6), equaliser_probability=1.0),
        np.random.default_rng(0),
        frequencies,
    )
    np.testing.assert_allclose(altered[:, :, 0, 1], altered[:, :, 1, 0], rtol=1e-6)
    assert len(np.unique(altered[:, 0, 0, 0])) == 3 and np.ptp(altered[0, :, 0, 0]) == 0


def test_noise_fills_gaps_and_spares_what_is_louder():
    magnitudes = np.zeros((50, 40, 20, 1), np.float32)
    magnitudes[:, :, 10] = 1.0
    noisy = Augmentation(noise_probability=1.0, noise_db=(-20.0, -20.0))
    altered = alter_magnitudes(magnitudes, noisy, np.random.default_rng(0), np.ones((20, 1)))
    rayleigh_mean = 0.1 * np.sqrt(np.pi / 2)
    assert altered[:, :, 3].mean() == pytest.approx(rayleigh_mean, rel=0.05)
    assert altered[:, :, 10].mean() == pytest.approx(1.0, abs=0.01)
    assert altered[:, :, 10].std() == pytest.approx(0.1, rel=0.05)
    rare = Augmentation(noise_probability=0.5, noise_db=(-20.0, -20.0))
    altered = alter_magnitudes(magnitudes, rare, np.random.default_rng(0), np.ones((20, 1)))
    assert 10 < np.count_nonzero(altered[:, 0, 3, 0]) < 40


def sequences(corpus, **options):
    targets = ChordTargets(corpus, [TIMES, TIMES], LARGE)
    magnitudes = np.repeat(1 + np.arange(80), 252).reshape(80, 252, 1).astype(np.float16)
    track = FeatureTrack(magnitudes, np.array([0, 40]), np.array([40, 80]), targets)
    settings = {
        "length": 16,
        "per_item": 9,
        "batch_size": 2,
        "frequencies": np.ones((252, 1)),
        **options,
    }
    return Sequences([track], **settings)


def up(magnitudes, semitones):
    return transpose(magnitudes, 3 * semitones)


def test_an_epoch_is_repeatable_and_the_next_differs(corpus):
    drawn = sequences(corpus, transpose=up, transpose_semitones=(-6, 5), seed=3)
    assert len(drawn) == 2
    first, known = drawn.batch(0, 1)
    again, _ = drawn.batch(0, 1)
    other, _ = drawn.batch(1, 1)
    assert first.shape == (2, 16, 252, 1) and known["chords"].shape == (2, 16, 169)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_features_move_with_their_labels(corpus):
    def mark(magnitudes, semitones):
        return np.full_like(magnitudes, 100 + semitones)

    def heard(drawn, epoch):
        features, known = drawn.batch(epoch, 0)
        return features, known["chords"]

    drawn = sequences(corpus, transpose=mark, transpose_semitones=(-6, 5), seed=3)
    seen = set()
    for epoch in range(20):
        for features, chords in zip(*heard(drawn, epoch)):
            semitones = int(features.max()) - 100 if features.max() >= 94 else 0
            named = set(chords.argmax(axis=1)[chords.any(axis=1)]) - {LARGE.index("N")}
            wanted = LARGE.transpose(np.array([LARGE.index("A:min7")]), semitones)[0]
            assert named <= {wanted}
            seen.add(semitones)
    assert min(seen) < 0 < max(seen)


FREQUENCIES = 55 * 2 ** (np.arange(108).reshape(108, 1) / 36)


def tones(cents):
    """Octaves of A, this much higher, in bins of a third of a semitone."""
    shape = sum(np.exp(-0.5 * (np.arange(108) - 3 * cents / 100 - at) ** 2) for at in (36, 72))
    return np.repeat(shape.reshape(1, 108, 1), 8, axis=0).astype(np.float32)


@pytest.mark.parametrize("cents", [-40, -10, 0, 20, 40])
def test_the_tuning_of_magnitudes_is_theirs(cents):
    assert tuning_of_magnitudes(tones(cents), FREQUENCIES) == pytest.approx(cents, abs=1.5)
    assert tuning_of_magnitudes(np.zeros((2, 108, 1)), FREQUENCIES) == 0


@pytest.mark.parametrize("bins", [-1.3, -0.5, 0.2, 0.9])
def test_features_move_as_in_the_graph(bins):
    """With the kernel of `AtConcertPitch`, where nothing is below 0."""
    values = tones(0)[:1]
    distances = np.minimum(np.abs(bins - np.arange(-4.0, 5.0)), 2.0)
    kernel = np.where(distances < 1, *catmull_rom(distances))
    padded = np.pad(values[0, :, 0], 4)
    moved = [(kernel[::-1] * padded[place : place + 9]).sum() for place in range(108)]
    np.testing.assert_allclose(transpose(values, bins)[0, :, 0], np.maximum(moved, 0), atol=1e-6)


def test_features_move_by_fractions_of_a_semitone():
    np.testing.assert_allclose(up(tones(-10), 0.25), tones(15), atol=0.05)
    assert up(np.eye(9, dtype=np.float32)[:, :, np.newaxis], 0.1).min() == 0


def test_half_of_a_batch_is_the_other_half_in_other_tunings(corpus):
    drawn = Sequences(
        [FeatureTrack(np.concatenate([tones(20)] * 10), np.array([0, 40]), np.array([40, 80]),
                      ChordTargets(corpus, [TIMES, TIMES], LARGE))],
        length=16, per_item=9, batch_size=4, frequencies=FREQUENCIES, transpose=up, twins=True,
    )  # fmt: skip
    assert len(drawn) == 2
    tunings = set()
    for epoch in range(40):
        features, known = drawn.batch(epoch, 0)
        np.testing.assert_array_equal(known["chords"][:2], known["chords"][2:])
        for one, twin in zip(features[:2], features[2:]):
            assert tuning_of_magnitudes(one, FREQUENCIES) == pytest.approx(20, abs=1.5)
            tunings.add(tuning_of_magnitudes(twin, FREQUENCIES))
            loudest = twin.max(axis=0).ravel()[30:42].argmax() - 6
            assert LOWEST_TUNING_CENTS - 20 < loudest * 100 / 3 < LOWEST_TUNING_CENTS + 120
    assert min(tunings) < -45 and max(tunings) > 35 and len(tunings) == 80
    assert not sequences(corpus, transpose=up, twins=True, shuffle=False).twins


@pytest.mark.parametrize(("batch_size", "rows"), [(1, 2), (2, 2), (3, 2), (4, 4)])
def test_every_example_has_its_twin(corpus, batch_size, rows):
    frequencies = 440.0 * 2 ** (np.arange(252)[:, np.newaxis] / 36)
    drawn = sequences(
        corpus, transpose=up, twins=True, batch_size=batch_size, frequencies=frequencies
    )
    features, known = drawn.batch(0, 0)
    assert len(features) == len(known["chords"]) == rows


def test_twins_need_bins_that_move(corpus):
    with pytest.raises(ValueError, match="twins need a function"):
        sequences(corpus, twins=True)


@pytest.mark.parametrize("excerpt_probability", [0.0, 1.0])
def test_features_and_labels_stay_together(corpus, excerpt_probability):
    drawn = sequences(corpus, seed=1, excerpt_probability=excerpt_probability)
    for epoch in range(20):
        features, known = drawn.batch(epoch, 0)
        for spectrum, chords in zip(features[:, :, 0, 0], known["chords"]):
            place = (spectrum.astype(int) - 1) % 40
            sounding = (spectrum > 0) & (place >= 10) & (place < 20)
            assert (LARGE.index("A:min7") == chords.argmax(axis=1))[sounding].all()
            assert not chords[spectrum == 0].any()


def test_excerpts_are_of_any_length_within_silence(corpus):
    drawn = sequences(corpus, seed=2, excerpt_probability=1.0)
    lengths = set()
    for epoch in range(100):
        for spectrum in drawn.batch(epoch, 0)[0][:, :, 0, 0]:
            sounding = np.flatnonzero(spectrum)
            lengths.add(len(sounding))
            assert (np.diff(sounding) == 1).all()
            assert (np.diff(spectrum[sounding]) == 1).all()
    assert lengths >= set(range(1, 15))


def test_validation_lies_side_by_side(corpus):
    drawn = sequences(corpus, shuffle=False, excerpt_probability=1.0)
    starts = [row[0, 0, 0] for number in range(len(drawn)) for row in drawn.batch(0, number)[0]]
    assert starts == [1, 17, 41, 57]


def test_too_little_for_a_batch_is_said(corpus):
    with pytest.raises(DataError, match="do not fill one batch of 99"):
        sequences(corpus, batch_size=99)


class Clicks:
    """A click every 20 frames, each a frame of energy and a target."""

    rows = (np.arange(2000) % 20 == 7).astype(np.float32)[:, None]

    def read(self, start, stop, semitones):
        return {"clicks": self.rows[start:stop]}

    def unknown(self, count):
        return {"clicks": np.full((count, 1), -1.0, np.float32)}


def test_clicks_stay_on_their_labels_at_every_tempo():
    magnitudes = Clicks.rows.reshape(2000, 1, 1).astype(np.float16)
    track = FeatureTrack(magnitudes, np.array([0]), np.array([2000]), Clicks())
    drawn = Sequences(
        [track], length=400, per_item=3, batch_size=1, frequencies=np.ones((1, 1)),
        augmentation=Augmentation(tempo=(0.7, 1.4)), events=True, seed=1,
    )  # fmt: skip
    gaps, drifts = set(), []
    for epoch in range(30):
        features, known = drawn.batch(epoch, 0)
        assert features.shape == (1, 400, 1, 1) and known["clicks"].shape == (1, 400, 1)
        energy, clicks = features[0, :, 0, 0], known["clicks"][0, :, 0]
        labelled = np.flatnonzero(clicks == 1)
        assert not energy[clicks == -1].any()
        near = np.maximum(energy, np.maximum(np.roll(energy, 1), np.roll(energy, -1)))
        assert (near[labelled] > 0.2).all()
        gaps.add(round(float(np.diff(labelled).mean())))
        drifts.append(np.ptp(np.diff(labelled)) > 1)
    assert min(gaps) < 17 and max(gaps) > 24
    assert 5 < sum(drifts) < 25


@pytest.mark.parametrize("tempo", [(1.2, 0.8), (0.1, 1.0), (1.0, 3.0)])
def test_a_tempo_out_of_range_is_refused(tempo):
    with pytest.raises(ValueError, match="from 0.5 to 2"):
        Augmentation(tempo=tempo)


def test_a_tempo_that_does_not_change_is_not_on_cards():
    assert "tempo" not in Augmentation().model_dump(mode="json")
    assert Augmentation(tempo=(0.8, 1.2)).model_dump(mode="json")["tempo"] == [0.8, 1.2]
