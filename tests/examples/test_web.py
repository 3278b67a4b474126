"""The page for browsers: its files are those of Python, its numbers those of LiteRT.

What needs a browser runs with ``make test-web``: Chromium on PATH, and in ``examples/web`` what
``npm ci`` installs.
"""

import base64
import json
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import soundfile
from places import ROOT

import mirzoo
from mirzoo import audio, hub
from mirzoo.card import Exported
from mirzoo.dsp.chord_vocabulary import parse_chord, vocabulary, with_bass
from mirzoo.engines import browser
from mirzoo.tasks.base import TASKS, decoder_of

WEB = ROOT / "examples" / "web"
HELPERS = ROOT / "tests" / "helpers"
MOST_OWN_BYTES = 50_000
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ABOUT = {"source": "A sóng – 1.mp3", "jamsVersion": "0.3.5"}
SAME_PITCH_CENTS = 25

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def in_node(script, asked):
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_page_s_own_script_is_small():
    """As it is written, with comments and spaces."""
    assert (
        20_000 < sum(path.stat().st_size for path in (WEB / "page").glob("*.js")) <= MOST_OWN_BYTES
    )


def test_the_page_names_no_other_place():
    for path in (WEB / "index.html", *(WEB / "page").iterdir()):
        assert not re.search(r"https?:|//\w+\.\w", path.read_text("utf-8")), path


def test_the_lock_file_pins_what_mirzoo_downloads():
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    for package in (browser.CORE, browser.UTILITIES):
        assert packages[f"node_modules/{package.name}"]["version"] == package.version
    assert not [entry for entry in packages.values() if "resolved" in entry]


def test_modules_of_the_page():
    done = subprocess.run(
        ["node", "--test", str(WEB / "test" / "page.test.js")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


# Files: what the page writes of decisions is what Python writes of them.


def card_of(name, decode):
    card = hub.card(name)
    if not decode:
        return card
    decisions = TASKS[card.task].decisions(card.contract).outputs
    exported = Exported(
        outputs=[output.name for output in decisions], batch=1, input_type="float32",
        any_length=False, model_rate=card.sample_rate, decisions=decisions,
    )  # fmt: skip
    return card.model_copy(update={"exported": exported})


def made_up(card, n_windows, random):
    """Outputs of so many windows that change as music does."""
    windows = []
    for _ in range(n_windows):
        outputs = {}
        frames = None
        if card.outputs[0].frame_rate is not None:
            frames = round(card.window_s * card.outputs[0].frame_rate) + 1
        for output in card.exported.decisions if card.exported else card.outputs:
            if output.name == "f0":
                values = 220 * 2 ** np.cumsum(random.normal(0, 0.03, frames))
                jumps = np.repeat(random.integers(-6, 7, frames // 12 + 1), 12)[:frames]
                outputs["f0"] = (values * 2 ** (jumps / 12)).astype(np.float32)
            elif output.name == "voiced":
                outputs["voiced"] = np.repeat(random.integers(0, 3, frames // 9 + 1) > 0, 9)[
                    :frames
                ]
            elif output.name == "tags":
                outputs["tags"] = random.random(len(card.labels)).astype(np.float32) ** 3
            else:
                most = len(card.labels) if output.name == "chord" else 13
                spans = np.repeat(random.integers(0, most, frames // 7 + 1), 7)
                outputs[output.name] = spans[:frames].astype(np.int32)
        windows.append(outputs)
    return windows


CASES = [
    ("mel_cnn_tagger", False, ["jams"]),
    ("cqt_crnn_chords", True, ["jams", "lab", "mid"]),
    ("stft_crnn_melody", True, ["jams", "mid"]),
]


def test_files_are_those_of_python(tmp_path):
    random = np.random.default_rng(0)
    recordings, expected = [], []
    for name, decode, formats in CASES:
        card = card_of(name, decode)
        contract = card.input
        for n_windows in (1, 3, 12):
            windows = made_up(card, n_windows, random)
            end = (n_windows - 0.3) * contract.hop_samples
            duration_s = float(round(end)) / contract.sample_rate
            starts = np.arange(n_windows) * contract.hop_samples - contract.pad_left_samples
            decoder = decoder_of(card)
            together = {key: np.stack([w[key] for w in windows]) for key in windows[0]}
            decoder.add(together, starts / contract.sample_rate)
            annotation = decoder.finish(duration_s=duration_s, source=ABOUT["source"])
            paths = [annotation.write(tmp_path / f"song.{suffix}") for suffix in formats]
            expected.append({path.suffix[1:]: path.read_bytes() for path in paths})
            recordings.append({
                "contract": json.loads(card.contract.to_json()),
                "windows": [
                    {"start": int(start), "outputs": {k: v.tolist() for k, v in window.items()}}
                    for start, window in zip(starts, windows, strict=True)
                ],
                "durationS": duration_s, "formats": formats, "about": ABOUT,
            })  # fmt: skip
    labels = list(vocabulary("large").labels)
    answer = in_node(HELPERS / "page_modules.mjs", {"recordings": recordings, "labels": labels})
    for written, files in zip(answer["written"], expected, strict=True):
        for suffix, content in files.items():
            assert base64.b64decode(written[suffix]) == content, suffix
    for label, found in zip(labels, answer["chords"], strict=True):
        assert found["inversions"] == [with_bass(label, bass) for bass in range(12)]
        assert found["classes"] == list(parse_chord(label).pitch_classes)


# In the browser.


@pytest.fixture(scope="module")
def files():
    if CHROMIUM is None or not (WEB / "node_modules" / "playwright-core").is_dir():
        pytest.skip("needs Chromium and `npm ci` in examples/web: make test-web")
    try:
        return browser.site()
    except mirzoo.errors.PullError as error:
        pytest.skip(str(error))


@contextmanager
def served(files):
    with browser.server(files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{browser.HOST}:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def seen(site, **asked):
    """What the page gives; that it made no request elsewhere and had no error."""
    with served(site) as address:
        came = in_node(HELPERS / "browser.mjs", {"chromium": CHROMIUM, "address": address, **asked})
    assert not came["complaints"]
    own = tuple(prefix for at in (address,) for prefix in (at, f"blob:{at}"))
    assert len(came["requests"]) > 10
    assert not [url for url in came["requests"] if not url.startswith((*own, "data:"))]
    return came["results"]


def models():
    """Those that files are analysed with."""
    names = [name for name in browser.MODELS if not hub.card(name).live]
    return [mirzoo.load(str(browser.model_file(name)), runtime="litert") for name in names]


def same_decisions(page, annotation):
    """Of each frame, or window of tags, whether the page decides as Python does."""
    if annotation.task == "tagging":
        return np.argmax(page["probabilities"], axis=1) == annotation.probabilities.argmax(axis=1)
    if annotation.task == "chords":
        times = np.arange(0.05, annotation.duration_s, 0.1)
        ends = [segment["endS"] for segment in page["segments"]]
        ours = np.array([segment["label"] for segment in page["segments"]])
        theirs = np.array(annotation.labels)
        last = len(ours) - 1, len(theirs) - 1
        places = np.minimum(np.searchsorted(ends, times, "right"), last[0])
        expected = np.searchsorted(annotation.intervals[:, 1], times, "right")
        return ours[places] == theirs[np.minimum(expected, last[1])]
    frames = min(len(page["f0"]), len(annotation.f0))
    ours, theirs = np.array(page["f0"])[:frames], annotation.f0[:frames]
    cents = 1200 * np.abs(np.log2(np.abs(ours) / np.abs(theirs)))
    both = (ours > 0) & (theirs > 0)
    return np.where(both, cents < SAME_PITCH_CENTS, (ours > 0) == (theirs > 0))


@pytest.mark.slow
@pytest.mark.network
def test_the_same_samples_give_the_same(files, demo_clip, tmp_path):
    rate = 16000
    samples = audio.read(demo_clip, rate)
    samples.astype("<f4").tofile(tmp_path / "samples.f32")
    asked = {"path": str(tmp_path / "samples.f32"), "rate": rate, "name": "clip.ogg"}
    [result] = seen(files, samples=[asked])
    assert not result["problems"]
    assert len(result["files"]) == 6
    for page, model in zip(result["found"], models(), strict=True):
        annotation = model.annotate(samples, source_rate=rate)
        assert same_decisions(page, annotation).all()
        if annotation.task == "tagging":
            np.testing.assert_allclose(page["probabilities"], annotation.probabilities, atol=1e-4)
        elif annotation.task == "melody":
            assert page["times"] == annotation.times.tolist()
            np.testing.assert_allclose(page["f0"], annotation.f0, rtol=1e-4)
        else:
            assert [(s["startS"], s["endS"], s["label"]) for s in page["segments"]] == list(
                annotation.segments
            )


@pytest.mark.slow
@pytest.mark.network
def test_a_file_gives_the_same_decisions_and_files(files, demo_clip, tmp_path):
    song = tmp_path / "song.mp3"
    samples, rate = soundfile.read(demo_clip)
    soundfile.write(song, np.stack([samples, 0.5 * samples], axis=1), rate)
    [opened, mp3] = seen(browser.site(song=demo_clip), opened=True, files=[str(song)])
    for source, result in ((demo_clip, opened), (song, mp3)):
        assert not result["problems"]
        for page, model in zip(result["found"], models(), strict=True):
            annotation = model.annotate(source)
            assert abs(page["durationS"] - annotation.duration_s) < 0.01
            assert same_decisions(page, annotation).mean() >= 0.99
            if annotation.task != "chords":
                continue
            # Chords are whole numbers: their files are Python's byte for byte.
            for suffix in ("lab", "mid"):
                path = annotation.write(tmp_path / f"chords.{suffix}")
                written = result["files"][f"{source.stem}.{model.card.name}.{suffix}"]
                if page["durationS"] == annotation.duration_s:
                    assert base64.b64decode(written) == path.read_bytes()


@pytest.mark.slow
@pytest.mark.network
def test_the_microphone(files, demo_clip, tmp_path):
    samples, rate = soundfile.read(demo_clip)
    soundfile.write(tmp_path / "clip.wav", samples, rate, subtype="PCM_16")
    microphone = {"file": str(tmp_path / "clip.wav"), "seconds": 12}
    [result] = seen(files, microphone=microphone)
    tags, chords, melody = result["found"]
    assert not result["problems"]
    assert result["tracks"] == ["ended"]
    assert all(hub.card(found["model"]).live for found in result["found"])
    assert chords["durationS"] > 12 and result["whileRecording"]
    labels = [segment["label"] for segment in chords["segments"]]
    clip = mirzoo.load("cqt_crnn_chords", runtime="litert").annotate(demo_clip).labels
    assert len([label for label in labels if label in clip]) >= 4
    assert (np.array(melody["f0"]) > 0).mean() > 0.3
    assert len(tags["times"]) >= 4


@pytest.mark.slow
@pytest.mark.network
def test_errors_are_shown_and_keys_work(files, demo_clip, tmp_path):
    broken, short = tmp_path / "broken.mp3", tmp_path / "short.wav"
    broken.write_bytes(b"no sound at all")
    soundfile.write(short, np.zeros(800), 16000)
    damaged = tmp_path / "damaged.wav"
    soundfile.write(damaged, np.append(np.zeros(16000), np.nan), 16000, subtype="FLOAT")
    first, bad, brief, nan, good, keys = seen(
        files, files=[str(path) for path in (demo_clip, broken, short, damaged, demo_clip)],
        keys=[" ", " ", "ArrowRight", "Home", "End"],
    )  # fmt: skip
    assert first["plays"] and first["now"]
    assert "broken.mp3 can't be decoded" in bad["problems"][0]
    assert not bad["plays"] and not bad["now"]  # nothing of the recording before
    assert any("needs at least 0.25 s" in problem for problem in brief["problems"])
    assert nan["problems"] == ["damaged.wav holds NaN or infinite samples."]
    assert not nan["files"] and not good["problems"]
    assert keys["ArrowRight"][1] >= 5 and keys["Home"][1] == 0 and keys["End"][1] > 19
    assert keys[" "][0] == "Play"


@pytest.mark.slow
@pytest.mark.network
def test_chords_and_melody_are_audible(files, demo_clip):
    """At 8 s the clip has G:maj, and a flute."""
    choices = ["", "music", "chords", "melody"]
    site = browser.site(song=demo_clip)
    result, levels = seen(site, opened=True, audible=choices, at=8.0)
    melody = next(found for found in result["found"] if found["task"] == "melody")
    f0 = np.array(melody["f0"])[np.abs(np.array(melody["times"]) - 8.7) < 0.4]
    assert levels[""]["peak"] < 1e-4
    for choice in choices[1:]:
        assert 0.01 < levels[choice]["peak"] <= 1
    semitones = 12 * np.log2(levels["melody"]["hertz"] / f0[f0 > 0])
    assert np.abs(semitones).min() < 0.5
    pitch = 69 + 12 * np.log2(levels["chords"]["hertz"] / 440)
    assert abs(pitch - round(pitch)) < 0.4
    assert round(pitch) % 12 in parse_chord("G:maj").pitch_classes
