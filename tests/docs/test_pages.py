"""Pages of the documentation that list what there is, and where their links lead."""

import re
import sys
from importlib import import_module

import numpy as np
import pytest
from places import ROOT

import mirzoo

DOCS = ROOT / "docs"
NOTES = sorted((DOCS / "notes").glob("*.md"))
SHIPPED = sorted(card.parent.name for card in (ROOT / "saved_models").glob("*/card.json"))


def test_the_api_page_has_every_public_name():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ {3}(\w+)$", page, flags=re.MULTILINE))
    assert set(mirzoo.__all__) - {"__version__"} <= listed


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.stem)
def test_links_of_notes_lead_from_the_pages_of_models(note):
    """Notes become part of the pages in ``_generated/models``."""
    for link in re.findall(r"\]\(([^)#:]+\.md)\)", note.read_text(encoding="utf-8")):
        assert (DOCS / "_generated" / "models" / link).resolve().exists(), link


def imported(folder, name):
    sys.path.insert(0, str(folder))
    try:
        yield import_module(name)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def weak_spots():
    yield from imported(DOCS, "weak_spots")


@pytest.fixture(scope="module")
def models_table():
    yield from imported(ROOT / "benchmarks", "models_table")


def score(metric, value, **baseline):
    return {"dataset": "songs", "split": "test", "metric": metric, "value": value, "n": 9,
            "method": "by ear", "baseline": baseline}  # fmt: skip


def test_a_page_tells_where_other_systems_are_ahead(models_table):
    card = next(one for one in models_table.cards() if one.task == "melody")
    scores = [
        score("overall accuracy", 0.7, one=0.6, other=0.8),
        score("raw pitch accuracy", 0.7, one=0.6),
        score("voicing false alarm", 0.3, one=0.2, other=0.4),
        score("voicing recall", 0.7),
    ]
    told = models_table.ahead_of(card.updated(metrics=scores))
    assert "ahead on 2 of the 3 scores" in told and "raw pitch" not in told
    assert "- overall accuracy, songs: `other` has 0.800" in told
    assert "- voicing false alarm, songs: `one` has 0.200" in told
    assert models_table.ahead_of(card.updated(metrics=scores[1:2])).startswith("No other system")
    assert models_table.ahead_of(card.updated(metrics=scores[3:])) == ""


@pytest.mark.parametrize("name", SHIPPED)
def test_every_model_has_a_weak_spot_to_listen_to(weak_spots, name):
    first = (DOCS / "notes" / f"{name}.md").read_text(encoding="utf-8").split("\n\n")[0]
    assert not first.startswith("#") and first.endswith("."), "a sentence on what it is bad at"
    waveform = weak_spots.EXAMPLES[name].make()
    assert np.isfinite(waveform).all() and 5 < len(waveform) / weak_spots.SAMPLE_RATE < 20


@pytest.mark.slow
def test_the_sound_is_written_and_the_answer_is_the_models(weak_spots, tmp_path):
    name = "mel_cnn_beats"
    text = weak_spots.example(name, tmp_path, "../sounds")
    found = mirzoo.load(name, runtime="litert").annotate(tmp_path / f"{name}.flac")
    _, answer = repr(found).split(", ", 1)  # without the file's name
    assert answer in text and f'src="../sounds/{name}.flac"' in text
    written = (tmp_path / f"{name}.flac").stat().st_mtime_ns
    assert weak_spots.example(name, tmp_path, "../sounds") == text
    assert (tmp_path / f"{name}.flac").stat().st_mtime_ns == written, "not made again"
