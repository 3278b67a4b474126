"""What only one thread may use at a time, made as often as needed and lent out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

Lent = TypeVar("Lent")


class Pool(Generic[Lent]):
    """Lends objects to any number of threads, each to one at a time.

    A thread waits where all are lent. After a fork, and in a copy (pickle, `copy.deepcopy`), the
    objects are made anew: those of a native library do not survive either.

    Parameters
    ----------
    make : callable
        Makes one; picklable where the pool is to be.
    most : int
        How many there are at most.

    Examples
    --------
    >>> pool = Pool(list, most=2)
    >>> with pool.lent() as first, pool.lent() as second:
    ...     first is second
    False
    """

    def __init__(self, make: Callable[[], Lent], most: int) -> None:
        self.most = most
        self._make = make
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._idle: list[Lent] = []
        self._made = 0

    @contextmanager
    def lent(self) -> Iterator[Lent]:
        """Lend an object for the length of a ``with`` block."""
        if self._process != os.getpid():
            self._start()
        lent = self._take()
        try:
            yield lent
        finally:
            with self._changed:
                self._idle.append(lent)
                self._changed.notify()

    def _take(self) -> Lent:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._made < self.most)
            if self._idle:
                return self._idle.pop()
            self._made += 1
        try:
            return self._make()
        except BaseException:
            with self._changed:
                self._made -= 1
                self._changed.notify()
            raise

    def __getstate__(self) -> dict[str, Any]:
        return {"make": self._make, "most": self.most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["make"], state["most"])  # type: ignore[misc]
