"""Chords, melody and notes: files that come back, pictures, sounds and MIDI."""

import io
import json
import re
import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import jams
import matplotlib.pyplot as plt
import mido
import mir_eval
import numpy as np
import pytest
import soundfile

from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.annotation import pictures, sound
from mirzoo.tasks.annotation.midi_file import BentNote, midi_bytes
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import Chords
from mirzoo.tasks.chords.annotation import JAMS_LABEL
from mirzoo.tasks.melody import Melody
from mirzoo.tasks.notes import Note, Notes
from mirzoo.tasks.tagging import Tags

RATE = 22050


@pytest.fixture
def chords():
    return Chords(
        [(0.0, 1.5, "C:maj"), (1.5, 2.25, "G:7/3"), (2.25, 3.0, "N"), (3.0, 4.0, "A:min(9)")],
        confidence=[0.9, 0.6, 0.8, 0.7],
        source="music/für elise.flac",
        duration_s=4.25,
        model="cqt_crnn_chords",
    )


def two_notes(rate=100):
    """A4 with vibrato for a second, a rest, then a scoop up to C5."""
    time = np.arange(0, 2.5, 1 / rate)
    pitch = np.where(time < 1.2, 69 + 0.4 * np.sin(2 * np.pi * 5.5 * time), 72.0)
    scoop = (time >= 1.2) & (time < 1.3)
    pitch[scoop] = 70.5 + 15 * (time[scoop] - 1.2)
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    f0[(time >= 1.0) & (time < 1.2)] *= -1
    return time, f0


@pytest.fixture
def melody():
    time, f0 = two_notes()
    return Melody(
        time, f0, confidence=np.where(f0 > 0, 0.9, 0.2), source="song.wav", duration_s=2.5,
        model="hcqt_cnn_melody",
    )  # fmt: skip


@pytest.fixture
def notes():
    return Notes(
        [Note(0.5, 1.0, 64, 0.5), Note(0.0, 2.0, 60.25, 0.8, (0.0, 0.5, -0.25))],
        source="song.wav", duration_s=2.5, model="basic_pitch",
    )  # fmt: skip


def same(one, other):
    one, other = one.to_dict(), other.to_dict()
    for key in set(one) | set(other):
        if key not in ("source", "model", "duration_s"):
            assert one[key] == other[key], key
    return one["source"] == other["source"] and one["model"] == other["model"]


KINDS = [task.annotation for task in TASKS.values()]
CASES = [(kind.task, suffix) for kind in KINDS if kind.task not in ("tagging", "key", "beats")
         for suffix in kind.readable]  # fmt: skip


@pytest.mark.parametrize(("task", "suffix"), CASES)
def test_files_come_back(request, tmp_path, task, suffix):
    annotation = request.getfixturevalue(task)
    path = annotation.write(tmp_path / f"song{suffix}")
    read = type(annotation).read(path)
    if suffix == ".lab":
        assert read.segments == annotation.segments
    else:
        knows_source = same(read, annotation)
        assert knows_source == (suffix != ".csv")
    if suffix in (".json", ".jams"):
        assert read.duration_s == annotation.duration_s
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("task", ["chords", "melody", "notes"])
def test_another_format_is_refused(request, tmp_path, task):
    annotation = request.getfixturevalue(task)
    with pytest.raises(AnnotationError, match=r"allowed are \.jams, \.json, \.csv"):
        annotation.write(tmp_path / "song.xml")
    (tmp_path / "song.json").write_text("{}")
    with pytest.raises(AnnotationError, match=f"does not hold {annotation.kind}"):
        type(annotation).read(tmp_path / "song.json")
    midi = annotation.write(tmp_path / "song.mid")
    with pytest.raises(AnnotationError, match=r"'\.mid' is no format"):
        type(annotation).read(midi)
    with pytest.raises(AnnotationError, match=r"nowhere.*folder exist"):
        annotation.write(tmp_path / "nowhere" / "song.csv")


@pytest.mark.parametrize("task", ["chords", "melody", "notes"])
def test_jams_are_valid_and_say_who_made_them(request, tmp_path, task):
    annotation = request.getfixturevalue(task)
    document = jams.load(str(annotation.write(tmp_path / "song.jams")), strict=True)
    (heard,) = document.annotations
    assert heard.namespace == {
        "chords": "chord", "melody": "pitch_contour", "notes": "note_midi",
    }[task]  # fmt: skip
    assert annotation.model in heard.annotation_metadata.annotation_tools
    assert document.file_metadata.duration == annotation.duration_s


def test_jams_has_no_chords_but_its_own(tmp_path):
    schema = Path(jams.__file__).parent / "schemata" / "namespaces" / "chord" / "chord.json"
    pattern = json.loads(schema.read_text())["chord"]["value"]["pattern"]
    labels = [
        f"{root}{quality}{degrees}{bass}"
        for root in ("C", "F#", "Bbb", "H")
        for quality in ("", ":", ":maj", ":min7", ":b9", ":minmaj9", ":aug7", ":13", ":foo")
        for degrees in ("", "(9)", "(*3,b7)", "(14)", "(", ":(1,5)", "()")
        for bass in ("", "/3", "/b7", "/14", "/")
    ] + ["N", "X", "Y", "N/3"]
    for label in labels:
        assert bool(JAMS_LABEL.fullmatch(label)) == bool(re.search(pattern, label)), label
    odd = Chords([(0.0, 1.0, "C:maj"), (1.0, 2.0, "C:b9")])
    with pytest.raises(AnnotationError, match=r"JAMS has no chords like 'C:b9'; write \.lab"):
        odd.write(tmp_path / "odd.jams")
    assert Chords.read(odd.write(tmp_path / "odd.lab")).labels == odd.labels
    assert [path.name for path in tmp_path.iterdir()] == ["odd.lab"]


@pytest.mark.parametrize("task", ["chords", "melody", "notes"])
def test_json_is_what_python_writes(request, tmp_path, task):
    annotation = request.getfixturevalue(task).with_warnings(["for one: an ü"])
    document = annotation.to_dict()
    written = annotation.write(tmp_path / "song.json").read_text(encoding="utf-8")
    assert written == json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    assert "".join(annotation.json_pieces(n=1)) == json.dumps({**document, "n": 1})


@pytest.mark.slow
def test_files_of_long_annotations_are_whole(tmp_path):
    """More than a block of everything, written and read again."""
    rng = np.random.default_rng(0)
    count = 4_200
    starts = np.cumsum(rng.uniform(0.1, 2, count)).round(3)
    labels = [f"{root}:min7" for root in rng.choice(list("CDEFG"), count)]
    spans = zip(starts[:-1].tolist(), starts[1:].tolist(), labels)
    chords = Chords(list(spans), confidence=rng.random(count - 1).round(3))
    melody = Melody(np.arange(count) / 100, rng.uniform(-880, 880, count).round(2))
    notes = Notes([Note(s, s + 1.0, 60.5, 0.5, (0.25,)) for s in starts.tolist()])
    for annotation in (chords, melody, notes):
        for suffix in annotation.readable:
            read = type(annotation).read(annotation.write(tmp_path / f"x{suffix}"))
            if suffix != ".lab":
                same(read, annotation)


@pytest.mark.parametrize("task", ["chords", "melody", "notes"])
def test_pictures(request, tmp_path, task):
    annotation = request.getfixturevalue(task)
    path = tmp_path / "picture.png"
    ax = annotation.plot(path=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert len(path.read_bytes()) > 5000
    assert ax.get_title(loc="left") in ("für elise.flac", "song.wav")


@pytest.mark.parametrize("task", ["chords", "melody"])
def test_pictures_over_the_recording(request, tmp_path, task):
    annotation = request.getfixturevalue(task)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    soundfile.write(tmp_path / "song.wav", tone, RATE)
    document = annotation.to_dict()
    arguments = {key: document[key] for key in ("duration_s", "model")}
    heard = (
        Chords(annotation.segments, source=str(tmp_path / "song.wav"), **arguments)
        if task == "chords"
        else Melody(annotation.times, annotation.f0, source=str(tmp_path / "song.wav"), **arguments)
    )
    mesh = next(c for c in heard.plot().collections if c.get_array() is not None)
    levels = np.asarray(mesh.get_array()).reshape(mesh.get_array().shape)
    middle = levels[:, levels.shape[1] // 2]
    if task == "chords":
        assert middle.argmax() == 9
    else:
        ax = mesh.axes
        position = np.log2(440 / ax.get_ylim()[0]) * 36
        assert abs(middle.argmax() + 0.5 - position) < 2


@pytest.mark.slow
def test_pictures_of_hours_draw_no_more_than_they_show():
    starts = np.arange(40_000) * 0.9
    labels = ["C:maj", "A:min7", "N", "G:7/3"] * 10_000
    chords = Chords(list(zip(starts, starts + 0.9, labels)))
    assert sum(len(c.get_paths()) for c in chords.plot().collections) < 6 * pictures.MOST_SPANS
    f0 = np.where(np.arange(1_000_000) % 5000 < 2500, 220.0, -220.0)
    f0[123_456:123_460] = 880.0
    (line,) = Melody(np.arange(1_000_000) / 31.25, f0).plot().lines
    assert len(line.get_xdata()) <= 2.1 * pictures.MOST_SPANS
    assert np.nanmax(line.get_ydata()) == 880.0
    assert 0.4 < np.isnan(line.get_ydata()).mean() < 0.6
    many = Notes([Note(s, s + 1.0, 60 + n % 12, 0.5) for n, s in enumerate(starts)])
    (mesh,) = many.plot().collections
    shown = np.asarray(mesh.get_array()).reshape(12, -1)
    assert shown.shape[1] == pictures.MOST_COLUMNS
    assert shown.max() == pytest.approx(0.625)
    plt.close("all")


def test_thinned_lines_keep_gaps_and_peaks():
    times, values = np.arange(9000.0), np.full(9000, np.nan)
    values[100], values[5000:5010] = 7.0, np.arange(10.0)
    thin_times, thin = pictures.thinned(times, values)
    assert len(thin) == len(thin_times) == 2 * 3000
    assert thin[[66, 67]].tolist() == [7.0, 7.0]
    assert np.nanmax(thin) == 9.0
    assert np.isnan(thin).sum() == 6000 - 2 - 8
    assert pictures.thinned(times[:100], values[:100])[1] is not None


def test_labels_in_a_picture_of_chords_stay_apart():
    lengths = np.tile([0.4, 1.2, 4.5, 6.0], 5)
    ends = np.cumsum(lengths)
    names = ["A:min7/b3", "F:maj", "B:hdim7", "E:7"] * 5
    segments = list(zip(ends - lengths, ends, names))
    ax = Chords(segments, duration_s=float(ends[-1]), model="m").plot()
    ax.figure.canvas.draw()
    extents = sorted(
        (text.get_window_extent().x0, text.get_window_extent().x1)
        for text in ax.texts
        if text.get_text() in names
    )
    assert len(extents) == 10
    assert all(end < start for (_, end), (start, _) in pairwise(extents))


def test_without_matplotlib_pictures_say_what_to_install(chords, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(AnnotationError, match=r"pip install mirzoo\[plot\]"):
        chords.plot()


def spectrum_peaks(sound, rate, count):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    frequencies = np.fft.rfftfreq(len(sound), 1 / rate)
    found = []
    for number in np.argsort(-spectrum):
        if all(abs(frequencies[number] - other) > 5 for other in found):
            found.append(frequencies[number])
        if len(found) == count:
            return sorted(found)
    return sorted(found)


def test_chords_sound_as_they_are_called(chords, tmp_path):
    sound = chords.sonify(RATE, path=tmp_path / "chords.wav")
    assert sound.dtype == np.float32
    assert len(sound) == round(4.25 * RATE)
    assert np.abs(sound).max() == pytest.approx(0.9)
    assert soundfile.info(tmp_path / "chords.wav").frames == len(sound)
    c_major = spectrum_peaks(sound[2000 : round(1.4 * RATE)], RATE, 4)
    np.testing.assert_allclose(c_major, [130.8, 261.6, 329.6, 392.0], atol=3)
    rest = sound[round(2.4 * RATE) : round(2.9 * RATE)]
    assert np.abs(rest).max() < 1e-6


def test_a_melody_sounds_at_its_pitch(melody):
    sound = melody.sonify(RATE)
    (peak,) = spectrum_peaks(sound[round(1.4 * RATE) : round(2.4 * RATE)], RATE, 1)
    assert peak == pytest.approx(523.25, abs=1.5)
    assert np.abs(sound[round(1.05 * RATE) : round(1.15 * RATE)]).max() < 1e-6


def test_the_recording_can_be_mixed_in(notes, tmp_path):
    original = 0.01 * np.sin(2 * np.pi * 1000 * np.arange(3 * RATE) / RATE).astype(np.float32)
    soundfile.write(tmp_path / "song.wav", original, RATE, subtype="FLOAT")
    from_path = notes.sonify(RATE, original=tmp_path / "song.wav")
    from_array = notes.sonify(RATE, original=original)
    np.testing.assert_allclose(from_path, from_array, atol=1e-6)
    assert spectrum_peaks(from_path, RATE, 1)[0] == pytest.approx(1000, abs=1)
    assert len(from_path) == round(2.5 * RATE)


@pytest.mark.parametrize("task", ["chords", "melody", "notes"])
def test_a_sound_file_is_what_sonify_gives(request, tmp_path, task):
    annotation = request.getfixturevalue(task)
    original = 0.01 * np.sin(np.arange(2 * RATE)).astype(np.float32)
    for given in (None, original):
        sound = annotation.sonify(RATE, original=given)
        path = annotation.write_sound(tmp_path / "x.wav", RATE, original=given)
        written, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        np.testing.assert_allclose(written, sound, atol=1 / 32768)
    with pytest.raises(AnnotationError, match="nowhere"):
        annotation.write_sound(tmp_path / "nowhere" / "x.wav")
    with pytest.raises(AudioError):
        annotation.write_sound(tmp_path / "y.wav", original=tmp_path / "missing.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


def test_a_sound_that_comes_in_blocks_has_no_seams():
    """Tones and a contour across several blocks, against one formula for all of it."""
    count = 3 * sound.BLOCK_SAMPLES + 100
    end = count / RATE
    tone = sound.Tone(1.0, end - 0.5, 69.0)
    played = np.concatenate(list(sound.play([tone], RATE, count)))
    assert len(played) == count
    time = np.arange(count) / RATE - 1.0
    expected = np.exp(-time / sound.DECAY_S) * sum(
        s * np.sin(2 * np.pi * 440 * n * time) for n, s in enumerate(sound.HARMONICS, 1)
    )
    inside = slice(round(1.1 * RATE), round((end - 0.5) * RATE))
    np.testing.assert_allclose(played[inside], expected[inside], atol=1e-5)
    times = np.array([0.0, end])
    sung = np.concatenate(list(sound.sing(times, np.array([220.0, 220.0]), RATE, count)))
    phase = 2 * np.pi * 220 * np.arange(1, count + 1) / RATE
    expected = sum(s * np.sin(n * phase) for n, s in enumerate(sound.HARMONICS, 1))
    np.testing.assert_allclose(sung, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_a_long_melody_is_written_whole(suffix, tmp_path):
    """Vorbis written at once overflows the stack: the interpreter would be gone."""
    path = tmp_path / f"long{suffix}"
    sound = Melody([0.0, 150.0], [220.0, 220.0]).sonify(RATE, path=path)
    assert soundfile.info(path).frames == len(sound) > 3_300_000
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_no_sound_or_picture_where_none_can_be_written(melody, tmp_path):
    figures = plt.get_fignums()
    for name in ("sound.mp3", "missing/sound.wav"):
        with pytest.raises(AnnotationError, match=name):
            melody.sonify(RATE, path=tmp_path / name)
    for name in ("picture.jpg", "missing/picture.png"):
        with pytest.raises(AnnotationError, match=name):
            melody.plot(path=tmp_path / name)
    assert plt.get_fignums() == figures
    assert not list(tmp_path.iterdir())


def test_silence_sounds_as_silence():
    silent = Chords([(0.0, 1.0, "N")]).sonify(RATE)
    assert not silent.any()
    assert not Melody([0.0, 0.5], [0.0, 0.0]).sonify(RATE).any()
    assert not Notes([], duration_s=1.0).sonify(RATE).any()


def played(source):
    """Notes of a MIDI file: start (s), end (s), channel, pitch; of track 2 from channel 16 on."""
    file = source if isinstance(source, mido.MidiFile) else mido.MidiFile(source)
    found = []
    for number, track in enumerate(file.tracks):
        ticks, sounding = 0, {}
        for message in track:
            ticks += message.time
            now = mido.tick2second(ticks, file.ticks_per_beat, 500_000)
            if message.type == "note_on":
                assert (message.channel, message.note) not in sounding
                assert message.channel != 9
                sounding[message.channel, message.note] = now
            elif message.type == "note_off":
                start = sounding.pop((message.channel, message.note))
                found.append((start, now, 16 * number + message.channel, message.note))
        assert not sounding
    return sorted(found)


def midi_file(notes):
    return mido.MidiFile(file=io.BytesIO(midi_bytes(notes, name="x")))


def test_chords_are_voiced_over_their_bass(chords, tmp_path):
    found = played(chords.write(tmp_path / "x.mid"))
    first = [pitch for start, _, _, pitch in found if start == 0]
    assert first == [48, 60, 64, 67]
    second = {pitch for start, _, _, pitch in found if start == pytest.approx(1.5, abs=1e-3)}
    assert min(second) % 12 == 11
    assert {pitch % 12 for pitch in second} == {7, 11, 2, 5}
    assert len(found) == 4 + 5 + 5
    ends = [end for start, end, _, _ in found if start == 0]
    assert ends == pytest.approx([1.5] * 4, abs=1e-3)


def test_a_melody_bends_to_its_contour(melody, tmp_path):
    path = melody.write(tmp_path / "x.mid")
    found = played(path)
    assert [pitch for *_, pitch in found] == [69, 72]
    np.testing.assert_allclose([n[0] for n in found], [0.0, 1.2], atol=0.01)
    np.testing.assert_allclose([n[1] for n in found], [1.0, 2.5], atol=0.01)
    messages = [m for m in mido.MidiFile(path) if m.type == "pitchwheel"]
    semitones = 2 * np.array([message.pitch for message in messages]) / 8191
    assert semitones[:100].max() == pytest.approx(0.4, abs=0.02)
    assert semitones[100:104].min() == pytest.approx(-1.5, abs=0.1)


def test_notes_that_bend_have_channels_of_their_own(notes, tmp_path):
    found = played(notes.write(tmp_path / "x.mid"))
    assert [pitch for *_, pitch in found] == [60, 64]
    assert len({channel for *_, channel, _ in found}) == 2
    assert 9 not in {channel for *_, channel, _ in found}


def test_more_bending_notes_than_channels_have_tracks_of_their_own():
    many = [BentNote(0.0, 1.0, 40 + n, 90, (0.0, 0.5), (0.5, n / 20)) for n in range(40)]
    file = midi_file(many)
    assert (file.type, len(file.tracks)) == (1, 3)
    assert [pitch for *_, pitch in sorted(played(file), key=lambda note: note[3])] == [
        note.pitch for note in many
    ]
    assert len({channel for *_, channel, _ in played(file)}) == 40
    ports = [m.port for track in file.tracks for m in track if m.type == "midi_port"]
    assert ports == [0, 1, 2]
    bends = [m.pitch for track in file.tracks for m in track if m.type == "pitchwheel"]
    assert sorted(bends) == sorted(round(bend / 2 * 8191) for note in many for bend in note.bends)
    assert len(midi_file(many[:15]).tracks) == 1
    one_after_the_other = [note._replace(start_s=n, end_s=n + 1) for n, note in enumerate(many)]
    assert {channel for *_, channel, _ in played(midi_file(one_after_the_other))} == {0}


def test_a_pitch_that_sounds_twice_has_two_channels():
    notes = [
        *(BentNote(0.0, 2.0, 60), BentNote(1.0, 3.0, 60), BentNote(1.5, 1.75, 64)),
        *(BentNote(2.0, 4.0, 60), BentNote(3.00001, 3.00002, 60), BentNote(3.00003, 5.0, 60)),
    ]
    found = played(midi_file(notes))
    assert [pitch for *_, pitch in found] == [note.pitch for note in notes]
    assert [channel for *_, channel, _ in found] == [0, 1, 0, 0, 1, 2]
    times = [note[:2] for note in found]
    np.testing.assert_allclose(times, [note[:2] for note in notes], atol=1 / 960)
    at_once = [BentNote(0.0, 1.0, 60) for _ in range(32)]
    assert len({channel for *_, channel, _ in played(midi_file(at_once))}) == 32


def test_midi_states_its_tempo_and_keeps_time_at_it():
    hours = [BentNote(7200.0 + n / 3, 7200.2 + n / 3, 60) for n in range(9)]
    file = midi_file(hours)
    tempi = [m for track in file.tracks for m in track if m.type == "set_tempo"]
    assert [(m.tempo, m.time) for m in tempi] == [(500_000, 0)]
    assert file.tracks[0][1].type == "set_tempo"
    starts = [start for start, *_ in played(file)]
    np.testing.assert_allclose(starts, [note.start_s for note in hours], atol=0.5001 / 960)
    ons = [m for m in midi_file(hours[:1]) if m.type == "note_on"]
    assert ons[0].time == 7200.0


@pytest.mark.parametrize(("bend", "semitones"), [(1.5, 2), (-13.0, 24), (40.0, 127)])
def test_bends_arrive_whole(bend, semitones):
    file = midi_file([BentNote(0.0, 1.0, 60, 90, (0.0, 0.5), (0.0, bend))])
    ranges = [m.value for m in file if m.is_cc(6)]
    wheel = [m.pitch for m in file if m.type == "pitchwheel"]
    assert ranges == [semitones]
    assert wheel[1] / 8191 * semitones == pytest.approx(bend, abs=semitones / 8191)


def test_what_midi_has_no_place_for_is_refused():
    with pytest.raises(AnnotationError, match="received 128"):
        midi_bytes([BentNote(0.0, 1.0, 128)], name="x")
    with pytest.raises(AnnotationError, match="at most 127 semitones; received 130"):
        midi_bytes([BentNote(0.0, 1.0, 60, 90, (0.0,), (-130.0,))], name="x")


def test_random_midi_comes_back():
    rng = np.random.default_rng(0)
    starts = rng.uniform(0, 60, 200)
    notes = [
        BentNote(start, start + length, int(pitch), 80, (start,), (bend,))
        for start, length, pitch, bend in zip(
            starts, rng.uniform(0.01, 3, 200), rng.integers(0, 128, 200), rng.normal(0, 3, 200)
        )
    ]
    for given in (notes, [note[:4] for note in notes]):
        given = [BentNote(*note) for note in given]
        found = played(midi_file(given))
        expected = sorted((note.pitch, note.start_s, note.end_s) for note in given)
        found = sorted((pitch, start, end) for start, end, _, pitch in found)
        np.testing.assert_allclose(found, expected, atol=1.001 / 960)


def test_mir_eval_reads_lab_files(chords, tmp_path):
    intervals, labels = mir_eval.io.load_labeled_intervals(chords.write(tmp_path / "x.lab"))
    np.testing.assert_allclose(intervals, chords.intervals)
    assert tuple(labels) == chords.labels


def test_times_and_frequencies_without_a_header_are_read(tmp_path):
    (tmp_path / "x.csv").write_text("0.0,220.0\n0.1,-221.5\n0.2,0\n")
    read = Melody.read(tmp_path / "x.csv")
    assert read.f0.tolist() == [220.0, -221.5, 0.0]
    assert read.voiced.tolist() == [True, False, False]


def test_a_contour_becomes_notes(melody):
    first, second = melody.notes()
    assert (first.name, second.name) == ("A4", "C5")
    assert first.pitch == pytest.approx(69, abs=0.1)
    assert second.pitch == pytest.approx(72, abs=0.05)
    assert (first.start_s, first.end_s) == pytest.approx((0.0, 0.995), abs=0.011)
    assert len(first.bends) == 100


def test_steps_are_notes_but_vibrato_is_not():
    time = np.arange(0, 2, 0.01)
    stairs = 60 + np.floor(time / 0.25) * np.array(2.0)
    assert len(Melody(time, 440 * 2 ** ((stairs - 69) / 12)).notes()) == 8
    wide = 60 + 0.9 * np.sin(2 * np.pi * 6 * time)
    assert len(Melody(time, 440 * 2 ** ((wide - 69) / 12)).notes()) == 1


@pytest.mark.slow
def test_notes_of_a_long_stretch_need_little_memory():
    frames = 200_000
    f0 = 110 * 2 ** (np.arange(frames) // 500 % 61 / 12)
    melody = Melody(np.arange(frames) / 100, f0)
    tracemalloc.start()
    notes = melody.notes()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [note.name for note in notes[:3]] == ["A2", "Bb2", "B2"]
    assert len(notes) == 400
    assert peak < 40e6  # all errors at once: 100 MB


def test_reprs_say_the_essential(chords, melody, notes):
    assert repr(chords) == (
        "Chords('music/für elise.flac', 4.2 s, 4 segments: C:maj, G:7/3, N, A:min(9))"
    )
    assert repr(melody) == "Melody('song.wav', 2.5 s, 250 frames, 92 % voiced, A4 to C5)"
    assert repr(notes) == "Notes('song.wav', 2.5 s, 2 notes, C4 to E4)"
    assert "more" not in repr(Chords([(n, n + 1, "C:maj") for n in range(50)]))
    assert len(repr(Chords([(n, n + 1, "C:maj") for n in range(50)]))) < 120


def test_summaries(chords, melody, notes):
    assert chords.summary(2) == [
        "0:00 C:maj   0:02 G:7/3   0:02 N   0:03 A:min(9)", "most: C:maj 38%, A:min(9) 25%",
    ]  # fmt: skip
    assert replace(chords, tuning_cents=-50.0).summary(1)[-1] == "most: C:maj 38%; A = 427.5 Hz"
    long = Chords([(n, n + 1, "C:maj" if n % 2 else "F:maj") for n in range(50)])
    assert long.summary()[-2] == "… and 18 more"
    assert melody.summary() == ["92 % voiced, A4 to C5, half of it above C5", "2 notes: A4 C5"]
    one = Melody(np.arange(50) / 50, np.full(50, 440.0))
    assert one.summary()[1] == "1 note: A4"
    assert one.summary()[0] == "100 % voiced, A4, half of it above A4"
    assert Melody([0.0], [0.0]).summary() == ["no melody"]
    times = np.arange(500) / 50
    hardly = Melody(times, np.where((times > 1) & (times < 1.05), 82.4, 0.0))
    assert hardly.summary() == ["no melody: 0.04 s are voiced, nowhere long enough for a note"]
    assert "less than 1 % voiced, E2)" in repr(hardly)
    assert Notes([(0.0, 1.0, 40)]).summary()[0].startswith("1 note, E2, 1.0 at")
    assert notes.summary() == ["2 notes, C4 to E4, 1.0 at a time on average"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Chords([]), "no segments"),
        (lambda: Chords([(1.0, 1.0, "C:maj")]), "0 <= start < end"),
        (lambda: Chords([(-1.0, 1.0, "C:maj")]), "0 <= start < end"),
        (lambda: Chords([(0.0, 1.0, "Cmaj7")]), "Harte"),
        (lambda: Chords([(0.0, 2.0, "N"), (1.0, 3.0, "N")]), "overlap"),
        (lambda: Chords([(0.0, 2.0, "N")], confidence=[0.5, 0.5]), "2 confidences for 1"),
        (lambda: Melody([0.0, 1.0], [220.0]), r"\(frames,\)"),
        (lambda: Melody([], []), "at least one frame"),
        (lambda: Melody([0.0, 0.0], [220.0, 220.0]), "increase"),
        (lambda: Melody([0.0], [np.nan]), "finite"),
        (lambda: Melody([0.0], [220.0], confidence=[1.5]), r"\[0, 1\]"),
        (lambda: Notes([(0.0, 1.0, 440.0)]), "Is it in Hz"),
        (lambda: Notes([(1.0, 0.5, 60)]), "end after it starts"),
        (lambda: Notes([(0.0, 0.5, 60, 1.5)]), "amplitude"),
        (lambda: Chords([(0.0, np.inf, "N")]), "0 <= start < end"),
        (lambda: Notes([(0.0, np.inf, 60)]), "not finite"),
        (lambda: Notes([(0.0, 1.0, 60, 0.5, (np.nan,))]), "not finite"),
        (lambda: Tags([["low"]], [0.0], [[0.5]], 1.0), "a label is no text"),
        (lambda: Tags(["low"], [np.nan], [[0.5]], 1.0), "increase"),
        (lambda: Tags(["low"], [0.0], [[0.5]], 0.0), "hold none of the recording's"),
        (lambda: Tags(["low"], [5.0], [[0.5]], 1.0, duration_s=2.0), "hold none of"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(AnnotationError, match=message):
        make()


CHORDS = '{"segments": [{"start_s": 0, "end_s": 1, "label": "N"}], "confidence": null, '


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b"[" * 100_000),
        ("x.json", CHORDS.encode() + b'"source": 3, "duration_s": 1, "model": null}'),
        ("x.json", CHORDS.encode() + b'"source": null, "duration_s": NaN, "model": null}'),
        ("x.json", CHORDS.encode() + b'"source": null, "duration_s": 1, "model": ["x"]}'),
        ("x.json", b'{"segments": 1e999}'),
        ("x.json", b"null"),
        ("x.jams", b'{"annotations": [[]]}'),
        ("x.csv", b'start_s,end_s,label\n0,1,"' + b"x" * 200_000),
        ("x.csv", b"start_s,end_s,label\n0,1"),
        ("x.lab", b"0.0 1.0\n"),
        ("x.lab", b"\xff\xfe0"),
        ("x.lab", b"0 inf N"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_files_of_annotations_that_are_none_are_refused(tmp_path, name, content):
    """What the fuzz campaign found, and two more of each."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AnnotationError, match=rf"{name} does not hold"):
        Chords.read(tmp_path / name)
