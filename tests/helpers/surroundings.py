"""What every test and doctest runs in: its own cache folders, and an environment that it leaves.

Cases of a slow test that are run by default all the same are named by the marker:
``@pytest.mark.slow(quick=["mel"])``.

Tests never read or write the user's pulled models and corpora. Those marked ``network`` are the
exception: they use packages that were downloaded before.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

CACHES = ("MIRZOO_HOME", "MIRZOO_DATA")
NOT_OURS = {"PYTEST_CURRENT_TEST"}

_theirs: dict[str, str | None] = {}
_ours: dict[str, str | None] = {}
_folder: tempfile.TemporaryDirectory[str] | None = None


def pytest_configure(config: pytest.Config) -> None:
    global _folder
    given: Mapping[str, str] = getattr(config, "workerinput", {}).get("caches", os.environ)
    _theirs.update({name: given.get(name) for name in CACHES})
    _folder = tempfile.TemporaryDirectory(prefix="mirzoo_tests_")
    _ours.update({name: str(Path(_folder.name) / name.lower()) for name in CACHES})
    _set(_ours)


def pytest_unconfigure() -> None:
    _set(_theirs)
    if _folder is not None:
        _folder.cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which folders were the user's."""
    node.workerinput["caches"] = {name: value for name, value in _theirs.items() if value}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take cases named in ``@pytest.mark.slow(quick=[...])`` out of the slow tier."""
    for item in items:
        case = getattr(item, "callspec", None)
        for mark in list(item.own_markers):
            if mark.name == "slow" and case and case.id in mark.kwargs.get("quick", ()):
                item.own_markers.remove(mark)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if item.get_closest_marker("network"):
        _set(_theirs)
    try:
        return (yield)
    finally:
        _set(_ours)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_BEFORE] = dict(os.environ)
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that leaves the environment changed, and put the environment right."""
    yield
    before, now = item.stash[_BEFORE], dict(os.environ)
    changed = sorted(
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
    )
    # Libraries set new ones of their own when they are first imported.
    changed = [
        name
        for name in changed
        if (name in before or name.startswith("MIRZOO")) and name not in NOT_OURS
    ]
    if changed:
        _set({name: before.get(name) for name in changed})
        pytest.fail(f"the test left these variables of the environment changed: {changed}")


_BEFORE = pytest.StashKey[dict[str, str]]()


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
