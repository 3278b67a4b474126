"""Pages of the documentation that list what there is, and where their links lead."""

import re
import sys

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


@pytest.fixture(scope="module")
def weak_spots():
    sys.path.insert(0, str(DOCS))
    try:
        import weak_spots

        yield weak_spots
    finally:
        sys.path.remove(str(DOCS))


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
