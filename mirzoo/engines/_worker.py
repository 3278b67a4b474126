"""What runs in a worker process: jobs come on the standard input, records go to the output.

Both are pickled. Descriptors 1 and 2 are the worker's own log, which the parent shows where a file
fails: native libraries write there as they please.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import shutil
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

from mirzoo.engines.one_file import Job, Setup
from mirzoo.errors import MirzooError


def main(folder: str) -> None:
    """Load the models of the setup that comes first, and work until the input ends.

    Parameters
    ----------
    folder : str
        That of its temporary files, which nothing else uses; it goes with the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    faulthandler.enable(all_threads=False)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox, folder), daemon=True).start()
    setup: Setup = inbox.get()
    try:
        one_file = setup.start()
    except MirzooError as error:
        _send(out, error)
        return
    _send(out, None)
    while True:
        job: Job = inbox.get()
        outcome = one_file(job)
        sys.stderr.flush()
        _send(out, outcome)


def _read(pipe: BinaryIO, inbox: queue.SimpleQueue[Any], folder: str) -> None:
    """Hand on what comes; where the parent is gone, end at once, in the middle of a file too."""
    try:
        while True:
            inbox.put(pickle.load(pipe))
    except BaseException:
        # Not tempfile.gettempdir(): where this folder is gone already, that is everybody's.
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others are still in the batch's, or it is gone
            os.rmdir(os.path.dirname(folder))
        os._exit(0)


def _send(out: BinaryIO, message: Any) -> None:
    try:
        pickle.dump(message, out)
        out.flush()
    except BrokenPipeError:
        os._exit(0)
