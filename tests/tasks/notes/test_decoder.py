"""Notes are read off activations as basic-pitch reads them, however long the recording."""

from __future__ import annotations

import numpy as np
import pytest

from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec
from mirzoo.errors import ArtefactError
from mirzoo.tasks import decode
from mirzoo.tasks.notes import (
    FrameNote,
    NoteDecoder,
    NotesDecoding,
    find_notes,
    follow_bends,
    with_rises,
)

DECODING = NotesDecoding()
SHORTEST = 11.08
A4 = 48  # key of the piano, from A0


@pytest.fixture
def activations():
    """Silence: note, onset and contour of 100 frames."""
    return np.zeros((100, 88)), np.zeros((100, 88)), np.zeros((100, 264))


def find(note, onset):
    return find_notes(note, onset, DECODING, SHORTEST)


def test_silence_has_no_notes(activations):
    note, onset, _ = activations
    assert find(note, onset) == []


def test_a_note_lasts_from_its_onset_until_it_fades(activations):
    note, onset, _ = activations
    note[20:50, A4], onset[20, A4] = 0.8, 0.9
    assert find(note, onset) == [FrameNote(20, 50, A4, pytest.approx(0.8))]


def test_a_short_gap_does_not_end_a_note_and_a_long_one_does(activations):
    note, onset, _ = activations
    note[20:35, A4], onset[20, A4] = 0.8, 0.9
    note[35:45, A4], note[45:70, A4] = 0.2, 0.4
    assert [(n.start, n.end) for n in find(note, onset)] == [(20, 70)]
    note[45, A4] = 0.2
    onset[46, A4] = 0.9
    assert [(n.start, n.end) for n in find(note, onset)] == [(46, 70), (20, 35)]


def test_a_struck_key_begins_anew_while_it_still_sounds(activations):
    note, onset, _ = activations
    note[20:80, A4] = 0.8
    onset[[20, 50], A4] = 0.9
    assert [(n.start, n.end) for n in find(note, onset)] == [(50, 80), (20, 50)]


def test_short_notes_are_dropped(activations):
    note, onset, _ = activations
    note[20:31, A4], onset[20, A4] = 0.8, 0.9
    assert find(note, onset) == []
    note[31, A4] = 0.8
    assert [(n.start, n.end) for n in find(note, onset)] == [(20, 32)]


def test_a_note_without_onset_is_found_from_its_middle(activations):
    note, onset, _ = activations
    swell = np.concatenate([np.linspace(0.31, 0.7, 25), np.linspace(0.7, 0.31, 25)])
    note[20:70, A4] = swell
    onset[3, 0] = 0.6
    (found,) = find(note, onset)
    assert (found.start, found.key) == (20, A4)
    assert found.end in (69, 70)


def test_the_neighbouring_keys_of_a_note_are_used_up(activations):
    note, onset, _ = activations
    note[20:50, A4], onset[20, A4] = 0.8, 0.9
    note[20:50, [A4 - 1, A4 + 1]] = 0.35
    assert [n.key for n in find(note, onset)] == [A4]


@pytest.mark.parametrize("key", [0, 87])
def test_the_ends_of_the_keyboard_are_keys_like_others(activations, key):
    note, onset, contour = activations
    note[20:50, key], onset[20, key] = 0.8, 0.9
    contour[:, 3 * key] = 0.9
    (found,) = find(note, onset)
    assert found.key == key
    np.testing.assert_array_equal(follow_bends(contour, found, 3), 0.0)


def test_a_sudden_rise_is_an_onset(activations):
    note, onset, _ = activations
    note[20:50, A4], note[60:90, A4 + 12] = 0.8, 0.8
    onset[60, A4 + 12] = 0.9
    assert with_rises(onset, note)[20, A4] == pytest.approx(0.9)
    assert [n.start for n in find(note, onset)] == [60, 20]


def test_bends_follow_the_contour_near_the_note(activations):
    _, _, contour = activations
    frames = np.arange(20, 50)
    glide = np.linspace(0, 6, 30).round().astype(int)
    contour[frames, 3 * A4 + glide] = 0.9
    contour[frames, 3 * A4 + 36] = 1.0  # an octave above, too far to be its own
    bends = follow_bends(contour, FrameNote(20, 50, A4, 0.8), 3)
    np.testing.assert_allclose(bends, glide / 3)


def plainly_found(note, onset):
    """Both passes in the plainest way, the second by the maximum of what is left."""
    n_frames, left, found = len(note), note.copy(), []
    onset = with_rises(onset, note)

    def sounds(frames, key, used_up):
        silent, last = 0, None
        for frame in frames:
            last = frame
            silent = silent + 1 if left[frame, key] < DECODING.frame_threshold else 0
            if used_up:
                left[frame, max(0, key - 1) : key + 2] = 0
            if silent == 11:
                break
        return last, silent

    for frame in range(n_frames - 2, 0, -1):
        for key in range(87, -1, -1):
            here = onset[frame, key]
            if here < 0.5 or here <= onset[frame - 1, key] or here <= onset[frame + 1, key]:
                continue
            last, silent = sounds(range(frame + 1, n_frames - 1), key, False)
            end = frame + 1 if last is None else last + 1 - silent
            if end - frame > 11:
                left[frame:end, max(0, key - 1) : key + 2] = 0
                found.append((frame, end, key))
    while left.max() > DECODING.frame_threshold:
        middle, key = np.unravel_index(left.argmax(), left.shape)
        left[middle, key] = 0
        last, silent = sounds(range(middle + 1, n_frames - 1), key, True)
        end = middle if last is None else last - silent
        last, silent = sounds(range(middle - 1, 0, -1), key, True)
        start = middle if last is None else last + silent
        if end - start > 11:
            found.append((start, end, key))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_is_what_the_plain_way_finds(seed):
    rng = np.random.default_rng(seed)
    smooth = np.apply_along_axis(np.convolve, 0, rng.random((300, 88)), np.ones(15) / 15, "same")
    note = np.clip(3 * (smooth - 0.45), 0, 1)
    onset = np.where(rng.random(note.shape) < 0.01, rng.random(note.shape), 0.0)
    found = [(n.start, n.end, n.key) for n in find(note, onset)]
    assert len(found) > 50
    assert found == plainly_found(note, onset)


def note_card(**decoding):
    frame = Axis(name="frame", size=None, unit="frame")
    return Card(
        name="some_notes",
        task="notes",
        description="Hears keys.",
        recipe=None,
        input=InputContract(
            sample_rate=1000,
            min_samples=1,
            window_samples=1000,
            hop_samples=800,
            pad_left_samples=100,
        ),
        labels=[],
        activation="sigmoid",
        outputs=[
            OutputSpec(
                name=name,
                axes=[frame, Axis(name="key", size=size, unit="probability")],
                frame_rate=100.0,
            )
            for name, size in (("note", 88), ("onset", 88), ("contour", 264))
        ],
        decoding=NotesDecoding(**decoding),
        parameters=1,
        licences=Licences(code="MIT", weights="MIT", data="CC0-1.0"),
        citation="nobody",
        provenance="made up",
    )


def test_decoding_gives_notes_in_seconds_with_their_pitches(activations):
    note, onset, contour = activations
    note[40:70, A4], onset[40, A4] = 0.8, 0.9
    contour[:, 3 * A4 + 1] = 0.9
    card = note_card()
    outputs = {"note": note[None], "onset": onset[None], "contour": contour[None]}
    notes = decode(card, outputs, np.array([-0.1]), duration_s=0.8, source="song.wav")
    (heard,) = notes.notes
    # 10 frames of the window lie before the recording.
    assert (heard.start_s, heard.end_s) == pytest.approx((0.3, 0.6))
    assert (heard.pitch, heard.name) == (69, "A4")
    assert heard.amplitude == pytest.approx(0.8)
    assert heard.bends == pytest.approx([1 / 3] * 30)
    assert (notes.duration_s, notes.source, notes.model) == (0.8, "song.wav", "some_notes")


def activations_like_music(seed, frames):
    """Notes of all lengths with wavering loudness, some of them struck, in float32."""
    rng = np.random.default_rng(seed)
    note = np.abs(rng.normal(0.05, 0.05, (frames, 88)))
    onset = np.abs(rng.normal(0.05, 0.05, (frames, 88)))
    for _ in range(frames // 4):
        start, length = rng.integers(0, frames), int(rng.exponential(30)) + 1
        key = int(np.clip(rng.normal(40, 9), 0, 87))
        end = min(frames, start + length)
        note[start:end, key] += rng.uniform(0.1, 0.9) * rng.uniform(0.4, 1, end - start)
        if rng.random() < 0.6:
            onset[start, key] += rng.random()
    contour = rng.random((frames, 264))
    return [np.clip(values, 0, 1).astype(np.float32) for values in (note, onset, contour)]


def found_at_once(activations, decoding, shortest):
    note, onset, contour = activations
    return sorted(
        (found.start, found.end, found.key, min(1.0, found.amplitude),
         tuple(follow_bends(contour, found, 3)))
        for found in find_notes(note, onset, decoding, shortest)
    )  # fmt: skip


def found_in_parts(activations, sizes, decoding, shortest):
    """What a decoder gives for the same frames, in windows of its card."""
    card = note_card(**decoding.model_dump(exclude={"type"}))
    decoder = NoteDecoder(card)
    decoder._shortest_frames = shortest
    frames = len(activations[0])
    names = ("note", "onset", "contour")
    windows = -(-frames // 80)
    padded = [np.pad(a, ((10, 80 * windows - frames + 10), (0, 0))) for a in activations]
    number = 0
    while number < windows:
        count = min(next(sizes), windows - number)
        cut = [
            np.stack([a[80 * n : 80 * n + 100] for n in range(number, number + count)])
            for a in padded
        ]
        starts = 0.8 * np.arange(number, number + count) - 0.1
        decoder.add(dict(zip(names, cut, strict=True)), starts)
        number += count
    notes = decoder.finish(duration_s=frames / 100).notes
    return [
        (round(100 * n.start_s), round(100 * n.end_s), n.pitch - 21, n.amplitude, n.bends)
        for n in notes
    ]


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_what_comes_in_parts_gives_the_same_notes(seed):
    rng = np.random.default_rng(seed)
    for decoding in (NotesDecoding(), NotesDecoding(frame_threshold=0.2, shortest_s=0.03)):
        activations = activations_like_music(seed, 1500 + 17 * seed)
        shortest = decoding.shortest_s * 100
        expected = found_at_once(activations, decoding, shortest)
        sizes = iter(rng.integers(1, 6, 100).tolist())
        assert found_in_parts(activations, sizes, decoding, shortest) == expected
        assert len(expected) > 50


def test_notes_of_a_frame_come_from_onsets_alone():
    """Where single frames are notes, onsets matter where nothing sounds."""
    activations = activations_like_music(7, 400)
    decoding = NotesDecoding(shortest_s=0.0)
    expected = found_at_once(activations, decoding, 0.0)
    assert found_in_parts(activations, iter([2, 3] * 9), decoding, 0.0) == expected
    assert min(end - start for start, end, *_ in expected) == 1


@pytest.mark.slow
def test_what_sounds_all_the_time_is_one_group():
    note = np.full((600, 88), 0.9, np.float32)
    onset, contour = np.zeros((600, 88), np.float32), np.zeros((600, 264), np.float32)
    onset[300, 40] = 0.8
    activations = note, onset, contour
    expected = found_at_once(activations, DECODING, SHORTEST)
    assert found_in_parts(activations, iter([1] * 99), DECODING, SHORTEST) == expected
    assert len(expected) > 20


def test_more_than_the_recording_has_is_refused(activations):
    decoder = NoteDecoder(note_card())
    outputs = dict(zip(("note", "onset", "contour"), activations, strict=True))
    for start in (-0.1, 0.7, 1.5, 2.3):
        decoder.add({name: values[None] for name, values in outputs.items()}, np.array([start]))
    with pytest.raises(ArtefactError, match="160 frames.*0.500 s, which has 50"):
        decoder.finish(duration_s=0.5)
