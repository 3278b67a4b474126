"""Imports point only downward, and what can do without TensorFlow does."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import mirzoo

PACKAGE = Path(mirzoo.__file__).parent

# The top first; what stands on one line may not import from its own line either, except within
# a package.
ORDER = [
    ["__main__"],
    ["cli"],
    ["training"],
    ["evaluation"],
    ["hub"],
    ["ports"],
    ["artefact"],
    ["export"],
    ["runtimes"],
    ["models"],
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

WITHOUT_TENSORFLOW = (
    "cli", "zoo", "litert", "onnx", "annotate", "tasks", "data", "card", "recipe", "audio",
    "annotation", "dsp", "errors",
)  # fmt: skip
HEAVY = {
    "tensorflow", "keras", "kapre", "librosa", "jams", "matplotlib", "sklearn", "pandas", "mido",
    "mir_eval", "onnxruntime",
}  # fmt: skip


def modules():
    return sorted(
        path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "demo"
    )


def part(path):
    """The name in ORDER that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_parts(source):
    """The parts of mirzoo that a module imports, anywhere in it, with the line."""
    for node in ast.walk(ast.parse(source)):
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
            root, *rest = name.split(".")
            if root == "mirzoo":
                yield (rest[0] if rest else "mirzoo"), node.lineno


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path):
    own = part(path)
    if own == "__init__":
        return
    assert own in LEVEL, f"{own} has no place in the order of imports"
    wrong = [
        f"line {line}: {own} imports {other}"
        for other, line in imported_parts(path.read_text(encoding="utf-8"))
        if other != own
        and not (own == "cli" and other == "mirzoo")
        and not LEVEL.get(other, 1) < LEVEL[own]
    ]
    assert not wrong


def test_the_order_names_what_there_is():
    there = {part(path) for path in modules()} - {"__init__"}
    assert there == set(LEVEL)


def test_the_arrows_are_seen():
    source = "import mirzoo.a\nfrom mirzoo import b\ndef f():\n    from mirzoo.c.d import e\n"
    assert list(imported_parts(source)) == [("a", 1), ("b", 2), ("c", 4)]


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_light_imports_anything_heavy():
    names = [
        ".".join(("mirzoo", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in modules()
        if part(path) in WITHOUT_TENSORFLOW
    ]
    program = (
        "import importlib, json, sys\n"
        "found = {}\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name.removesuffix('.__init__'))\n"
        f"    new = {HEAVY!r} & set(sys.modules) - {{m for ms in found.values() for m in ms}}\n"
        "    if new: found[name] = sorted(new)\n"
        "print(json.dumps(found))"
    )
    assert run(program) == {}


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
    assert mirzoo.Tags.__module__ == "mirzoo.tasks.annotation.tags"
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        mirzoo.laod  # noqa: B018


def top_level_names(module):
    path = PACKAGE / f"{module}.py"
    path = path if path.exists() else PACKAGE / module / "__init__.py"
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
