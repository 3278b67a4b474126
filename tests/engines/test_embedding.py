"""A collection's vectors: what is embedded, found again, removed; runs that stop; files refused."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import live_models
import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, TFLITE_TAGS_ONLY, FakeRunner, make_card
from places import ROOT

import mirzoo
from mirzoo import audio
from mirzoo.annotate import embed_recording, frame_outputs
from mirzoo.engines import vectors
from mirzoo.engines.embedding import UNFINISHED, embed
from mirzoo.errors import AnnotationError, ArtefactError, DataError, TooShortError
from mirzoo.hub import load

RATE = 16000
SUFFIXES = [pytest.param(".npz"), pytest.param(".parquet", marks=pytest.mark.slow)]


def save_model(folder, name="loud_tagger", file=TFLITE):
    folder.mkdir(parents=True)
    content = file.read_bytes()
    (folder / "model.tflite").write_bytes(content)
    files = {"model.tflite": hashlib.sha256(content).hexdigest()}
    make_card(name).updated(files=files).save(folder)
    return folder


@pytest.fixture
def model(tmp_path):
    return save_model(tmp_path / "models" / "loud_tagger")


def write(path, seed, seconds=0.3):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))
    soundfile.write(path, samples * (seed + 1) / 10, RATE)
    return path


@pytest.fixture
def music(tmp_path):
    """A folder of three good recordings and a bad one."""
    for seed, name in enumerate(("a.wav", "b.wav", "sub/c.flac")):
        write(tmp_path / "music" / name, seed)
    (tmp_path / "music" / "bad.ogg").write_bytes(b"OggS but no more")
    return tmp_path / "music"


def rows(path):
    """The vectors of a file by path, each an array of one or several rows."""
    found = {}
    for block in vectors.read_blocks(path):
        for entry, vector in zip(block.entries, block.vectors, strict=True):
            found.setdefault(entry.path, []).append(vector)
    return {name: np.array(of_it) for name, of_it in found.items()}


def counts(done):
    values = {**vars(done), "failed": len(done.failures)}
    del values["path"], values["failures"]
    return {name: value for name, value in values.items() if value}


def test_a_clip_is_the_mean_over_its_windows_by_the_music_in_them():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 4000).astype(np.float32)
    runner = FakeRunner()
    by_time = embed_recording(runner, samples, over="time")
    assert by_time.starts_s.tolist() == [0.0, 0.1, 0.2]
    assert by_time.duration_s == 0.25
    expected = runner.predict_windows(np.stack([samples[:1600], samples[1600:3200]]))["embedding"]
    np.testing.assert_allclose(by_time.vectors[:2], expected, rtol=1e-6)
    clip = embed_recording(FakeRunner(), samples)
    weighted = np.average(by_time.vectors, axis=0, weights=[2, 2, 1])
    np.testing.assert_allclose(clip.vectors, [weighted], rtol=1e-6)
    assert clip.vectors.dtype == np.float32 and clip.starts_s.tolist() == [0.0]
    with pytest.raises(ArtefactError, match="over is 'hour'"):
        embed_recording(runner, samples, over="hour")
    with pytest.raises(TooShortError):
        embed_recording(runner, samples[:100])


def test_a_window_of_a_live_tagger_is_embedded_by_its_last_frame():
    model = live_models.made("tagger")
    size = model.card.input.window_samples
    samples = live_models.music(2 * size / 16000)[:, 0]
    by_time = embed_recording(model, samples, over="time")
    expected = model.embed(samples.reshape(2, size))
    assert expected.ndim == 3
    np.testing.assert_allclose(by_time.vectors, expected[:, -1], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chroma_rnn_chords", "stft_crnn_melody"])
def test_frames_behind_the_end_do_not_count(name, demo_clip):
    """The mean over stretches, put together, is that over the frames of the recording."""
    model = load(name, runtime="litert")
    samples = np.tile(audio.read(demo_clip, model.card.sample_rate), 12)
    for seconds in (3.0, 47.3):
        cut = samples[: round(seconds * model.card.sample_rate)]
        times, outputs = frame_outputs(model, cut)
        assert len(samples) > len(cut)
        clip, over = (embed_recording(model, cut, over=over) for over in ("clip", "time"))
        assert clip.vectors.shape == (1, model.card.embedding_size)
        hop_s = model.card.input.hop_samples / model.card.sample_rate
        frames = np.bincount((np.maximum(times, 0) // hop_s).astype(int))
        assert len(over.vectors) == len(frames)
        np.testing.assert_allclose(over.starts_s, np.arange(len(frames)) * hop_s)
        together = np.average(over.vectors, axis=0, weights=frames)
        np.testing.assert_allclose(clip.vectors[0], together, rtol=1e-4, atol=1e-5)
        assert len(next(iter(outputs.values()))) == frames.sum()


@pytest.mark.slow
def test_all_layers_are_the_models_own(small_tagger, saved_tagger, made_up_music, tmp_path):
    soundfile.write(tmp_path / "song.wav", made_up_music[:RATE], RATE, subtype="FLOAT")
    embed(saved_tagger, tmp_path / "song.wav", tmp_path / "out.npz", layers="all")
    expected = small_tagger.embed(made_up_music[np.newaxis, :RATE], layers="all")
    [found] = rows(tmp_path / "out.npz").values()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert vectors.read_index(tmp_path / "out.npz").origin.runtime == "keras"
    with pytest.raises(ArtefactError, match="no other layers"):
        embed(saved_tagger, tmp_path, tmp_path / "x.npz", layers="all", runtime="litert")
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_bad_file_loses_no_other_and_a_file_is_kept_in_step(model, music, tmp_path, suffix):
    out = tmp_path / "new" / f"out{suffix}"
    told = []
    done = embed(
        model, music, out, workers=0, on_outcome=lambda one, left: told.append((one.status, left))
    )
    assert counts(done) == {"added": 3, "failed": 1}
    assert sorted(told) == sorted(zip([s for s, _ in told], [3, 2, 1, 0], strict=True))
    assert "bad.ogg" in done.failures[0].failures[0].message and "3 added, 1 failed" in str(done)
    first = rows(out)
    assert sorted(first) == [str(music / name) for name in ("a.wav", "b.wav", "sub/c.flac")]
    loud = audio.read(music / "b.wav", RATE)
    np.testing.assert_allclose(first[str(music / "b.wav")][0, 1], loud.std(), rtol=0.02)
    assert os.listdir(out.parent) == [out.name]

    before = out.stat()
    assert counts(embed(model, music, out, workers=0)) == {"kept": 3, "failed": 1}
    assert out.stat().st_mtime_ns == before.st_mtime_ns and out.stat().st_ino == before.st_ino

    (music / "bad.ogg").unlink()
    (music / "a.wav").rename(music / "sub" / "moved.wav")
    shutil.copy(music / "b.wav", music / "sub" / "copy.wav")
    os.utime(music / "b.wav", (0, 0))
    write(music / "sub" / "c.flac", 7, 0.5)
    write(music / "d.wav", 8)
    done = embed(model, music, out, workers=0)
    assert counts(done) == {"added": 1, "updated": 1, "moved": 2, "kept": 1}
    second = rows(out)
    assert sorted(second) == sorted(
        str(music / name)
        for name in ("b.wav", "d.wav", "sub/c.flac", "sub/copy.wav", "sub/moved.wav")
    )
    np.testing.assert_array_equal(second[str(music / "sub/moved.wav")], first[str(music / "a.wav")])
    np.testing.assert_array_equal(second[str(music / "sub/copy.wav")], first[str(music / "b.wav")])
    assert not np.array_equal(second[str(music / "sub/c.flac")], first[str(music / "sub/c.flac")])

    write(tmp_path / "other" / "e.wav", 9)
    assert counts(embed(model, tmp_path / "other", out)) == {"added": 1, "elsewhere": 5}
    (music / "d.wav").unlink()
    done = embed(model, [music, tmp_path / "other"], out)
    assert counts(done) == {"kept": 5, "removed": 1}
    assert rows(out).keys() == second.keys() - {str(music / "d.wav")} | {
        str(tmp_path / "other" / "e.wav")
    }


def test_a_folder_that_cannot_be_looked_into_loses_no_rows(model, music, tmp_path):
    """A disk that is not mounted is an empty folder."""
    out = tmp_path / "out.npz"
    embed(model, music, out, workers=0)
    music.rename(tmp_path / "away")
    music.mkdir()
    assert counts(embed(model, music, out)) == {"elsewhere": 3, "failed": 1}
    music.rmdir()
    assert counts(embed(model, music, out)) == {"elsewhere": 3, "failed": 1}
    assert len(rows(out)) == 3


@pytest.mark.slow
def test_what_was_made_otherwise_is_never_mixed(model, music, tmp_path):
    out = tmp_path / "out.npz"
    embed(model, music, out, workers=0)
    before = out.read_bytes()
    other = save_model(tmp_path / "models" / "other_tagger", "other_tagger")
    changed = save_model(tmp_path / "models" / "x" / "loud_tagger")
    (changed / "model.tflite").write_bytes(TFLITE.read_bytes() + b"\0")
    for wrong, options, said in [
        (other, {}, "model 'loud_tagger'.*'other_tagger'"),
        (changed, {}, "model_sha256.*another version"),
        (model, {"over": "time"}, "over 'clip'.*'time'.*--overwrite"),
        (model, {"channel": "left"}, "channel"),
    ]:
        with pytest.raises(DataError, match=said):
            embed(wrong, music, out, **options)
    assert out.read_bytes() == before
    embed(model, music, out, over="time", overwrite=True, workers=0)
    assert [len(of_it) for of_it in rows(out).values()] == [3, 3, 3]
    assert vectors.read_index(out).origin.over == "time"


def test_vectors_of_another_size_are_told_of_before_anything_is_written(model, music, tmp_path):
    out = tmp_path / "out.npz"
    embed(model, music / "a.wav", out, workers=0)
    with np.load(out) as there:
        columns = dict(there)
    wider = np.concatenate([columns["embedding"]] * 2, axis=1)
    np.savez(out, **{**columns, "embedding": wider})
    before, size = out.read_bytes(), wider.shape[1]
    said = f"out.npz: vectors of {size} numbers are there and others have {size // 2}.*--overwrite"
    for _ in range(2):
        with pytest.raises(DataError, match=said):
            embed(model, [music / "a.wav", music / "b.wav"], out, workers=0)
    assert out.read_bytes() == before
    embed(model, music / "b.wav", out, workers=0, overwrite=True)
    assert [of_it.shape for of_it in rows(out).values()] == [(1, size // 2)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_run_that_stops_goes_on_where_it_was(model, music, tmp_path, suffix, monkeypatch):
    out = tmp_path / f"out{suffix}"
    monkeypatch.setattr("mirzoo.engines.embedding.PART_ROWS", 1)

    def stop(outcome, left):
        if left == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(model, music, out, workers=0, on_outcome=stop)
    assert not out.exists() and (tmp_path / f"out{suffix}{UNFINISHED}").is_dir()
    with pytest.raises(DataError, match="over 'clip'"):
        embed(model, music, out, over="time")
    done = embed(model, music, out, workers=0)
    assert done.kept + done.added == 3 and done.kept >= 2
    whole = rows(out)
    embed(model, music, tmp_path / "again.npz", workers=0)
    for name, expected in rows(tmp_path / "again.npz").items():
        np.testing.assert_array_equal(whole[name], expected)
    assert not (tmp_path / f"out{suffix}{UNFINISHED}").exists()

    # So does one that makes the file anew: what was there counts no more.
    with pytest.raises(KeyboardInterrupt):
        embed(model, music, out, over="time", overwrite=True, workers=0, on_outcome=stop)
    assert [len(of_it) for of_it in rows(out).values()] == [1, 1, 1]
    done = embed(model, music, out, over="time", workers=0)
    assert done.kept >= 2
    assert [len(of_it) for of_it in rows(out).values()] == [3, 3, 3]


@pytest.mark.slow
def test_workers_die_and_runs_are_killed_without_loss(model, music, tmp_path):
    """The plug-in kills the worker that has ``killed.wav``."""
    write(music / "killed.wav", 3)
    out = tmp_path / "out.npz"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", "mirzoo", "--import", "trap_plugin", "embed"]
    options = [str(model), str(music), "-o", str(out), "--workers", "2"]
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "was ended by SIGKILL" in done.stderr and "3 added, 2 failed" in done.stderr
    (music / "killed.wav").unlink()
    write(music / "hang.wav", 4)
    write(music / "z.wav", 5)
    running = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.PIPE)
    assert b"bad.ogg" in running.stderr.readline()
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 143 and b"goes on from there" in said, said
    assert len(rows(out)) == 3
    (music / "hang.wav").unlink()
    assert counts(embed(model, music, out, workers=0))["failed"] == 1
    assert sorted(Path(name).name for name in rows(out)) == ["a.wav", "b.wav", "c.flac", "z.wav"]


KILLED = """
import os, signal, sys
import mirzoo.engines.embedding as engine
from mirzoo.engines import vectors

model, music, out, when = sys.argv[1:]
engine.PART_ROWS = 1
write = vectors.write

def killed_in_writing(path, origin, entries, size, blocks):
    def some():
        for block in blocks:
            yield block
            if when == "written" and str(path) == out:
                os.kill(os.getpid(), signal.SIGKILL)
    write(path, origin, entries, size, some())

def killed_between(outcome, left):
    if when == "between" and left == 1:
        os.kill(os.getpid(), signal.SIGKILL)

vectors.write = killed_in_writing
engine.embed(model, music, out, workers=0, on_outcome=killed_between)
"""
"""A run that is killed before its last recording, or while it writes its file."""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["between", "written"])
@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_a_killed_run_goes_on_where_it_was(model, music, tmp_path, suffix, when):
    (music / "bad.ogg").unlink()
    out = tmp_path / "new" / f"out{suffix}"
    command = [sys.executable, "-c", KILLED, str(model), str(music), str(out), when]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not out.exists() and len(os.listdir(out.parent)) > 1
    left = {"between": {"added": 1, "kept": 2}, "written": {"kept": 3}}[when]
    assert counts(embed(model, music, out, workers=0)) == left
    assert os.listdir(out.parent) == [out.name]
    embed(model, music, tmp_path / "again.npz", workers=0)
    whole = rows(out)
    assert whole.keys() == rows(tmp_path / "again.npz").keys()
    for name, expected in rows(tmp_path / "again.npz").items():
        np.testing.assert_array_equal(whole[name], expected)


def test_the_counts_of_a_run_are_those_of_the_file(model, music, tmp_path):
    """A recording whose new content is no audio has no row any more."""
    out = tmp_path / "out.npz"
    embed(model, music, out, workers=0)
    shutil.copy(music / "bad.ogg", music / "a.wav")
    done = embed(model, music, out, workers=0)
    assert counts(done) == {"kept": 2, "removed": 1, "failed": 2}
    assert sorted(Path(name).name for name in rows(out)) == ["b.wav", "c.flac"]


def test_a_target_that_cannot_be_written_is_named_at_once(model, music, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").touch()
    wrong = {
        tmp_path / "folder.npz": "folder.npz is a folder",
        tmp_path / "file" / "out.npz": "out.npz cannot be written",
    }
    if Path("/dev/full").is_char_device():
        (tmp_path / "device.npz").symlink_to("/dev/full")
        wrong[tmp_path / "device.npz"] = "no regular file"
    if Path("/proc/self").is_dir():  # no file can be made there, not even by root
        wrong[Path("/proc/out.npz")] = "cannot be written"
    for path, said in wrong.items():
        with pytest.raises(DataError, match=said):
            embed(model, music, path, workers=0)


@pytest.mark.slow
def test_files_of_others_stay(model, music, tmp_path):
    """Neither tables of somebody else nor what is no Parquet file is taken for embeddings."""
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"path": ["a.wav"]}).to_parquet(tmp_path / "table.parquet")
    (tmp_path / "text.parquet").write_text("path,embedding\n")
    np.savez(tmp_path / "arrays.npz", path=["a.wav"], embedding=np.zeros((1, 2)))
    reasons = {
        "table.parquet": "do not name a model",
        "text.parquet": "damaged",
        "arrays.npz": "do not name a model",
    }
    for name, said in reasons.items():
        before = (tmp_path / name).read_bytes()
        with pytest.raises(DataError, match=said + ".*take another file"):
            embed(model, music, tmp_path / name, workers=0)
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.slow
def test_files_that_are_none(model, music, tmp_path):
    with pytest.raises(DataError, match=r"allowed are \.parquet, \.npz"):
        embed(model, music, tmp_path / "out.csv")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no more")
    np.savez(tmp_path / "foreign.npz", embedding=np.zeros((2, 2)))
    np.savez(tmp_path / "pickle.npz", path=np.array([object()]))
    for name in ("broken", "foreign", "pickle"):
        with pytest.raises(DataError, match="damaged, or no file of embeddings"):
            embed(model, music, tmp_path / f"{name}.npz")
    with pytest.raises(DataError, match=r"\(it is no archive of arrays, or not whole\)"):
        vectors.read_index(tmp_path / "broken.npz")  # no advice on pickles
    with pytest.raises(DataError, match="does not exist"):
        vectors.read_index(tmp_path / "nowhere.npz")
    no_embedding = save_model(tmp_path / "models" / "tags", "tags", TFLITE_TAGS_ONLY)
    with pytest.raises(ArtefactError, match="no 'embedding'"):
        embed(no_embedding, music, tmp_path / "out.npz", workers=0)
    with pytest.raises(ValueError, match="timeout_s"):
        embed(model, music, tmp_path / "out.npz", workers=0, timeout_s=1)
    assert isinstance(DataError("x"), mirzoo.MirzooError) and AnnotationError is not DataError


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_odd_names_and_empty_files_survive(model, tmp_path, suffix):
    odd = tmp_path / "music" / os.fsdecode(b"F\xfcr\n\xc3\xa9.wav")
    write(tmp_path / "music" / "plain.wav", 1).rename(odd)
    out = tmp_path / f"out{suffix}"
    embed(model, tmp_path / "music", out)
    assert list(rows(out)) == [str(odd)]
    odd.unlink()
    odd = write(tmp_path / "music" / r"not an escape \udcfc, nor \udc5c.wav", 1)
    embed(model, tmp_path / "music", out)
    assert counts(embed(model, tmp_path / "music", out)) == {"kept": 1}
    assert list(rows(out)) == [str(odd)]
    odd.unlink()
    embed(model, [tmp_path / "music", odd], out)
    write(tmp_path / "music" / "b.wav", 2)
    embed(model, tmp_path / "music", out)
    assert list(rows(out)) == [str(tmp_path / "music" / "b.wav")]


@pytest.mark.slow
def test_pandas_reads_the_file(model, music, tmp_path):
    pandas = pytest.importorskip("pandas")
    embed(model, music, tmp_path / "out.parquet", workers=0)
    table = pandas.read_parquet(tmp_path / "out.parquet")
    assert np.stack(table.embedding).shape == (3, 2)
    assert [Path(name).name for name in table.path] == ["a.wav", "b.wav", "c.flac"]
    assert table.sha256[0] == hashlib.sha256((music / "a.wav").read_bytes()).hexdigest()
