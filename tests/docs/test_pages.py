"""Pages of the documentation that list what there is, and where their links lead."""

import re

import pytest
from places import ROOT

import mirzoo

DOCS = ROOT / "docs"
NOTES = sorted((DOCS / "notes").glob("*.md"))


def test_the_api_page_has_every_public_name():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ {3}(\w+)$", page, flags=re.MULTILINE))
    assert set(mirzoo.__all__) - {"__version__"} <= listed


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.stem)
def test_links_of_notes_lead_from_the_pages_of_models(note):
    """Notes become part of the pages in ``_generated/models``."""
    for link in re.findall(r"\]\(([^)#:]+\.md)\)", note.read_text(encoding="utf-8")):
        assert (DOCS / "_generated" / "models" / link).resolve().exists(), link
