"""How many cores there are, and how many threads a model takes by default."""

from __future__ import annotations

import os

from mirzoo.errors import MirzooError

THREADS = "MIRZOO_THREADS"
"""Variable of the environment: threads of a model where none are asked for."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_asked() -> int | None:
    """The threads that ``MIRZOO_THREADS`` asks for, such as in a worker process; None if unset.

    Raises
    ------
    MirzooError
        If it is no positive number.
    """
    given = os.environ.get(THREADS)
    if not given:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise MirzooError(f"{THREADS} is {given!r}; it must be a number of threads, 1 or more")
    return int(given)
