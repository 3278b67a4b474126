"""`mirzoo catalogue annotate` and `embed`: engines, options, messages, statuses."""

import json
import sys
from importlib.util import find_spec

import pytest

# What Beam imports warns of packages that are missing, where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::ImportWarning")

ENGINES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(find_spec(package) is None, reason=f"needs the extra `{name}`"),
    )
    for name, package in {"beam": "apache_beam", "ray": "ray"}.items()
]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_catalogue_is_annotated_once(run, models, music, tmp_path, engine):
    def annotate(*options):
        return run(
            *("catalogue", "annotate", models / "loud_tagger", music),
            *("-o", tmp_path / "out", "--engine", engine, "--workers", 1, "--format", "jsonl"),
            *options,
        )

    status, said, complaints = annotate()
    assert (status, said) == (1, ""), complaints
    assert "2 done" in complaints and "1 failed, 0 were there" in complaints
    assert "dead letters: 1 × is cut short" in complaints
    status, said, complaints = annotate("--json")
    assert status == 0, complaints
    counts = json.loads(said)
    assert (counts["files_done"], counts["files_failed"], counts["files_there"]) == (0, 0, 3)
    (music / "album" / "broken.ogg").write_bytes((music / "loud.wav").read_bytes())
    status, _, complaints = annotate("--retry-failed")
    assert status == 0 and "1 done" in complaints and "2 were there" in complaints
    assert "Traceback" not in complaints


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_refused_in_a_worker_is_told_as_elsewhere(run, models, music, tmp_path, engine):
    embed = ("catalogue", "embed", models / "loud_tagger")
    where = ("-o", tmp_path / "out", "--engine", engine, "--format", "jsonl")
    status, _, complaints = run(*embed, tmp_path / "nothing" / "*.mp3", *where)
    assert (status, complaints.splitlines()[-1]) == (
        1, f"mirzoo: '{tmp_path}/nothing/*.mp3' matches no file; is the folder mounted?",
    )  # fmt: skip
    status, _, complaints = run(*embed[:2], models / "rising_tagger", music, *where)
    assert status == 1 and "never mixed" in complaints.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--engine", "spark"], 2, "'spark' is not one of 'beam', 'ray'"),
        (["--engine", "ray", "--option", "a=b"], 2, "only Beam has such options"),
        (["--engine", "beam", "--option", "runner"], 2, "'runner' is not NAME=VALUE"),
        (["--engine", "ray", "--timeout", "0"], 2, "is not more than 0 s"),
    ],
)
def test_what_is_not_understood(run, models, music, tmp_path, options, status, said):
    embed = ("catalogue", "embed", models / "loud_tagger", music, "-o", tmp_path / "out")
    found, _, complaints = run(*embed, *options)
    assert found == status and said in complaints


@pytest.mark.parametrize(("engine", "package"), [("beam", "apache_beam"), ("ray", "ray")])
def test_a_missing_extra_is_named(run, models, music, tmp_path, monkeypatch, engine, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "mirzoo.engines.beam", raising=False)
    monkeypatch.delattr("mirzoo.engines.beam", raising=False)
    status, _, complaints = run(
        *("catalogue", "annotate", models / "loud_tagger", music, "-o", tmp_path / "out"),
        *("--engine", engine, "--format", "jsonl"),
    )
    assert status == 1 and f'pip install "mirzoo[{engine}]"' in complaints
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("apache_beam") is None, reason="needs the extra `beam`")
@pytest.mark.slow
def test_options_of_beam_are_checked(run, models, music, tmp_path):
    embed = ("catalogue", "embed", models / "loud_tagger", music, "-o", tmp_path / "out")
    of_beam = ("--engine", "beam", "--format", "jsonl")
    status, _, complaints = run(*embed, *of_beam, "--option", "runer=DirectRunner")
    assert status == 1 and "did you mean 'runner'?" in complaints
    options = ("--option", "runner=FlinkRunner", "--workers", 2)
    status, _, complaints = run(*embed, *of_beam, *options)
    assert status == 1 and "FlinkRunner has options of its own" in complaints
    status, _, complaints = run(*embed, *of_beam, "--option", "direct_running_mode=in_memory")
    assert status == 1 and "2 done" in complaints and "1 failed" in complaints
