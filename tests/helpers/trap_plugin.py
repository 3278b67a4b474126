"""Makes the name of a recording say what happens to its process, for tests of batches.

``mirzoo --import trap_plugin annotate MODEL music/``: the name is looked at before the recording is
decoded.
"""

import errno
import os
import signal
import time
from pathlib import Path

from mirzoo import annotate

_annotate_together = annotate.annotate_together
_embed_recording = annotate.embed_recording


def _trap(source):
    name = Path(getattr(source, "name", source)).name
    if "segv" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "killed" in name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exit" in name:
        os._exit(7)
    if "hang" in name:
        time.sleep(600)
    if "slow" in name:
        time.sleep(0.1)
    if "bug" in name:
        os.write(2, b"a library tells why\n")
        raise ZeroDivisionError("by zero")
    if "full" in name:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))


def _annotate(runners, source, **options):
    _trap(source)
    return _annotate_together(runners, source, **options)


def _embed(runner, source, **options):
    _trap(source)
    return _embed_recording(runner, source, **options)


annotate.annotate_together = _annotate
annotate.embed_recording = _embed
