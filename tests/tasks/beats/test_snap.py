"""Results of other tasks on beats: chords, lead sheets, tempi of MIDI files, models together."""

import mido
import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_card, make_frame_card

from mirzoo.engines.one_file import Job, OneFile, Setup, model_of_beats
from mirzoo.errors import AnnotationError
from mirzoo.tasks.beats import Beats, BeatsDecoding
from mirzoo.tasks.beats.config import LABELS
from mirzoo.tasks.chords import ChordDecoding, Chords
from mirzoo.tasks.chords.lead_sheet import key_of, key_signature, popular_name
from mirzoo.tasks.notes import Notes


@pytest.fixture
def beats():
    """A pick-up of one beat, then bars of four at 120 BPM."""
    return Beats(0.5 * np.arange(1, 14), (np.arange(13) + 3) % 4 + 1, duration_s=7.0)


@pytest.fixture
def chords():
    return Chords(
        [(0.0, 1.08, "N"), (1.08, 2.93, "C:maj"), (2.93, 3.12, "F:maj"), (3.12, 4.04, "G:7/3"),
         (4.04, 7.0, "A:min7")],
        confidence=[0.5, 0.9, 0.4, 0.8, 0.7], source="song.wav", model="cqt_crnn_chords",
    )  # fmt: skip


def test_changes_move_to_beats_and_short_chords_go(chords, beats):
    snapped = chords.on_beats(beats)
    assert snapped.segments == (
        (0.0, 1.0, "N"), (1.0, 3.0, "C:maj"), (3.0, 4.0, "G:7/3"), (4.0, 7.0, "A:min7"),
    )  # fmt: skip
    assert snapped.confidence == pytest.approx((0.5, 0.9, 0.8, 0.7))
    assert (snapped.source, snapped.duration_s) == ("song.wav", 7.0)
    assert chords.segments[0] == (0.0, 1.08, "N")


def test_chords_that_are_alike_then_join_and_gaps_stay(beats):
    chords = Chords(
        [(0.0, 1.9, "C:maj"), (1.9, 2.1, "F:maj"), (2.1, 4.0, "C:maj"), (5.0, 6.1, "C:maj")],
        confidence=[1.0, 0.3, 0.5, 0.5],
    )
    snapped = chords.on_beats(beats)
    assert snapped.segments == ((0.0, 4.0, "C:maj"), (5.0, 6.1, "C:maj"))
    assert snapped.confidence[0] == pytest.approx(0.75)
    alone = Chords([(0.0, 0.2, "C:maj")])
    assert alone.on_beats(beats).segments == alone.segments
    assert chords.on_beats(Beats([])).segments == chords.segments


def test_a_lead_sheet(chords, beats, tmp_path):
    text = chords.on_beats(beats).write(tmp_path / "song.txt").read_text()
    assert text.splitlines() == [
        "song.wav",
        "Key: A minor. Tempo: 120.0 BPM. Metre: 4 beats a bar.",
        "",
        " 0:00  | N.C. |",
        "",
        " 0:01  | C    .    .    .    | G7/B .    Am7  .    | Am7  .    .    .    |",
    ]
    with pytest.raises(AnnotationError, match="needs beats and bars.*--snap"):
        chords.write(tmp_path / "other.txt")
    assert not (tmp_path / "other.txt").exists()


@pytest.mark.parametrize(
    ("positions", "metre"),
    [([1, 2, 3] * 3, "3 beats a bar"), ([3, 4, 1, 2], "4 beats a bar"),
     ([4, 1, 2, 3], "4 beats a bar"), ([1, 2, 1, 2, 1, 2, 3, 4], "2 beats a bar, 4 in 1 of 3 bars"),
     ([2, 1, 2, 3, 4, 1, 2, 1, 2, 3, 1], "4 beats a bar, 2 in 1 of 5 bars, 3 in 2 of 5 bars")],
)  # fmt: skip
def test_the_head_of_a_lead_sheet_tells_of_all_its_bars(positions, metre, tmp_path):
    beats = Beats(np.arange(len(positions)) * 0.5, positions)
    chords = Chords([(0.0, len(positions) * 0.5, "C:maj")])
    text = chords.on_beats(beats).write(tmp_path / "song.txt").read_text()
    assert f"Metre: {metre}." in text


@pytest.mark.parametrize(
    ("label", "name"),
    [("Eb:hdim7", "Ebm7b5"), ("A:aug", "A+"), ("D:maj6/5", "D6/A"), ("X", "X"), ("C:5", "C5"),
     ("C:min(9)", "Cm(9)"), ("B", "B"), ("G:sus4(b7)", "G7sus4"), ("C:13", "C13"),
     ("E:maj/3", "E/G#"), ("Ab:7/b7", "Ab7/Gb"), ("F#:min/b3", "F#m/A"), ("Bb:maj/9", "Bb/C"),
     ("Gb:dim/b5", "Gbdim/C"), ("D#:maj/3", "D#/G")],
)  # fmt: skip
def test_names_of_chords(label, name):
    assert popular_name(label) == name


@pytest.mark.parametrize(
    ("label", "signature", "name"),
    [("E:maj/3", -4, "E/G#"), ("B:maj/3", -2, "B/D#"), ("D:maj/3", -5, "D/F#"),
     ("F:min/b3", 5, "Fm/Ab"), ("F:7/b7", 5, "F7/Eb"), ("C:min/b3", 6, "Cm/Eb"),
     ("Ab:min/b3", 4, "G#m/B"), ("Ab:maj/3", -4, "Ab/C"), ("Ab:maj/3", 4, "G#/B#"),
     ("C#:7/3", 3, "C#7/E#"), ("Ab:min/b3", -5, "Abm/Cb"), ("Gb:maj/4", -5, "Gb/Cb")],
)  # fmt: skip
def test_basses_are_degrees_of_the_root_that_is_printed(label, signature, name):
    assert popular_name(label, signature) == name


@pytest.mark.parametrize(
    ("labels", "names"),
    [("E Ab:min A B:7/3", ["E", "G#m", "A", "B7/D#"]),
     ("Ab F:min C#:maj Eb/3", ["Ab", "Fm", "Db", "Eb/G"]),
     ("F# B C#:7 Eb:min", ["F#", "B", "C#7", "D#m"]),
     ("C A:min F Eb:maj", ["C", "Am", "F", "Eb"]),
     ("A:min Ab:dim7 A:min E:7", ["Am", "G#dim7", "Am", "E7"]),
     ("A:min Ab:dim7 E:7/3 A:min", ["Am", "G#dim7", "E7/G#", "Am"]),
     ("C C#:dim7 D:min Eb:dim7 E:min F F#:dim G",
      ["C", "C#dim7", "Dm", "D#dim7", "Em", "F", "F#dim", "G"]),
     ("C Eb:dim7 D:min7 G:7", ["C", "Ebdim7", "Dm7", "G7"]),
     ("C F#:hdim7 B:7 E:min A:min", ["C", "F#m7b5", "B7", "Em", "Am"]),
     ("C F C#:7 F#:min G C", ["C", "F", "C#7", "F#m", "G", "C"]),
     ("C F C#:7 C G", ["C", "F", "Db7", "C", "G"]),
     ("F# F:dim F# B C#:7 F#", ["F#", "E#dim", "F#", "B", "C#7", "F#"]),
     ("C#:min C:dim7 C#:min Ab:7 C#:min E A", ["C#m", "B#dim7", "C#m", "G#7", "C#m", "E", "A"]),
     ("Eb:min B Bb:7 Eb:min Ab:min", ["Ebm", "Cb", "Bb7", "Ebm", "Abm"]),
     ("C# B C# F# Ab Eb:min", ["Db", "B", "Db", "Gb", "Ab", "Ebm"]),
     ("N X N", ["N.C.", "X", "N.C."])],
)  # fmt: skip
def test_a_sheet_is_spelled_in_its_key(labels, names, tmp_path):
    segments = [(2.0 * n, 2.0 * n + 2, label) for n, label in enumerate(labels.split())]
    times = np.arange(0, segments[-1][1], 0.5)
    beats = Beats(times, np.arange(len(times)) % 4 + 1)
    sheet = Chords(segments).on_beats(beats).write(tmp_path / "song.txt").read_text()
    bars = [bar for line in sheet.splitlines() for bar in line.split("|")[1:]]
    assert [cell for bar in bars for cell in bar.split() if cell != "."] == names


@pytest.mark.parametrize(
    ("labels", "key"),
    [("C F G:7 C", "C major"), ("A:min D:min E:7 A:min", "A minor"), ("A:min F C G", "C major"),
     ("Eb:min B C#:7 Bb:7 Eb:min", "D# minor"), ("F:min Bb:min C:7 F:min", "F minor"),
     ("D G A D", "D major"), ("N X N", None)],
)  # fmt: skip
def test_the_key_in_the_head_is_that_of_tonics_and_dominants(labels, key):
    segments = [(2.0 * n, 2.0 * n + 2, label) for n, label in enumerate(labels.split())]
    assert key_of(segments, key_signature(segments)) == key


def test_the_head_tells_no_more_than_is_known(tmp_path):
    beats = Beats([0.5, 1.0], [1, 2], duration_s=2.0)
    sheet = Chords([(0.0, 2.0, "N")]).on_beats(beats).write(tmp_path / "song.txt").read_text()
    assert "Key" not in sheet and "Tempo: 120.0 BPM." in sheet.splitlines()[1]


def test_notes_lie_on_the_beats_of_a_midi_file(beats, tmp_path):
    notes = Notes([(1.0, 1.5, 60), (3.25, 4.0, 64)]).on_beats(beats)
    file = mido.MidiFile(notes.write(tmp_path / "song.mid"))
    ticks, starts, seconds = 0, [], []
    for message in file.tracks[0]:
        ticks += message.time
        if message.type == "note_on":
            starts.append(ticks / file.ticks_per_beat)
    assert starts == [2.0, 6.5]
    now = 0.0
    for message in file:
        now += message.time
        if message.type == "note_on":
            seconds.append(now)
    assert seconds == pytest.approx([1.0, 3.25], abs=1e-3)
    signatures = [m.numerator for m in file.tracks[0] if m.type == "time_signature"]
    assert signatures == [2, 4]


class BeatRunner(FakeFrameRunner):
    """Beats where the waveform is negative, whatever the others take it for."""

    def predict_windows(self, windows):
        frames = windows[:, ::10]
        values = np.full((*frames.shape, 2), 0.01, np.float32)
        values[frames < 0] = (0.9, 0.1)
        return {"beats": np.concatenate([values, values[:, -1:]], axis=1)}


def models():
    beat_card = make_frame_card(
        "beats", outputs={"beats": 2}, labels=list(LABELS), decoding=BeatsDecoding()
    )
    labels = ["N", "C:maj", "G:maj"]
    chord_card = make_frame_card(
        "chords", outputs={"chords": 3}, labels=labels, decoding=ChordDecoding(change_penalty=2.0)
    )
    return [FakeFrameRunner(chord_card), BeatRunner(beat_card)]


@pytest.fixture
def song(tmp_path):
    """C until 2.13 s, then G, at 1 kHz; a beat every half second."""
    import soundfile

    classes = np.where(np.arange(4000) < 2130, 0.01, 0.02)
    classes[np.arange(0, 4000, 500)[:, np.newaxis] + np.arange(10)] *= -1
    soundfile.write(tmp_path / "song.wav", classes, 1000, subtype="DOUBLE")
    return tmp_path / "song.wav"


def scaled(runner):
    """A runner whose classes are hundredths."""
    before = runner.predict_windows
    runner.predict_windows = lambda windows: before(np.abs(windows) * 100)
    return runner


def one_file(*, snap):
    chords, beats = models()
    return OneFile(
        Setup(("chords", "beats"), report="annotation", snap=snap), [scaled(chords), beats]
    )


def test_models_together(song, tmp_path):
    job = Job(str(song), results=((str(tmp_path / "song.txt"),), ()), wanted=(True, False))
    (failure,) = one_file(snap=False)(job).failures
    assert "needs beats and bars" in failure.message
    outcome = one_file(snap=True)(job)
    assert not outcome.failures and outcome.files == [str(tmp_path / "song.txt")]
    (chords,) = outcome.reports  # that of the beats is not wanted
    assert chords.segments[0] == (0.0, 2.0, "C:maj")
    both = one_file(snap=True)(Job(str(song))).reports
    assert len(both) == 2 and len(both[1].times) == 8


def test_beats_that_fail_are_told_for_all(song):
    setup = one_file(snap=True)

    def broken(windows):
        raise AnnotationError("no beats today")

    setup.models[1].predict_windows = broken
    outcome = setup(Job(str(song)))
    assert [failure.message for failure in outcome.failures] == ["no beats today"] * 2


def test_what_snapping_needs():
    chords, beats = (runner.card for runner in models())
    assert model_of_beats([chords, beats]) == 1
    for cards in ([chords], [beats], [chords, make_card()], [beats, beats]):
        with pytest.raises(AnnotationError, match="one model that finds beats, and others"):
            model_of_beats(cards)
