"""One model object serves any number of threads, copies and forks with the same numbers."""

import copy
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_models import TFLITE, make_card

import mirzoo
from mirzoo.errors import ArtefactError
from mirzoo.runtimes._pool import Pool
from mirzoo.runtimes.litert import LiteRTModel

CALLS = 64


def calls(window_samples, count=CALLS, at_once=3):
    rng = np.random.default_rng(0)
    shape = (count, at_once, window_samples)
    return rng.uniform(-0.7, 0.7, shape).astype(np.float32)


def assert_the_same_from_threads(model, inputs, threads=8):
    alone = [model.predict_windows(windows) for windows in inputs]
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(model.predict_windows, inputs))
    for expected, received in zip(alone, together, strict=True):
        for name, values in expected.items():
            np.testing.assert_array_equal(received[name], values)


def in_a_fork(function):
    """What a function gives in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(write, "wb") as file:
                pickle.dump(function(), file)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        result = pickle.load(file)
    os.waitpid(child, 0)
    return result


@pytest.fixture
def model():
    return LiteRTModel(TFLITE, make_card(), threads=2)


def test_threads_get_the_numbers_of_one(model):
    assert_the_same_from_threads(model, calls(1600))


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_give_the_same_numbers(model, again):
    windows = calls(1600, 1)[0]
    expected = model.predict_windows(windows)["tags"]
    np.testing.assert_array_equal(again(model).predict_windows(windows)["tags"], expected)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_gives_the_same_numbers(model):
    windows = calls(1600, 1)[0]
    expected = model.predict_windows(windows)["tags"]
    np.testing.assert_array_equal(
        in_a_fork(lambda: model.predict_windows(windows)["tags"]), expected
    )
    np.testing.assert_array_equal(model.predict_windows(windows)["tags"], expected)


def test_a_pool_lends_each_thing_to_one_thread_at_a_time():
    made, lent, most = [], set(), 0
    lock = threading.Lock()

    def make():
        made.append(object())
        return made[-1]

    pool = Pool(make, most=3)

    def use(_):
        nonlocal most
        with pool.lent() as thing:
            with lock:
                assert thing not in lent
                lent.add(thing)
                most = max(most, len(lent))
            threading.Event().wait(0.001)
            with lock:
                lent.remove(thing)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(use, range(200)))
    assert len(made) == 3 == most


def test_a_pool_goes_on_after_an_error():
    failing = iter([True, False])

    def make():
        if next(failing):
            raise ValueError("not this time")
        return "made"

    pool = Pool(make, most=1)
    with pytest.raises(ValueError, match="not this time"), pool.lent():
        pass
    with pool.lent() as thing:
        assert thing == "made"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raw_cnn_tagger", "cqt_crnn_chords", "chroma_rnn_chords"])
def test_shipped_models_serve_threads(name):
    model = mirzoo.load(name, runtime="litert")
    assert_the_same_from_threads(model, calls(model.card.input.window_samples, 16, 2))


@pytest.mark.slow
def test_onnx_serves_threads_copies_and_forks(tmp_path):
    pytest.importorskip("onnxruntime")
    mirzoo.export(mirzoo.load("chroma_rnn_chords"), tmp_path / "chords.onnx")
    model = mirzoo.load(tmp_path / "chords.onnx")
    inputs = calls(model.card.input.window_samples, 8, 1)
    assert_the_same_from_threads(model, inputs)
    expected = model.predict_windows(inputs[0])["chords"]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_windows(inputs[0])["chords"], expected)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_keras_model_in_a_fork_is_an_error_with_a_remedy(small_tagger):
    windows = np.zeros((1, 16000), np.float32)

    def predict():
        try:
            small_tagger.predict_windows(windows)
        except ArtefactError as error:
            return str(error)

    assert 'take runtime="litert"' in in_a_fork(predict)
