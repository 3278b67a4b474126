"""Listening: sources, sinks, counts, and how it ends."""

import errno
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import types

import numpy as np
import pytest
import soundfile
from fake_models import FakeRunner
from live_models import music

from mirzoo.annotate.live import Latency, Stream
from mirzoo.engines import live, live_sinks
from mirzoo.errors import AnnotationError, AudioError
from mirzoo.tasks.chords import Chords
from mirzoo.tasks.melody import Melody
from mirzoo.tasks.tagging import Tags

CHORDS = Chords([(0.0, 1.0, "C:maj"), (1.0, 2.0, "C:maj/3"), (2.0, 3.0, "N")], [0.9, 0.8, 0.7])
MELODY = Melody([0.0, 0.1, 0.2], [440.0, 446.0, -440.0], [0.9, 0.8, 0.1])
TAGS = Tags(["rock", "pop"], [0.0, 1.0], [[0.2, 0.8], [0.7, 0.1]], window_s=1.0)


class Kept:
    """A sink that remembers."""

    def __init__(self):
        self.pieces, self.closed = [], 0

    def give(self, piece):
        self.pieces.append(piece)

    def close(self):
        self.closed += 1


class Blocks(list):
    dropped = 0


def test_blocks_become_pieces_and_the_rest_comes_at_the_end():
    waveform, kept, reports = music(1.03)[:, 0], Kept(), []
    stream = Stream(FakeRunner(), source_rate=16000)
    source = Blocks(waveform[first : first + 800] for first in range(0, len(waveform), 800))
    counts = live.listen(stream, source, [kept], report=lambda c: reports.append(c.blocks))
    assert reports == list(range(1, len(source) + 1))
    assert counts.length_s == pytest.approx(1.03)
    assert kept.closed == 1
    assert Tags.joined(kept.pieces).duration_s == pytest.approx(1.03)
    assert f"1.0 s in {len(source)} blocks, 0 dropped, 0 late" in str(counts)


def test_an_interrupt_ends_it_as_the_end_does():
    def interrupted():
        yield np.zeros(3000, np.float32)
        raise KeyboardInterrupt

    kept, source = Kept(), types.SimpleNamespace(dropped=3, __iter__=None)
    source = Blocks()
    source.__class__ = type("Interrupted", (Blocks,), {"__iter__": lambda self: interrupted()})
    counts = live.listen(Stream(FakeRunner(), source_rate=16000), source, [kept])
    assert (counts.blocks, kept.closed) == (1, 1)
    assert Tags.joined(kept.pieces).duration_s == pytest.approx(3000 / 16000)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_a_block_is_annotated_loses_nothing_of_it(name):
    number = getattr(signal, name)
    before = signal.getsignal(number)

    class Signalled(FakeRunner):
        def predict_windows(self, windows):
            os.kill(os.getpid(), number)
            return super().predict_windows(windows)

    blocks, kept = Blocks(np.ones((3, 1600), np.float32)), Kept()
    signal.signal(number, signal.default_int_handler)  # as where nothing ignores it
    try:
        counts = live.listen(Stream(Signalled(), source_rate=16000), blocks, [kept])
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert (counts.blocks, kept.closed) == (1, 1)
    assert Tags.joined(kept.pieces).duration_s == pytest.approx(0.1)


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    try:
        live.listen(Stream(FakeRunner(), source_rate=16000), Blocks(), [])
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_is_left_goes_out_before_a_source_fails():
    kept, samples = Kept(), np.zeros(4000, "<i2").tobytes()
    source = live.RawBlocks(io.BytesIO(samples + b"x"), 1, "s16le", 1600)
    with pytest.raises(AudioError, match="the raw samples end within one"):
        live.listen(Stream(FakeRunner(), source_rate=16000), source, [kept])
    assert Tags.joined(kept.pieces).duration_s == pytest.approx(0.25)
    assert kept.closed == 1


def test_nothing_that_came_is_no_error():
    kept = Kept()
    counts = live.listen(Stream(FakeRunner(), source_rate=16000), Blocks(), [kept])
    assert (counts.blocks, counts.share, kept.pieces) == (0, 0.0, [])


def test_blocks_whose_results_take_too_long_are_late():
    class Slow(FakeRunner):
        def predict_windows(self, windows):
            time.sleep(0.12)
            return super().predict_windows(windows)

    blocks = Blocks(np.zeros((3, 1600), np.float32))
    counts = live.listen(Stream(Slow(), source_rate=16000), blocks, [])
    assert (counts.blocks, counts.late) == (3, 3)


@pytest.mark.parametrize("name", live.SAMPLE_FORMATS)
def test_raw_samples_of_every_format(name):
    kind = np.dtype(live.SAMPLE_FORMATS[name])
    samples = np.arange(20).reshape(10, 2).astype(kind)
    blocks = list(live.RawBlocks(io.BytesIO(samples.tobytes()), 2, name, 4))
    assert [len(block) for block in blocks] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), samples)
    Stream(FakeRunner(), source_rate=16000, channels=2).push(blocks[0])


def test_raw_samples_that_cannot_be_read_are_an_error():
    class Broken(io.BytesIO):
        def read(self, size):
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(AudioError, match="cannot be read .Input/output error"):
        list(live.RawBlocks(Broken(), 2, "s16le", 4))


def test_raw_samples_that_end_within_one_are_an_error():
    with pytest.raises(AudioError, match=r"has 4 bytes, and 2 are left"):
        list(live.RawBlocks(io.BytesIO(b"\0" * 10), 2, "s16le", 4))
    with pytest.raises(AudioError, match="format is 'mp3'; allowed are s8, u8, s16le"):
        live.RawBlocks(io.BytesIO(), 2, "mp3", 4)


@pytest.fixture
def sound_card(monkeypatch):
    """A made-up sounddevice whose callback a test calls itself."""

    class PortAudioError(Exception):
        pass

    class InputStream:
        def __init__(self, **settings):
            self.settings, card.stream = settings, self

        def start(self):
            self.running = True

        def close(self):
            self.running = False

    def query_devices(device=None, kind=None):
        if device == "nothing":
            raise ValueError("No input device matching 'nothing'")
        known = {"name": "Mic", "max_input_channels": 2, "default_samplerate": 48000.0}
        return known if kind else [known]

    card = types.SimpleNamespace(
        PortAudioError=PortAudioError, InputStream=InputStream, query_devices=query_devices
    )
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def test_a_microphone_counts_what_is_dropped_and_keeps_time(sound_card):
    fine, overflow = (types.SimpleNamespace(input_overflow=value) for value in (False, True))
    with live.Microphone(None, 1, 0.01) as microphone:
        assert microphone.source_rate == 48000
        assert sound_card.stream.settings["blocksize"] == 480
        take = sound_card.stream.settings["callback"]
        for number in range(live.MOST_WAITING + 3):
            take(np.full((480, 1), number + 1.0, np.float32), 480, None, fine)
        assert microphone.dropped == 3
        came = iter(microphone)
        first = [next(came)[0, 0] for _ in range(10)]
        take(np.full((480, 1), 99.0, np.float32), 480, None, overflow)
        assert microphone.dropped == 4
        rest = [next(came)[0, 0] for _ in range(live.MOST_WAITING - 10 + 5)]
        microphone.stop()
        assert list(came) == []
    assert first == list(range(1, 11))
    # Three were dropped and one overflowed: silence is in their place.
    assert rest[-5:] == [0.0, 0.0, 0.0, 0.0, 99.0]
    assert not sound_card.stream.running


def test_a_microphone_that_goes_away_is_an_error(sound_card, monkeypatch):
    monkeypatch.setattr(live, "LONGEST_WAIT_S", 1)
    fine = types.SimpleNamespace(input_overflow=False)
    with live.Microphone(None, 1, 0.01) as microphone:
        sound_card.stream.settings["callback"](np.zeros((480, 1), np.float32), 480, None, fine)
        came = iter(microphone)
        next(came)
        with pytest.raises(AudioError, match="has given nothing for 1 s: was it unplugged"):
            next(came)


def test_a_microphone_that_is_not_there(sound_card, monkeypatch):
    with pytest.raises(AudioError, match=r"the device 'nothing' cannot be opened.*there are 'Mic'"):
        live.Microphone(None, 1, 0.01, "nothing")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(AudioError, match=r"pip install \"mirzoo\[live\]\""):
        live.Microphone(None, 1, 0.01)


def test_json_has_a_line_for_each_event():
    file = io.StringIO()
    sink = live_sinks.JsonLines(file)
    for piece in (CHORDS, MELODY, TAGS):
        sink.give(piece)
    sink.close()
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert lines[0] == {
        "task": "chords", "start_s": 0.0, "end_s": 1.0, "label": "C:maj", "confidence": 0.9
    }  # fmt: skip
    assert lines[3] == {"task": "melody", "time_s": 0.0, "f0_hz": 440.0, "confidence": 0.9}
    assert lines[-1]["tags"] == {"rock": 0.7, "pop": 0.1}


def test_osc_messages_arrive():
    osc = pytest.importorskip("pythonosc.osc_message")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sink = live_sinks.Osc(*receiver.getsockname())
        sink.give(CHORDS)
        sink.give(TAGS)
        sink.close()
        messages = [osc.OscMessage(receiver.recv(4096)) for _ in range(5)]
    assert (messages[0].address, messages[0].params[2]) == ("/mirzoo/chords", "C:maj")
    assert messages[3].address == "/mirzoo/tagging"
    assert messages[3].params[2:5:2] == ["rock", "pop"][:2]


def test_osc_to_where_nothing_can_be_sent():
    pytest.importorskip("pythonosc")
    with pytest.raises(AnnotationError, match=r"cannot be sent to 'nowhere\.invalid'"):
        live_sinks.Osc("nowhere.invalid", 9000)
    sink = live_sinks.Osc("255.255.255.255", 9000)  # broadcast has to be asked for
    with pytest.raises(AnnotationError, match=r"cannot be sent to 255\.255\.255\.255: "):
        sink.give(CHORDS)
    sink.close()


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_osc_messages_by_ipv6(host):
    osc = pytest.importorskip("pythonosc.osc_message")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"this machine has no IPv6: {error}")
        receiver.settimeout(5)
        sink = live_sinks.Osc(host, receiver.getsockname()[1])
        sink.give(CHORDS)
        sink.close()
        assert osc.OscMessage(receiver.recv(4096)).params[2] == "C:maj"


def test_midi_plays_what_changes():
    sent = []
    sink = live_sinks.Midi(send=lambda message: sent.append((message.type, message.note)))
    sink.give(CHORDS)
    assert sent[:4] == [("note_on", 48), ("note_on", 60), ("note_on", 64), ("note_on", 67)]
    assert sent[4:6] == [("note_off", 48), ("note_on", 40)]  # the bass alone moves
    assert {note for kind, note in sent[6:] if kind == "note_off"} == {40, 60, 64, 67}
    sent.clear()
    sink.give(MELODY)
    assert sent == [("note_on", 69), ("note_off", 69)]
    sink.give(Melody([0.3], [440.0]))
    sink.close()
    assert sent[-1] == ("note_off", 69)
    with pytest.raises(AnnotationError, match="no pitches that MIDI could play"):
        sink.give(TAGS)


def test_other_programs_read_from_a_virtual_midi_port():
    rtmidi = pytest.importorskip("rtmidi")
    try:
        receiver = rtmidi.MidiIn()
    except rtmidi.RtMidiError as error:
        with pytest.raises(AnnotationError, match="the MIDI port 'mirzoo' cannot be opened"):
            live_sinks.Midi()
        pytest.skip(f"this machine has no sequencer for MIDI: {error}")
    sink = live_sinks.Midi()
    [number] = [n for n, name in enumerate(receiver.get_ports()) if "mirzoo" in name]
    receiver.open_port(number)
    sink.give(MELODY)
    sink.close()
    received, last = [], time.monotonic() + 10
    while len(received) < 2 and time.monotonic() < last:
        message = receiver.get_message()
        if message is not None:
            received.append(message[0][:2])
    receiver.close_port()
    assert received == [[0x90, 69], [0x80, 69]]


def test_extras_that_are_missing_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(AnnotationError, match=r"mirzoo\[midi\]"):
        live_sinks.Midi()
    monkeypatch.setitem(sys.modules, "pythonosc.osc_message_builder", None)
    with pytest.raises(AnnotationError, match=r"mirzoo\[osc\]"):
        live_sinks.Osc("127.0.0.1", 9000)


def test_the_screen_shows_the_newest_and_how_it_goes():
    from rich.console import Console

    file = io.StringIO()
    screen = live_sinks.Screen(
        "a_model", Latency(0.0, 0.1, 0.1, 0.2, 0.064), Console(file=file, width=90)
    )
    for label in ("C:maj", "G:7"):
        screen.give(Chords([(0.0, 1.0, label)]))
        screen.report(live.Counts(blocks=7, late=1, length_s=0.5))
    screen.close()
    shown = file.getvalue()
    for text in ("a_model", "G:7", "C:maj", "7 blocks, 0 dropped, 1 late", "latency 0.464 s"):
        assert text in shown


def test_newest_of_every_annotation():
    assert CHORDS.newest() == ["N"]
    assert MELODY.newest() == ["–"]
    assert Melody([0.0], [446.0]).newest() == ["A4 +23 cents"]
    assert [line.split()[0] for line in TAGS.newest()] == ["rock", "pop"]


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(shutil.which, ("pulseaudio", "pactl", "paplay"))), reason="no PulseAudio here"
)
def test_a_real_sound_server(tmp_path, demo_clip):
    """What is played to a null sink comes back from its monitor, as from a microphone."""
    pytest.importorskip("sounddevice")
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / ".asoundrc").write_text(
        "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
    )
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run"), "HOME": str(tmp_path)}
    samples, rate = soundfile.read(demo_clip)
    soundfile.write(tmp_path / "clip.wav", samples[: 6 * rate], rate)
    server = subprocess.Popen(
        ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n",
         "--load=module-native-protocol-unix", "--load=module-null-sink sink_name=made_up"],
        env=environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(50):
            if not subprocess.run(
                ["pactl", "info"], env=environment, capture_output=True
            ).returncode:
                break
            time.sleep(0.1)
        listening = subprocess.Popen(
            [sys.executable, "-m", "mirzoo", "listen", "chroma_rnn_chords", "--json",
             "--decoding", "lag_s=0.5"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(3)
        subprocess.run(["paplay", "-d", "made_up", str(tmp_path / "clip.wav")], env=environment)
        listening.send_signal(signal.SIGTERM)
        out, err = listening.communicate(timeout=30)
    finally:
        server.terminate()
        server.wait(10)
    assert listening.returncode == 0, err
    labels = [json.loads(line)["label"] for line in out.splitlines()]
    assert len(set(labels) - {"N"}) >= 2
    assert " 0 dropped" in err
