"""`mirzoo annotate`: results on the terminal, in files, as pictures and sounds."""

import csv
import json
import re
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from fake_models import FakeRunner, make_frame_card
from places import ROOT

from mirzoo import hub
from mirzoo.annotate import AudioFile, annotate, find_recordings, name_results
from mirzoo.cli import annotate as command
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.tasks.tagging import Tags

MODELS = ROOT / "saved_models"
CHORDS = MODELS / "cqt_crnn_chords"
CLIP = ROOT / "mirzoo" / "cli" / "demo" / "clip.ogg"


def test_a_file_is_summed_up(run, models, music):
    status, out, err = run("annotate", models / "loud_tagger", music / "loud.wav")
    assert status == 0
    first, *tags = out.splitlines()
    assert first == f"{music / 'loud.wav'}  (0:00, loud_tagger)"
    expected = annotate(FakeRunner(), music / "loud.wav").top()
    for line, (label, probability) in zip(tags, expected, strict=True):
        assert line.split()[:2] == [label, f"{probability:.2f}"]
        assert line.count("█") == round(30 * probability)
    assert "mirzoo:" not in err


def test_top_is_as_many_as_asked(run, models, music):
    _, out, _ = run("annotate", models / "loud_tagger", music / "loud.wav", "--top", 1)
    assert len(out.splitlines()) == 2


def test_a_bad_file_is_reported_and_the_rest_go_on(run, models, music, tmp_path):
    results = tmp_path / "results"
    status, out, err = run("annotate", models / "loud_tagger", music, "-o", results)
    assert status == 1
    assert "loud.wav" in out
    assert "soft.flac" in out
    assert "broken.ogg" in err
    assert "Traceback" not in err
    written = sorted(str(path.relative_to(results)) for path in results.rglob("[!.]*.*"))
    assert written == ["album/soft.json", "loud.json"]


def test_an_empty_path_is_not_the_current_folder(run, models, music):
    status, out, err = run("annotate", models / "loud_tagger", "")
    assert (status, out) == (2, "")
    assert "the path is empty" in err


def test_json_is_a_line_each(run, models, music):
    paths = [music / "loud.wav", music / "album" / "soft.flac"]
    status, out, _ = run("annotate", models / "loud_tagger", *paths, "--json")
    assert status == 0
    documents = [json.loads(line) for line in out.splitlines()]
    assert [document["source"] for document in documents] == [str(path) for path in paths]
    assert documents[0]["tags"]["loud"] > documents[1]["tags"]["loud"]


def test_one_file_goes_where_told(run, models, music, tmp_path):
    for suffix in ("jams", "json", "csv"):
        target = tmp_path / "new folder" / f"out.{suffix}"
        status, _, _ = run("annotate", models / "loud_tagger", music / "loud.wav", "-o", target)
        assert status == 0
        assert Tags.read(target).labels == ("loud", "rising")


def test_several_models_write_files_of_their_own(run, models, music, tmp_path):
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    status, out, _ = run(
        "annotate", both, music / "loud.wav", "-o", tmp_path / "out", "--format", "csv"
    )
    assert status == 0
    assert "loud_tagger)" in out
    assert "rising_tagger)" in out
    names = sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
    assert names == ["loud.loud_tagger.csv", "loud.rising_tagger.csv"]
    with (tmp_path / "out" / names[0]).open(newline="") as file:
        assert next(csv.reader(file)) == ["start_s", "end_s", "loud", "rising"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "out.json"], "give a folder and the format, as in -o out/ --format json"),
        (["--format", "csv"], "needs -o"),
        (["-o", "out.json", "--format", "csv"], "no .csv file"),
        (["-o", "out.doc"], "allowed are .jams, .json, .csv, or a folder's name without a dot"),
        (["-o", "out.lab"], ".lab is no format for tags, which loud_tagger gives; allowed are"),
        (["--picture", "out.jpg"], "neither a folder"),
        (["--sonify", "out.wav"], "only tags"),
        (["-o", "out", "--format", "mp3"], ".mp3 is no format for tags, which loud_tagger gives"),
        (["--runtime", "abacus"], "abacus"),
        (["--top", "0"], "--top"),
        (["--loud"], "--loud"),
    ],
)
def test_misuse_is_explained(run, models, music, monkeypatch, options, message):
    monkeypatch.chdir(music)
    status, out, err = run("annotate", models / "loud_tagger", music, *options)
    assert status == 2
    assert message in err
    assert not out
    assert not (music / "out.json").exists()


def test_a_picture_shows_what_all_models_hear(run, models, music, tmp_path):
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    picture = tmp_path / "new" / "loud.png"
    status, _, err = run("annotate", both, music / "loud.wav", "--picture", picture)
    assert (status, err) == (0, "")
    one = tmp_path / "one.png"
    run("annotate", models / "loud_tagger", music / "loud.wav", "--picture", one)
    heights = [plt.imread(path).shape[0] for path in (one, picture)]
    assert heights[1] == 2 * heights[0]
    assert sorted(path.name for path in picture.parent.iterdir()) == ["loud.png"]


def test_pictures_of_a_folder_go_into_one(run, models, music, tmp_path):
    run("annotate", models / "loud_tagger", music, "--picture", tmp_path / "drawn")
    drawn = sorted(
        path.relative_to(tmp_path / "drawn").as_posix()
        for path in (tmp_path / "drawn").rglob("[!.]*.*")
    )
    assert drawn == ["album/soft.png", "loud.png"]
    status, _, err = run(
        "annotate", models / "loud_tagger", music, "--picture", tmp_path / "all.png"
    )
    assert status == 2 and "give a folder" in err


def test_what_has_pitch_is_played_over_the_recording(run, models, tmp_path):
    target = tmp_path / "new" / "heard.flac"
    status, _, err = run("annotate", f"{CHORDS},{models / 'loud_tagger'}", CLIP, "--sonify", target)
    assert (status, err) == (0, "")
    heard, rate = soundfile.read(target)
    chords = hub.load(CHORDS, runtime="litert").annotate(CLIP)
    np.testing.assert_allclose(heard, chords.sonify(rate, original=CLIP), atol=1e-3)
    assert [path.name for path in target.parent.iterdir()] == ["heard.flac"]


@pytest.mark.slow
def test_sounds_of_several_models_go_into_a_folder(run, music, tmp_path):
    both = f"{CHORDS},{MODELS / 'hcqt_cnn_melody'}"
    status, _, err = run(
        "annotate", both, CLIP, music / "album" / "broken.ogg", "--sonify", tmp_path / "heard"
    )
    # Once, whoever decodes: ffmpeg, where there is one, names the file in its words too.
    complaints = [line for line in err.splitlines() if line.startswith("mirzoo: ")]
    assert status == 1 and sum("broken.ogg" in line for line in complaints) == 1
    assert sorted(path.name for path in (tmp_path / "heard").glob("[!.]*")) == [
        "clip.cqt_crnn_chords.wav",
        "clip.hcqt_cnn_melody.wav",
    ]
    for output, said in (("all.wav", "give a folder"), ("all.mp3", "neither a folder")):
        status, _, err = run("annotate", both, CLIP, "--sonify", tmp_path / output)
        assert status == 2 and said in err


def test_values_of_a_decoding_are_numbers_where_they_look_like_it():
    card = make_frame_card("melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0))
    given = ["average_bins=5", "voicing_threshold=0.9", "method=local_average"]
    (settings,) = command.decodings_of([card], given)
    assert card.decoded_with(settings).decoding == MelodyDecoding(
        fmin=220.0, average_bins=5, voicing_threshold=0.9, method="local_average"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("false", False), ("False", False)],
)
def test_switches_of_a_decoding_are_spelt_as_json_or_python_does(text, value):
    card = make_frame_card("chords", outputs={"chords": 25}, labels=VOCABULARIES["majmin"].labels,
                           decoding=ChordDecoding(power_chords=not value))  # fmt: skip
    (settings,) = command.decodings_of([card], [f"power_chords={text}"])
    assert card.decoded_with(settings).decoding.power_chords is value
    assert command.settings_given(["lag_s=None", "lag=null"]) == {"lag_s": None, "lag": None}


@pytest.mark.parametrize("text", ["yes", "TRUE", "1", "on", ""])
def test_other_words_for_a_switch_are_refused(text):
    card = make_frame_card("chords", outputs={"chords": 25}, labels=VOCABULARIES["majmin"].labels,
                           decoding=ChordDecoding())  # fmt: skip
    with pytest.raises(click.BadParameter, match="power_chords is .*; allowed are true and false"):
        command.decodings_of([card], [f"power_chords={text}"])


def test_decoding_is_set_for_the_models_that_have_the_setting(run, models):
    both = f"{CHORDS},{models / 'loud_tagger'}"
    status, out, err = run("annotate", both, CLIP, "--json", "--decoding", "change_penalty=10000")
    assert status == 0, err
    chords = json.loads(out.splitlines()[0])
    assert len(chords["segments"]) == 1
    for setting, said in (
        ("change=1", "no setting 'change'"),
        ("change_penalty", "NAME=VALUE"),
        ("change_penalty=-1", "change_penalty is -1; allowed are numbers from 0 on"),
    ):
        status, _, err = run("annotate", both, CLIP, "--decoding", setting)
        assert status == 2
        assert said in err


def test_find_recordings_takes_files_as_they_are(music):
    odd = music / "cover.jpg"
    found = find_recordings([odd, music])
    assert [str(recording.name) for recording in found] == [
        "cover.jpg", "album/broken.ogg", "album/soft.flac", "loud.wav",
    ]  # fmt: skip


def test_a_folder_without_audio_is_an_error(tmp_path):
    with pytest.raises(AudioError, match="no audio file"):
        find_recordings([tmp_path])


def test_results_never_share_a_file(tmp_path):
    recordings = [AudioFile(tmp_path / name, Path(name)) for name in ("a.wav", "a.mp3")]
    results = name_results(recordings, ["m"], tmp_path, ".json")
    assert sorted(path.name for path in results.values()) == ["a.mp3.json", "a.wav.json"]
    same = [AudioFile(tmp_path / d / "a.wav", Path("a.wav")) for d in "xy"]
    with pytest.raises(AnnotationError, match=r"a\.wav\.json"):
        name_results(same, ["m"], tmp_path, ".json")


def test_what_is_odd_about_a_file_is_told_once_on_stderr(run, models, tmp_path):
    song = tmp_path / "song.wav"
    left = np.random.default_rng(0).uniform(-0.3, 0.3, 16000 * 4)
    soundfile.write(song, np.stack([left, -left], axis=1), 16000)
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    status, _, err = run("annotate", both, song)
    assert status == 0
    assert err.count("cancel each other") == 1
    assert f"mirzoo: {song}: its channels cancel" in err
    _, out, err = run("annotate", models / "loud_tagger", song, "--channel", "left", "--json")
    assert "cancel" not in err
    assert "warnings" not in json.loads(out)
    status, _, err = run("annotate", models / "loud_tagger", song, "--channel", "middle")
    assert status == 2
    assert "mean, mid, left, right" in err


def test_damaged_files_are_annotated_on_demand(run, models, music, tmp_path):
    damaged = tmp_path / "cut.wav"
    damaged.write_bytes((music / "loud.wav").read_bytes()[:6000])
    status, _, err = run("annotate", models / "loud_tagger", damaged)
    assert status == 1
    assert "cut short or damaged" in err
    status, out, err = run("annotate", models / "loud_tagger", damaged, "--allow-damaged", "--json")
    assert status == 0
    assert "cut short" in json.loads(out)["warnings"][0]
    assert "cut short" in err


def test_beats_to_snap_to_must_be_found_by_a_model(run, music, tmp_path):
    code, _, err = run("annotate", "chroma_rnn_chords", music / "loud.wav", "--snap")
    assert code == 2 and "one model that finds beats, and others" in err
    sheet = tmp_path / "sheet.txt"
    code, _, err = run("annotate", "chroma_rnn_chords", music / "loud.wav", "-o", sheet)
    assert code == 2 and "add a model that finds them" in err and not sheet.exists()
    assert f"give a folder and the format, as in -o {sheet.with_suffix('')}/ --format txt" in err
    advised = re.search(r"such as (\S+), and", " ".join(err.split()))[1].split(",")
    assert set(advised) <= set(hub.shipped_models()), "what must be pulled first is no advice"
