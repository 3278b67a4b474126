"""Work side by side in threads: in order, bounded, and nothing left behind."""

import contextvars
import threading
import time

import pytest

from mirzoo._support.lanes import AHEAD, Lanes


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("mirzoo")]


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert not own_threads()


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_results_come_in_order_and_to_the_caller(threads):
    taken, where = [], set()

    def work(number):
        time.sleep(0.001 * (number % 3))
        return number

    def take(result):
        taken.append(result())
        where.add(threading.get_ident())

    with Lanes(threads) as lanes:
        for number in range(40):
            lanes.give(lambda n=number: work(n), take)
        lanes.finish()
    assert taken == list(range(40))
    assert where == {threading.get_ident()}


def test_no_more_is_under_way_than_a_few_for_each_thread():
    begun, taken, most = [], [], 0
    with Lanes(2) as lanes:
        for number in range(50):
            lanes.give(lambda n=number: begun.append(n), lambda result: taken.append(result()))
            most = max(most, number + 1 - len(taken))
        lanes.finish()
    assert len(begun) == len(taken) == 50
    assert most <= 2 * AHEAD


def run(count, work, taken):
    with Lanes(2) as lanes:
        for number in range(count):
            lanes.give(lambda n=number: work(n), lambda result: taken.append(result()))
        if count == 2 * AHEAD:
            raise KeyboardInterrupt


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_middle_ends_it_all(error):
    begun, taken = [], []

    def work(number):
        begun.append(number)
        if number == 7:
            raise error("seven")
        return number

    with pytest.raises(error, match="seven"):
        run(1000, work, taken)
    assert taken == list(range(7))
    assert len(begun) <= 7 + 2 * AHEAD + 1


def test_an_interrupt_of_the_caller_drops_what_waits():
    begun, taken = [], []

    def work(number):
        begun.append(number)
        time.sleep(0.1)

    with pytest.raises(KeyboardInterrupt):
        run(2 * AHEAD, work, taken)
    assert len(begun) <= 2
    assert taken == []


def test_work_sees_the_context_of_its_caller():
    word = contextvars.ContextVar("word", default="none")
    word.set("caller's")
    seen = []
    with Lanes(1) as lanes:
        lanes.give(word.get, lambda result: seen.append(result()))
        lanes.finish()
    assert seen == ["caller's"]
