"""`mirzoo embed` and `mirzoo similar`: options, messages, statuses."""

import json
import shutil

import pytest

pytestmark = pytest.mark.slow


def test_embed_and_similar(run, models, music, tmp_path):
    out = tmp_path / "out.npz"
    status, said, complaints = run("embed", models / "loud_tagger", music, "-o", out)
    assert status == 1 and not said
    assert "broken.ogg" in complaints and "out.npz: 2 added, 1 failed" in complaints
    (music / "album" / "broken.ogg").unlink()
    status, said, _ = run("embed", models / "loud_tagger", music, "-o", out, "--json")
    assert status == 0
    told = json.loads(said)
    assert (told["kept"], told["added"], told["failures"]) == (2, 0, [])
    status, _, complaints = run("embed", models / "rising_tagger", music, "-o", out)
    assert status == 1 and "never mixed" in complaints

    status, said, _ = run("similar", out, music / "loud.wav")
    [line] = said.splitlines()
    assert status == 0 and line.endswith("/album/soft.flac") and float(line.split()[0]) <= 1.0
    shutil.copy(music / "loud.wav", music / "copy.wav")
    assert run("embed", models / "loud_tagger", music, "-o", out)[0] == 0
    status, said, _ = run("similar", out, "--duplicates", "--json", "--threshold", "1")
    assert status == 0
    assert json.loads(said)["paths"] == [str(music / "copy.wav"), str(music / "loud.wav")]
    status, said, _ = run("similar", out, "--duplicates", "--threshold", "1")
    assert said.splitlines()[0] == "1.0000" and len(said.splitlines()) == 3
    (music / "copy.wav").unlink()
    assert run("embed", models / "loud_tagger", music, "-o", out)[0] == 0
    status, said, complaints = run("similar", out, "--duplicates", "--threshold", "1")
    assert (status, said) == (0, "") and "no two of 2" in complaints


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["embed", "MODEL", "MUSIC"], "--output"),
        (["embed", "MODEL", "MUSIC", "-o", "x.npz", "--timeout", "0"], "not more than 0"),
        (["embed", "MODEL", "MUSIC", "-o", "x.npz", "--timeout", "1", "--workers", "0"], "ended"),
        (["embed", "MODEL", "MUSIC", "-o", "x.npz", "--runtime", "jax"], "none of"),
        (["similar", "x.npz"], "RECORDING"),
        (["similar", "x.npz", "song.wav", "--duplicates"], "RECORDING"),
    ],
)
def test_what_is_not_understood(run, models, music, arguments, said):
    words = {"MODEL": models / "loud_tagger", "MUSIC": music}
    status, _, complaints = run(*(words.get(word, word) for word in arguments))
    assert status == 2 and said in complaints


def test_an_interrupt_keeps_what_was_done(run, models, music, tmp_path, monkeypatch):
    from mirzoo.engines.one_file import OneFile

    called = []
    before = OneFile.__call__

    def interrupted(self, job, progress=None):
        called.append(job.source)
        if len(called) == 3:
            raise KeyboardInterrupt
        return before(self, job, progress)

    monkeypatch.setattr(OneFile, "__call__", interrupted)
    arguments = ("embed", models / "loud_tagger", music, "-o", tmp_path / "out.npz")
    status, _, complaints = run(*arguments)
    assert status == 130 and "interrupted after 2 recordings" in complaints
    status, _, complaints = run(*arguments)
    assert status == 1 and "1 added, 1 kept, 1 failed" in complaints
