"""Imports point only downward, and what can do without TensorFlow does."""

import ast
import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import mirzoo

PACKAGE = Path(mirzoo.__file__).parent

# The top first, by dotted name: the longest prefix of a module's name counts. What stands on one
# line may not import from its own line either, except within what has the same prefix; "*" stands
# for any name.
ORDER = [
    ["__main__"],
    ["cli"],
    ["engines"],
    ["training"],
    ["evaluation"],
    ["hub"],
    ["ports.*.network"],
    ["ports._network"],
    ["artefact"],
    ["export"],
    ["runtimes"],
    ["models"],
    ["ports"],
    ["models.heads", "models.frontends"],
    ["annotate"],
    ["tasks"],
    ["models.layers"],
    ["studio"],
    ["data"],
    ["card"],
    ["recipe"],
    ["audio"],
    ["dsp"],
    ["_support"],
    ["errors"],
]
LEVEL = {name: -depth for depth, names in enumerate(ORDER) for name in names}

WITHOUT_TENSORFLOW = {
    "cli", "engines", "hub", "runtimes", "annotate", "tasks", "data", "card", "recipe", "audio",
    "dsp", "_support", "errors",
}  # fmt: skip
HEAVY = {
    "tensorflow", "keras", "kapre", "librosa", "jams", "matplotlib", "sklearn", "pandas", "mido",
    "mir_eval", "onnxruntime", "pyarrow", "faiss",
}  # fmt: skip

OF_AN_EXTRA = {"engines.beam"}
"""Modules that are imported only by those who have what they are built on."""

SLOW = {"tensorflow", "keras", "scipy", "mir_eval", "sklearn", "jams"}

MOST_AT_THE_ROOT = 20


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path):
    """The name of a file's module below mirzoo: ``models.layers.cqt``; that of mirzoo is ``""``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def prefixes(name):
    """A dotted name and what it is in, the longest first."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def place(name):
    """The name in ORDER that a module belongs to: the longest prefix; None where there is none."""
    return next(
        (known for prefix in prefixes(name) for known in LEVEL if fnmatchcase(prefix, known)), None
    )


def imported_names(source, *, at_import=False):
    """What a module imports of mirzoo, below mirzoo, with the line.

    With ``at_import``, only what it imports when it is itself imported: not what its functions
    import, nor what type checkers alone see.
    """
    for node in _nodes(ast.parse(source), at_import):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "a relative import", node.lineno
            continue
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            if root == "mirzoo":
                yield rest, node.lineno


def _nodes(node, at_import):
    yield node
    children = list(ast.iter_child_nodes(node))
    if at_import and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return
    if at_import and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        children = node.orelse
    for child in children:
        yield from _nodes(child, at_import)


def upward(name, source):
    """The imports of a module that do not point downward."""
    own = place(name)
    return [
        f"line {line}: {name} ({own}) imports {other}"
        for other, line in imported_names(source)
        if place(other) != own
        and not (own in {"cli", "__main__"} and other in {"", "__version__", *mirzoo.__all__})
        and not LEVEL.get(place(other), 1) < LEVEL[own]
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    name = dotted(path)
    if not name:
        return
    assert place(name), f"{name} has no place in the order of imports"
    assert not upward(name, path.read_text(encoding="utf-8"))


def test_the_order_names_what_there_is():
    names = {dotted(path) for path in modules()} - {""}
    assert {place(name) for name in names} == set(LEVEL)


def test_a_package_of_several_levels_imports_at_first_what_its_lowest_may():
    """Whoever imports ``a.low`` runs ``a/__init__.py``, which must not lead upward."""
    for name in LEVEL:
        below = [other for other in LEVEL if other.startswith(f"{name}.")]
        init = PACKAGE.joinpath(*name.split("."), "__init__.py")
        if not below or not init.exists():
            continue
        lowest = min(below, key=LEVEL.__getitem__)
        wrong = [
            f"line {line}: {name} imports {other}, but {lowest} is lower"
            for other, line in imported_names(init.read_text("utf-8"), at_import=True)
            if place(other) != lowest and not LEVEL.get(place(other), 1) < LEVEL[lowest]
        ]
        assert not wrong


def test_nothing_imports_the_studio_at_module_level():
    wrong = [
        f"{dotted(path)}, line {line}: {other}"
        for path in modules()
        if prefixes(dotted(path))[-1] != "studio"
        for other, line in imported_names(path.read_text("utf-8"), at_import=True)
        if prefixes(other)[-1] == "studio"
    ]
    assert not wrong


def test_the_root_of_the_package_stays_small():
    names = {
        path.stem
        for path in PACKAGE.iterdir()
        if not path.name.startswith("__")
        and (path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py"))))
    }
    assert len(names) <= MOST_AT_THE_ROOT, sorted(names)


def test_the_arrows_are_seen():
    source = (
        "import mirzoo.a\nfrom mirzoo import b\ndef f():\n    from mirzoo.c.d import e\n"
        "if TYPE_CHECKING:\n    from mirzoo.g import h\n"
    )
    assert list(imported_names(source)) == [("a", 1), ("b", 2), ("c.d.e", 4), ("g.h", 6)]
    assert list(imported_names(source, at_import=True)) == [("a", 1), ("b", 2)]
    assert place("models.layers.cqt.CQT") == "models.layers"
    assert place("models.build") == "models"
    assert place("ports.crepe.network") == "ports.*.network"
    assert place("ports.crepe.layers") == "ports"
    assert place("nowhere.at_all") is None
    assert upward("models.layers.cqt", "from mirzoo.models.build import build_model")
    assert upward("models.layers.cqt", "from mirzoo import nowhere")
    assert upward("cli", "from mirzoo import nowhere")
    assert not upward("models.build", "from mirzoo.models.layers.cqt import CQT")
    assert not upward("models.layers.cqt", "from mirzoo.models.layers import mel")


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def builds_layers(name):
    """Whether this is the module in which a task builds its output layers, with Keras."""
    return name.startswith("tasks.") and name.endswith(".outputs")


def test_nothing_light_imports_anything_heavy():
    names = [
        ".".join(filter(None, ("mirzoo", dotted(path))))
        for path in modules()
        if prefixes(dotted(path))[-1] in WITHOUT_TENSORFLOW
        and not builds_layers(dotted(path))
        and dotted(path) not in OF_AN_EXTRA
    ]
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    new = {HEAVY!r} & set(sys.modules) - {{m for ms in found.values() for m in ms}}\n"
        "    if new: found[name] = sorted(new)\n"
        "print(json.dumps(found))"
    )
    assert run(program) == {}


# Nothing is annotated by these, and no recipe is read.
LISTS = SLOW | {"numpy", "soundfile", "soxr", "yaml", "mirzoo.annotate", "mirzoo.recipe.whole"}


@pytest.mark.parametrize(
    ("arguments", "not_needed"),
    [
        (["list"], LISTS),
        (["info", "chroma_rnn_chords"], SLOW | {"yaml"}),
        (
            ["annotate", "chroma_rnn_chords,mel_cnn_tagger,hcqt_cnn_melody", "CLIP"],
            SLOW | {"yaml"},
        ),
        (["annotate", "chroma_rnn_chords", "CLIP", "--output", "OUT.lab"], SLOW | {"yaml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_light_commands_import_nothing_slow(arguments, not_needed, demo_clip, tmp_path):
    words = {"CLIP": str(demo_clip), "OUT.lab": str(tmp_path / "song.lab")}
    arguments = [words.get(word, word) for word in arguments]
    program = (
        "import json, sys\n"
        f"sys.argv = ['mirzoo', *{arguments!r}]\n"
        "from mirzoo.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print(json.dumps(sorted({not_needed!r} & set(sys.modules))))"
    )
    assert run(program) == []


def test_importing_mirzoo_imports_next_to_nothing():
    program = (
        "import sys, json\nbefore = set(sys.modules)\nimport mirzoo\n"
        "print(json.dumps(sorted(m for m in set(sys.modules) - before if '.' not in m)))"
    )
    assert set(run(program)) <= {"mirzoo", "__future__", "typing", "types"} | _standard()


def _standard():
    return set(sys.stdlib_module_names)


def test_the_public_names_are_there():
    assert dir(mirzoo) == sorted(mirzoo.__all__)
    assert mirzoo.__version__.count(".") == 2
    for name, module in mirzoo._MODULES.items():
        assert name in top_level_names(module), f"mirzoo.{module} has no {name}"
    assert mirzoo.Tags.__module__ == "mirzoo.tasks.tagging.annotation"
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        mirzoo.laod  # noqa: B018


def top_level_names(module):
    path = PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    body = ast.parse(path.read_text("utf-8")).body
    imported = {
        alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return imported | {getattr(node, "name", None) for node in body}


def test_functions_are_not_hidden_by_modules_of_the_same_name():
    import mirzoo.export.metadata

    assert callable(mirzoo.export)
    from mirzoo import export

    assert callable(export)


def test_type_checkers_see_the_public_names():
    tree = ast.parse(Path(mirzoo.__file__).read_text(encoding="utf-8"))
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]
    homes = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = {name: f"mirzoo.{module}" for name, module in mirzoo._MODULES.items()}
    assert homes == lazy
    assert set(mirzoo.__all__) == {*homes, "__version__"}
