"""Pickles give their arrays, and nothing in them is run."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mirzoo.errors import PullError
from mirzoo.ports._numpy_pickle import Record, read_records


class Task:
    def __init__(self):
        self.labels = np.array(["N", "C:maj"])
        self.transition = np.eye(2)
        self.rate = np.float64(44100)
        self.seen = {1, 2}


class Run:
    def __reduce__(self):
        return print, ("this must not be printed",)


Task.__module__ = "elsewhere.tasks"


@pytest.fixture
def write(tmp_path, monkeypatch):
    import sys
    import types

    package, module = types.ModuleType("elsewhere"), types.ModuleType("elsewhere.tasks")
    module.Task = Task
    monkeypatch.setitem(sys.modules, "elsewhere", package)
    monkeypatch.setitem(sys.modules, "elsewhere.tasks", module)

    def write(value, protocol=3):
        path = tmp_path / "task.pkl"
        path.write_bytes(pickle.dumps(value, protocol))
        return path

    return write


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_objects_of_the_package_become_records_of_their_arrays(write, protocol):
    path = write({"task": Task()}, protocol)
    if protocol == 5:
        # Protocol 5 keeps arrays as buffers, by a function that no published package asks for.
        with pytest.raises(PullError, match="_frombuffer, which is not allowed"):
            read_records(path, "elsewhere")
        return
    task = read_records(path, "elsewhere")["task"]
    assert type(task) is Record
    assert task.labels.tolist() == ["N", "C:maj"]
    np.testing.assert_array_equal(task.transition, np.eye(2))
    assert task.rate == 44100
    assert task.seen == {1, 2}


def test_anything_else_is_refused_and_not_run(write, capsys):
    with pytest.raises(PullError, match=r"builtins\.print, which is not allowed"):
        read_records(write([Run()]), "elsewhere")
    with pytest.raises(PullError, match=r"elsewhere\.tasks\.Task, which is not allowed"):
        read_records(write(Task()), "somewhere")
    with pytest.raises(PullError, match=r"elsewhere\.tasks\.Task, which is not allowed"):
        read_records(write(Task()), "else")
    assert capsys.readouterr().out == ""


def test_files_that_are_no_pickles_are_refused(tmp_path, write):
    path = tmp_path / "broken.pkl"
    for content in (b"", b"text", write(Task()).read_bytes()[:-20]):
        path.write_bytes(content)
        with pytest.raises(PullError, match=r"broken\.pkl"):
            read_records(path, "elsewhere")
    with pytest.raises(PullError, match=r"missing\.pkl cannot be read"):
        read_records(tmp_path / "missing.pkl", "elsewhere")
