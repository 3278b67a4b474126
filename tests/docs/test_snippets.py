"""Every snippet of the README and of the documentation, run as it stands on generated audio.

A snippet that needs a network or hours has the comment ``<!-- not run: why -->`` before it, which
a reader of the page's source sees too; `NOT_RUN` lists them all. A snippet whose first line is a
comment with a file's name is that file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from places import ROOT

PAGES = [
    Path("README.md"),
    Path("CONTRIBUTING.md"),
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/*.md")),
    *sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/how_to/*.md")),
]
NOT_RUN = {
    ("README.md", "needs a package index"),
    ("CONTRIBUTING.md", "needs a package index"),
    ("docs/quick_start.md", "needs a package index"),
    ("docs/comparisons.md", "needs prepared corpora and published packages"),
    ("docs/comparisons.md", "needs published packages"),
    ("docs/comparisons.md", "figures depend on the machine"),
    ("docs/comparisons.md", "needs labelled clips"),
    ("docs/how_to/browser.md", "opens a browser"),
    ("docs/how_to/browser.md", "has npm download LiteRT.js"),
    ("docs/how_to/chords_and_melodies.md", "needs the audio of a data set"),
    ("docs/how_to/beats.md", "needs sources of music and hours"),
    ("docs/how_to/evaluate.md", "needs the audio of a data set"),
    ("docs/how_to/keys.md", "needs sources of music and hours"),
    ("docs/how_to/live.md", "needs a microphone, and programs that receive"),
    ("docs/how_to/smaller_files.md", "needs prepared corpora"),
    ("docs/how_to/smaller_files.md", "needs recordings of your own"),
    ("docs/how_to/train.md", "needs prepared corpora"),
    ("docs/how_to/train.md", "needs prepared corpora and several GPUs"),
    ("docs/how_to/train.md", "needs sources of music and hours"),
}
CATALOGUE, ENGINES = Path("docs/how_to/catalogue.md"), ("apache_beam", "ray")
FENCE = re.compile(
    r"(?:<!-- not run: (?P<why>[^\n]*) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)\n```", re.DOTALL
)
FILE = re.compile(r"# (?P<name>[\w.]+\.(?:py|yaml))\n")
RATE = 22050
PLACE = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
LONGEST_README = 135
DRIVER = """
import subprocess
import sys
from pathlib import Path

names = {"__name__": "snippet"}
for path in map(Path, sys.argv[1:]):
    code = path.read_text()
    print(f"---- {path.name}\\n{code}", flush=True)
    if path.suffix == ".py":
        exec(compile(code, str(path), "exec"), names)
    else:
        subprocess.run(["bash", "-euo", "pipefail", str(path)], check=True)
"""


class Snippet(NamedTuple):
    """A fenced block of a page; ``why`` it is not run, where it isn't."""

    language: str
    code: str
    why: str | None


def snippets(page: Path) -> Iterator[Snippet]:
    for found in FENCE.finditer((ROOT / page).read_text(encoding="utf-8")):
        if found["language"] in ("python", "sh", "yaml"):
            yield Snippet(found["language"], found["code"] + "\n", found["why"])


def to_run(page: Path) -> list[Snippet]:
    return [snippet for snippet in snippets(page) if snippet.why is None]


def tone(hertz: float, seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * time_s + 2 * np.sin(2 * np.pi * 5 * time_s)
    return 0.1 * sum(np.sin(k * phase) / k for k in (1, 2, 3)) * np.exp(-time_s / 3)


CHORDS = {"C:maj": (130.8, 164.8, 196.0), "A:min": (110.0, 130.8, 164.8), "G:maj": (98, 123.5, 147)}


def song(chords: list[str]) -> np.ndarray:
    """Two seconds of each chord with a melody on its fifth."""
    parts = [sum(tone(f, 2.0) for f in CHORDS[c]) + 2 * tone(2 * CHORDS[c][2], 2.0) for c in chords]
    return np.concatenate(parts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything that snippets read."""
    noise = np.random.default_rng(0)

    def write(name: str, samples: np.ndarray) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples + noise.normal(0, 1e-3, len(samples)), RATE)
        return path

    shutil.copytree(ROOT / "examples" / "my_music", tmp_path, dirs_exist_ok=True)
    write("song.mp3", song(["C:maj", "A:min", "G:maj", "C:maj"]))
    for name in ("one", "two"):
        write(f"album/{name}.wav", song(["C:maj", "G:maj"]))
    for name in ("songs/one", "songs/two", "other_songs/one"):
        chords = list(noise.permutation([*CHORDS, *CHORDS, *CHORDS]))
        path = write(f"{name}.wav", song(chords))
        lines = (f"{2 * n}\t{2 * n + 2}\t{chord}\n" for n, chord in enumerate(chords))
        path.with_suffix(".lab").write_text("".join(lines))
    write("leads/one.wav", np.concatenate([tone(f, 2.0) for f in (220, 262, 330, 294, 220)]))
    for clips in ("clips", "other_clips"):
        for number in range(4):
            write(f"{clips}/cello/{number}.wav", tone(70 + 10 * number, 3.5))
            write(f"{clips}/flute/{number}.wav", tone(500 + 100 * number, 3.5))
    for number in range(4):
        write(f"drum_clips/drums/{number}.wav", noise.normal(0, 0.1, 3 * RATE))
        write(f"drum_clips/no drums/{number}.wav", tone(200 + 50 * number, 3.0))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if to_run(p)], ids=str)
def test_the_snippets_of_a_page_run_as_they_stand(page, folder):
    if page == CATALOGUE and not all(map(find_spec, ENGINES)):
        pytest.skip("needs the extras `beam` and `ray`")
    commands = folder / "bin"
    commands.mkdir()
    for name, arguments in (("mirzoo", "-m mirzoo "), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        (commands / name).chmod(0o755)
    parts = []
    for number, snippet in enumerate(to_run(page)):
        named = FILE.match(snippet.code)
        if named:
            (folder / named["name"]).write_text(snippet.code)
            continue
        suffix = {"python": "py", "sh": "sh"}[snippet.language]
        parts.append(commands / f"{page.stem}_{number}.{suffix}")
        parts[-1].write_text(snippet.code)
    environment = {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
        "MPLBACKEND": "agg",
    }
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, *map(str, parts)],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-5000:]}"


def test_what_is_not_run_is_listed():
    found = {
        (page.as_posix(), snippet.why)
        for page in PAGES
        for snippet in snippets(page)
        if snippet.why is not None
    }
    assert found == NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_python_in_a_page_is_python(page):
    for number, snippet in enumerate(snippets(page)):
        if snippet.language == "python":
            compile(snippet.code, f"{page}:{number}", "exec")


def test_the_readme_is_short():
    """The table of models, a line each, is not counted: it grows with the zoo."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert sum(not line.startswith("| `") for line in lines) <= LONGEST_README


def test_places_that_contributing_names_are_there():
    places = PLACE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(places) > 20
    missing = [
        place
        for place in places
        if not (ROOT / place).exists() and not (ROOT / "mirzoo" / place).exists()
    ]
    assert not missing
