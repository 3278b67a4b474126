"""Where the results of a live stream go: the terminal, JSON lines, OSC, a MIDI port.

A sink knows no task: what it shows, sends or plays, each annotation tells (`Annotation.events`,
`Annotation.newest`, `Playable.sounding`).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import IO, Any

from mirzoo.annotate.live import Latency
from mirzoo.engines.live import Counts
from mirzoo.errors import AnnotationError
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.annotation.base import Playable

VELOCITY = 80
SHOWN_EVENTS = 8
PORT_NAME = "mirzoo"


class JsonLines:
    """Write each event on a line of its own, at once.

    Parameters
    ----------
    file : text file
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def give(self, piece: Annotation) -> None:
        """Write what is new."""
        for event in piece.events():
            self._file.write(json.dumps({"task": piece.task, **event}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Leave the file open: it belongs to who gave it."""


class Osc:
    """Send each event as an OSC message (Open Sound Control) over UDP.

    The address is ``/mirzoo/<task>``; the arguments are the event's values in their order, lists
    one value after the other. Needs the extra ``osc`` (python-osc).

    Parameters
    ----------
    host : str
    port : int

    Raises
    ------
    AnnotationError
        If python-osc is not installed, there is no such host, or nothing can be sent to it.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            from pythonosc.osc_message_builder import build_msg
        except ImportError as error:
            raise AnnotationError('OSC needs the extra: pip install "mirzoo[osc]"') from error
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise AnnotationError(
                f"OSC messages cannot be sent to {host!r}: {error.strerror}"
            ) from error
        family, kind, _, _, address = found[0]
        self._to: tuple[Any, ...] = address
        self._build, self._socket = build_msg, socket.socket(family, kind)

    def give(self, piece: Annotation) -> None:
        """Send what is new."""
        for event in piece.events():
            arguments: list[Any] = []
            for value in event.values():
                if isinstance(value, dict):
                    arguments += [part for pair in value.items() for part in pair]
                else:
                    arguments += value if isinstance(value, list) else [value]
            message = self._build(f"/mirzoo/{piece.task}", arguments)
            try:
                self._socket.sendto(message.dgram, self._to)
            except OSError as error:
                raise AnnotationError(
                    f"an OSC message cannot be sent to {self._to[0]}: {error.strerror}"
                ) from error

    def close(self) -> None:
        """Send nothing more."""
        self._socket.close()


class Midi:
    """Play results on a MIDI port: the tones of a chord, the notes of a melody.

    Needs the extra ``midi`` (python-rtmidi).

    Parameters
    ----------
    port : str, optional
        The name of a port that there is; by default a virtual one named "mirzoo" is made, which
        other programs can read from.
    send : callable, optional
        Takes each `mido.Message` in the place of a port.

    Raises
    ------
    AnnotationError
        If python-rtmidi is not installed, or there is no such port.
    """

    def __init__(
        self, port: str | None = None, *, send: Callable[[Any], object] | None = None
    ) -> None:
        self._port: Any = None
        self._send = send or self._opened(port)
        self._on: tuple[int, ...] = ()

    def give(self, piece: Annotation) -> None:
        """Play what is new, as it is by now."""
        if not isinstance(piece, Playable):
            raise AnnotationError(f"{piece.kind} have no pitches that MIDI could play")
        for _, pitches in piece.sounding():
            self._change(pitches)

    def close(self) -> None:
        """End all notes."""
        self._change(())
        if self._port is not None:
            self._port.close()

    def _change(self, pitches: tuple[int, ...]) -> None:
        import mido

        for pitch in self._on:
            if pitch not in pitches:
                self._send(mido.Message("note_off", note=pitch))
        for pitch in pitches:
            if pitch not in self._on:
                self._send(mido.Message("note_on", note=pitch, velocity=VELOCITY))
        self._on = pitches

    def _opened(self, name: str | None) -> Callable[[Any], object]:
        import mido

        try:
            import rtmidi  # noqa: F401
        except ImportError as error:
            raise AnnotationError(
                'a MIDI port needs the extra: pip install "mirzoo[midi]"'
            ) from error
        mido.set_backend("mido.backends.rtmidi")
        try:
            self._port = mido.open_output(name or PORT_NAME, virtual=name is None)
        except (OSError, RuntimeError) as error:
            raise AnnotationError(
                f"the MIDI port {name or PORT_NAME!r} cannot be opened ({error}); there are "
                f"{', '.join(map(repr, _ports())) or 'none'}"
            ) from error
        return self._port.send


class Screen:
    """Show the newest result in the terminal, the events before it, and how it goes.

    Parameters
    ----------
    title : str
        The model.
    latency : Latency
    console : rich.console.Console, optional
        By default the standard output's.
    """

    def __init__(self, title: str, latency: Latency, console: Any = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._title, self._latency = title, latency
        self._newest: list[str] = ["…"]
        self._before: list[str] = []
        self._counts = Counts()
        self._live = Live(
            console=console or Console(), refresh_per_second=12, get_renderable=self._shown
        )
        self._live.start()

    def give(self, piece: Annotation) -> None:
        """Show what is new."""
        newest = piece.newest()
        headline = newest[0]
        if len(newest) == 1 and headline != self._newest[0]:
            self._before = [f"{self._counts.length_s:8.1f} s  {headline}", *self._before]
            del self._before[SHOWN_EVENTS:]
        self._newest = newest

    def report(self, counts: Counts) -> None:
        """Show how it goes."""
        self._counts = counts

    def close(self) -> None:
        """Leave the last picture on the screen."""
        self._live.stop()

    def _shown(self) -> Any:
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        newest = Text("\n".join(self._newest), style="bold green")
        before = Text("\n".join(self._before), style="dim")
        foot = Text(f"{self._counts}\nlatency {self._latency}", style="dim")
        return Panel(Group(newest, before, foot), title=self._title, title_align="left")


def _ports() -> list[str]:
    import mido

    try:
        return list(mido.get_output_names())
    except (OSError, RuntimeError):
        return []
