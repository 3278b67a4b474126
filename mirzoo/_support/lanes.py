"""Work done side by side in threads, whose results are taken in the order in which it was given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

AHEAD = 2
"""For each thread, how many results are under way before the first is waited for."""


class Lanes:
    """Threads that work while the caller goes on; results come back to the caller, in order.

    To be used in a ``with`` block, at whose end no thread is left, whatever happened in it: work
    that has begun is finished, what waits is dropped.

    Parameters
    ----------
    threads : int
        How many; 0 works in the caller's thread at once.

    Examples
    --------
    >>> squares = []
    >>> with Lanes(2) as lanes:
    ...     for number in range(5):
    ...         lanes.give(lambda n=number: n * n, lambda result: squares.append(result()))
    ...     lanes.finish()
    >>> squares
    [0, 1, 4, 9, 16]
    """

    def __init__(self, threads: int) -> None:
        self._most = AHEAD * threads
        self._pool = ThreadPoolExecutor(threads, "mirzoo") if threads else None
        self._under_way: deque[tuple[Future[Any], Callable[[Callable[[], Any]], None]]] = deque()

    def give(
        self, work: Callable[[], Result], take: Callable[[Callable[[], Result]], None]
    ) -> None:
        """Give work to a thread; waits where enough is under way.

        Parameters
        ----------
        work : callable
            Runs in a thread, with the caller's context variables.
        take : callable
            Called in the caller's thread, after those of all earlier work, with a function that
            gives the result or raises what the work raised.
        """
        if self._pool is None:
            take(work)
            return
        self._under_way.append((self._pool.submit(copy_context().run, work), take))
        while len(self._under_way) > self._most or self._under_way[0][0].done():
            self._take_first()
            if not self._under_way:
                break

    def finish(self) -> None:
        """Wait for all results."""
        while self._under_way:
            self._take_first()

    def _take_first(self) -> None:
        future, take = self._under_way.popleft()
        take(future.result)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
