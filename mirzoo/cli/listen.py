"""`mirzoo listen`: a model on a microphone, or on raw samples from the standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mirzoo.cli._shared import (
    CHANNEL,
    MODEL,
    RUNTIME,
    OneOf,
    complain,
    quiet_libraries,
)

if TYPE_CHECKING:
    from mirzoo.engines.live import Sink

DEFAULT_RATE = 44100
EPILOG = """
Ctrl-C ends the stream: what is left of it is printed, and how many blocks were dropped or late.
"""


def _sample_formats() -> list[str]:
    from mirzoo.engines.live import SAMPLE_FORMATS

    return list(SAMPLE_FORMATS)


@click.command(epilog=EPILOG)
@MODEL
@click.option(
    "--stdin",
    "from_stdin",
    is_flag=True,
    help="Take raw samples (PCM) from the standard input in the place of a microphone.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    metavar="HZ",
    help="Sample rate; by default the microphone's own, or 44100 of the standard input.",
)
@click.option(
    "--channels", "channel_count", type=click.IntRange(1, 32), default=1, help="How many there are."
)
@click.option(
    "--format",
    "sample_format",
    type=OneOf(_sample_formats),
    default="s16le",
    metavar="FORMAT",
    help="Of raw samples: s16le, f32le and others, as ffmpeg and sox name them.",
)
@click.option("--device", help="The microphone, a part of its name or its number.")
@click.option(
    "--block-s",
    type=click.FloatRange(min=0.001, max=10.0),
    default=0.064,
    metavar="SECONDS",
    help="Length of a block of sound.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each result as a line of JSON.")
@click.option("--osc", metavar="HOST:PORT", help="Send each result as an OSC message.")
@click.option("--midi", is_flag=True, help="Play chords, melody or notes on a virtual MIDI port.")
@click.option("--midi-port", metavar="NAME", help="Play them on this MIDI port.")
@click.option(
    "--decoding",
    multiple=True,
    metavar="NAME=VALUE",
    help="Decode with another setting than the card's, such as lag_s=0.5. May be repeated.",
)
@RUNTIME
@CHANNEL
def listen(
    name: str,
    from_stdin: bool,
    rate: int | None,
    channel_count: int,
    sample_format: str,
    device: str | None,
    block_s: float,
    as_json: bool,
    osc: str | None,
    midi: bool,
    midi_port: str | None,
    decoding: Sequence[str],
    runtime: str,
    channel: str,
) -> None:
    """Annotate sound while it comes, from a microphone or from raw samples."""
    from contextlib import ExitStack

    from mirzoo import hub
    from mirzoo.cli.annotate import decodings_of
    from mirzoo.engines import live, live_sinks

    quiet_libraries()
    if from_stdin and device is not None:
        raise click.UsageError("--device is a microphone, and --stdin takes none; give one of them")
    settings = decodings_of([hub.card(name)], decoding)[0]
    address = None if osc is None else _address(osc)
    model = hub.load(name, runtime)
    with ExitStack() as stack:
        source: live.Source
        if from_stdin:
            rate = rate or DEFAULT_RATE
            samples = max(1, round(block_s * rate))
            source = live.RawBlocks(live.standard_input(), channel_count, sample_format, samples)
        else:
            number = int(device) if device is not None and device.isdecimal() else device
            microphone = live.Microphone(rate, channel_count, block_s, number)
            source, rate = stack.enter_context(microphone), microphone.source_rate
        stream = hub.stream(
            model,
            source_rate=rate,
            channels=channel_count,
            channel=channel,  # type: ignore[arg-type]
            decoding=settings,
            block_s=block_s,
        )
        complain(f"{model.card.name}: latency {stream.latency}")
        if stream.latency_s == float("inf"):
            complain(
                "results come when the stream ends: give --decoding lag_s=0.5 to have chords and "
                "melodies decided half a second after each frame"
            )
        sinks: list[Sink] = []
        report = None
        if address is not None:
            sinks.append(live_sinks.Osc(*address))
        if midi or midi_port is not None:
            sinks.append(live_sinks.Midi(midi_port))
        if as_json or not sys.stdout.isatty():
            sinks.append(live_sinks.JsonLines(sys.stdout))
        else:
            screen = live_sinks.Screen(model.card.name, stream.latency)
            sinks.append(screen)
            report = screen.report
        counts = live.listen(stream, source, sinks, report=report)
    complain(str(counts))
    for warning in stream.warnings:
        complain(warning)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise click.BadParameter(
            f"'{text}' is not HOST:PORT, such as 127.0.0.1:9000", param_hint="--osc"
        )
    return host, int(port)
