"""The package as others get it: a wheel that is whole, and a README that tells the truth."""

import ast
import importlib.util
import os
import subprocess
import sys
import tomllib
import zipfile

import pytest
from places import ROOT

from mirzoo import hub

SCRIPT = """
import sys
from pathlib import Path
import mirzoo
from mirzoo import hub

site = Path(sys.argv[1])
assert Path(mirzoo.__file__).is_relative_to(site), mirzoo.__file__
assert hub.list_models("*_cnn_tagger")
hub.load_recipe("mel_cnn_tagger")
for name in sys.argv[2:]:
    clip = site / "mirzoo" / "cli" / "demo" / "clip.ogg"
    tags = mirzoo.load(name, runtime="litert").annotate(clip)
    assert len(tags.top(5)) == 5
assert "tensorflow" not in sys.modules
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_recipes_models_and_the_clip(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    for folder in ("recipes", "saved_models", "mirzoo/cli/demo"):
        expected = {
            path.relative_to(ROOT).as_posix().removeprefix("mirzoo/")
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert expected
        assert {f"mirzoo/{path}" for path in expected} <= packed
    page = {p.relative_to(ROOT / "examples/web") for p in (ROOT / "examples/web/page").iterdir()}
    assert {f"mirzoo/web/{path.as_posix()}" for path in page} <= packed
    assert "mirzoo/web/index.html" in packed
    assert not [name for name in packed if "node_modules" in name or "litert_wasm" in name]
    assert not [name for name in packed if name.startswith(("tests/", "benchmarks/"))]


@pytest.mark.slow
def test_the_wheel_works_far_from_a_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    models = [name for name in hub.shipped_models() if name == "mel_cnn_tagger"]
    environment = {**os.environ, "PYTHONPATH": str(site), "MIRZOO_HOME": str(tmp_path / "home")}
    run(sys.executable, "-c", SCRIPT, str(site), *models, cwd=tmp_path, env=environment)


def test_the_readme_s_table_is_that_of_the_cards():
    path = ROOT / "benchmarks" / "models_table.py"
    spec = importlib.util.spec_from_file_location("models_table", path)
    models_table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models_table)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == models_table.with_tables(readme), "run: python benchmarks/models_table.py"
    for name in hub.list_models(pretrained=True):
        assert f"| `{name}` |" in readme


def test_every_import_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {
        line.split(">")[0].split("=")[0].split("[")[0] for group in groups for line in group
    }
    module_of = {
        "faiss-cpu": "faiss",
        "python-osc": "pythonosc",
        "python-rtmidi": "rtmidi",
        "pyyaml": "yaml",
        "scikit-learn": "sklearn",
    }
    modules = {module_of.get(name, name.replace("-", "_")) for name in declared}
    imported = set()
    for path in (ROOT / "mirzoo").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert imported - set(sys.stdlib_module_names) - {"mirzoo"} <= modules
