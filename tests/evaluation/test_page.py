"""Pages and pictures: whatever names and labels hold, it is shown and not done."""

import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
from fake_models import make_card

from mirzoo.data.folder import LabelledClips
from mirzoo.data.recordings import Recording
from mirzoo.errors import AnnotationError
from mirzoo.evaluation import evaluate, excerpts, pictures
from mirzoo.evaluation.excerpts import excerpt
from mirzoo.evaluation.page import evaluation_page
from mirzoo.evaluation.results import Evaluations

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{1}{$ ${body} $title %s {0}",
    "</title></style><b>&amp;",
    "javascript:alert(1)",
    "\u202egnp.exe\x1b[31m\x00\n",
    "日本語 🎵 ر",
    "_" * 300,
)


class Tagger:
    """Gives the first label to everything."""

    def __init__(self, labels, name="first"):
        self.card = make_card(
            name, sample_rate=1000, min_samples=50, window_samples=500, hop_samples=500
        ).updated(
            labels=list(labels),
            activation="softmax",
            outputs=[{"name": "tags", "axes": [
                {"name": "tag", "size": len(labels), "unit": "probability"}
            ]}],
        )  # fmt: skip

    def predict_windows(self, windows):
        given = np.full((len(windows), len(self.card.labels)), 0.1 / (len(self.card.labels) - 1))
        given[:, 0] = 0.9
        return {"tags": given}


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def hostile():
    clips = tuple(
        Recording.tagged(
            np.full(1000, 0.1, np.float32), (label,), f"{label} {n}", 1000, name=f"{label}/{n}.wav"
        )
        for label in HOSTILE
        for n in range(2)
    )
    data = LabelledClips(clips, HOSTILE)
    return evaluate([Tagger(HOSTILE), Tagger(HOSTILE, "second")], data, resamples=50)


@pytest.fixture(scope="module")
def text(hostile):
    return evaluation_page(hostile)


def test_names_are_shown_and_not_done(text):
    page = Elements(text)
    kinds = {tag for tag, _ in page.found}
    assert not kinds & {"script", "iframe", "object", "embed", "link", "form", "a", "base"}
    attributes = [(name, value) for _, attrs in page.found for name, value in attrs.items()]
    assert not [name for name, _ in attributes if name.startswith("on")]
    addresses = [value for name, value in attributes if name in ("src", "href", "action")]
    assert addresses and all(value.startswith("data:") for value in addresses)
    policy = next(attrs["content"] for tag, attrs in page.found if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'")
    shown = "".join(page.text)
    assert "<script>alert(1)</script>" in shown and "${body} $title" in shown
    assert "\\u202egnp.exe\\x1b[31m\\x00\\n" in shown
    assert not {"\u202e", "\x1b", "\x00"} & set(text)
    text.encode("utf-8")


def test_a_page_has_all_parts(text):
    for part in ("Scores", "second compared with first", "Each class", "What was taken for what",
                 "Calibration", "The worst mistakes", "All 16 recordings"):  # fmt: skip
        assert part in text
    assert text.count("<audio") == 24  # of each model the twelve worst
    pictured = [attrs for tag, attrs in Elements(text).found if tag == "img"]
    assert len(pictured) == 2 and all(attrs["alt"] for attrs in pictured)
    assert "<svg" in base64.b64decode(pictured[0]["src"].partition(",")[2]).decode()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_pictures_show_any_name(hostile, tmp_path, suffix):
    assert hostile.plot(tmp_path / f"x{suffix}").stat().st_size > 10000


def test_without_matplotlib_a_page_says_what_it_lacks(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    assert "pip install mirzoo[plot]" in evaluation_page(hostile)
    with pytest.raises(AnnotationError, match=r"matplotlib.*pip install mirzoo\[plot\]"):
        hostile.plot(tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def decoded(uri):
    kind, _, content = uri.partition(";base64,")
    assert kind.startswith("data:audio/")
    return soundfile.read(io.BytesIO(base64.b64decode(content)))


def test_excerpts_are_the_seconds_asked_for(tmp_path):
    waveform = np.zeros(16000 * 12, np.float32)
    waveform[16000 * 7 :] = 0.5 * np.sin(np.arange(16000 * 5) * 0.2)
    soundfile.write(tmp_path / "a.wav", waveform, 16000)
    for source, rate in ((tmp_path / "a.wav", None), (waveform, 16000)):
        samples, sample_rate = decoded(excerpt(source, 4.0, rate))
        assert sample_rate == 16000 and len(samples) == pytest.approx(5 * 16000, abs=3000)
        assert np.abs(samples[:40000]).max() < 0.05 < 0.3 < np.abs(samples[56000:]).max()
        at_the_end, _ = decoded(excerpt(source, 11.9, rate))
        assert np.abs(at_the_end[5000:20000]).max() > 0.3
    loud, _ = decoded(excerpt(20 * waveform, 8.0, 16000))
    assert 0.5 < np.abs(loud).max() < 1.1  # MP3 is not exact
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    assert excerpt(tmp_path / "bad.wav", 0.0) is None
    assert excerpt(tmp_path / "none.wav", 0.0) is None


@pytest.mark.slow
def test_excerpts_take_no_more_than_is_stated(hostile, monkeypatch):
    def players(**options):
        text = evaluation_page(hostile, **options)
        return [attrs["src"] for tag, attrs in Elements(text).found if tag == "audio"]

    every = players()
    assert len(every) == 24
    monkeypatch.setattr("mirzoo.evaluation.page.MOST_BYTES", 3 * len(every[0]) + 5)
    assert len(players()) == 3
    assert players(excerpts=False) == []
    assert excerpts.MOST_BYTES == 4_000_000


def test_what_is_written_is_the_page(hostile, tmp_path):
    path = Evaluations(hostile[:1]).write(tmp_path / "one.html")
    text = path.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and "compared with" not in text
    json.dumps(hostile.to_dict(), allow_nan=False)
