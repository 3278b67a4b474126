"""What is broken on purpose: sound files, arrays, cards, recipes, labels, saved models."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml
from campaign import RUNNING_FILE, Kind, Wrong
from hypothesis import strategies as st
from mutations import changed_json, changed_tree, json_values, mutated

ROOT = Path(__file__).parents[2]
RATE = 16000
SECONDS = 0.5
SMALLEST = ROOT / "saved_models" / "chroma_rnn_chords"
TFLITE = ROOT / "tests" / "golden" / "litert" / "fake_tagger.tflite"


def contents(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob(pattern) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def accepted_or_refused(function: Any, *arguments: Any) -> str:
    """Call what should give a result without a word, or an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(*arguments)
    return "accepted"


# --- sound files -------------------------------------------------------------------------------

BY_LIBSNDFILE = {
    "pcm16.wav": ("WAV", "PCM_16"), "float.wav": ("WAV", "FLOAT"), "ulaw.wav": ("WAV", "ULAW"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"), "x.rf64.wav": ("RF64", "PCM_16"), "x.w64": ("W64", "PCM_16"),
    "x.aiff": ("AIFF", "PCM_16"), "x.au": ("AU", "PCM_16"), "x.caf": ("CAF", "PCM_16"),
    "x.flac": ("FLAC", "PCM_16"), "x.ogg": ("OGG", "VORBIS"), "x.opus": ("OGG", "OPUS"),
    "x.mp3": ("MP3", "MPEG_LAYER_III"),
}  # fmt: skip
BY_FFMPEG = {
    "vbr.mp3": ("-q:a", "2"), "x.m4a": ("-c:a", "aac"), "alac.m4a": ("-c:a", "alac"), "x.aac": (),
    "x.wma": (), "x.wv": (), "x.mka": ("-c:a", "libvorbis"), "x.webm": ("-c:a", "libopus"),
    "x.avi": ("-c:a", "mp3"), "x.oga": ("-c:a", "flac"),
}  # fmt: skip


def write_sounds(folder: Path) -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(int(SECONDS * RATE)) / RATE
    sound = 0.3 * np.sin(2 * np.pi * np.stack([300 + 400 * time_s, 500 * time_s**0]) * time_s)
    sound = (sound + 0.05 * rng.standard_normal(sound.shape)).T
    for name, (container, subtype) in BY_LIBSNDFILE.items():
        soundfile.write(folder / name, sound, RATE, format=container, subtype=subtype)
    if shutil.which("ffmpeg"):
        start = ["ffmpeg", "-v", "error", "-y", "-i", str(folder / "pcm16.wav")]
        for name, options in BY_FFMPEG.items():
            subprocess.run([*start, *options, str(folder / name)], check=True)


@st.composite
def built_header(draw: st.DrawFn) -> bytes:
    """A WAV or AIFF of chunks in any order, whose numbers are anything."""
    little = draw(st.booleans())
    order = "little" if little else "big"

    def number(width: int, *usual: int) -> bytes:
        usual = usual or (0,)
        value = draw(st.sampled_from(usual) | st.integers(0, 256**width - 1))
        return value.to_bytes(width, order)

    def chunk(name: bytes, body: bytes) -> bytes:
        size = draw(st.just(len(body)) | st.sampled_from((0, 1, 2**31, 2**32 - 1)))
        return name + size.to_bytes(4, order) + body + b"\0" * (len(body) % 2)

    data = np.arange(draw(st.integers(0, 4000)), dtype="<i2").tobytes()
    if little:
        form = number(2, 1, 3, 6, 7, 17, 0xFFFE) + number(2, 1, 2) + number(4, 8000, 44100)
        form += number(4, 16000, 88200) + number(2, 1, 2, 4, 8) + number(2, 8, 16, 24, 32)
        chunks = [chunk(b"fmt ", form), chunk(b"data", data), chunk(b"LIST", b"INFOodd ")]
        start = b"RIFF" + number(4, len(data) + 100, 0, 2**32 - 1) + b"WAVE"
    else:
        form = number(2, 1, 2) + number(4, 0, len(data) // 2, len(data) // 4) + number(2, 16, 8, 24)
        form += number(2, 0x400E, 0x400B) + number(8, 0xAC44 << 48, 0xFA00 << 48)
        sound = chunk(b"SSND", number(4, 0) + number(4, 0) + data)
        chunks = [chunk(b"COMM", form), sound, chunk(b"NAME", b"odd ")]
        start = b"FORM" + number(4, len(data) + 100, 0, 2**32 - 1) + b"AIFF"
    kept = draw(st.lists(st.sampled_from(chunks), min_size=1, max_size=4))
    return start + b"".join(kept if draw(st.integers(0, 3)) == 0 else chunks)


def sounds(folder: Path) -> Any:
    seeds = contents(folder)
    others = tuple(seeds.values())

    def of(name: str) -> Any:
        return mutated(seeds[name], others).map(lambda content: {name: content})

    headers = built_header().map(
        lambda content: {"x.wav" if content[:4] == b"RIFF" else "x.aiff": content}
    )
    return st.integers(0, 9).flatmap(
        lambda n: headers if n == 0 else st.sampled_from(sorted(seeds)).flatmap(of)
    )


def judge_sound(case: Path) -> str:
    """Accepted without a word, a file gives what the whole one gives, or what ffmpeg gives."""
    from mirzoo.audio import Reader

    (path,) = case.iterdir()
    reader = Reader(path, RATE)
    samples = np.concatenate(list(reader))
    if samples.dtype != np.float32 or samples.ndim != 1 or not np.isfinite(samples).all():
        raise Wrong(f"{samples.dtype} {samples.shape}")
    warned = [*reader.damage, *reader.warnings]
    if warned or is_whole(path.name, samples):
        return "accepted with a warning" if warned else "accepted"
    theirs = by_ffmpeg(path)
    if theirs is not None and not alike(samples, theirs, whole_sound(path.name)):
        raise Wrong(
            f"{len(samples)} samples (RMS {rms(samples):.3f}) without a word; ffmpeg has "
            f"{len(theirs)} (RMS {rms(theirs):.3f})"
        )
    if theirs is None and len(samples) < whole_sound(path.name).size - RATE // 50:
        raise Wrong(f"{len(samples)} samples without a word; ffmpeg reports an error")
    return "accepted"


@cache
def whole_sounds() -> dict[str, np.ndarray]:
    import tempfile

    from mirzoo import audio

    with tempfile.TemporaryDirectory() as folder:
        write_sounds(Path(folder))
        return {path.name: audio.read(path, RATE) for path in Path(folder).iterdir()}


def whole_sound(name: str) -> np.ndarray:
    return whole_sounds().get(name, np.zeros(0, np.float32))


def is_whole(name: str, samples: np.ndarray) -> bool:
    whole = whole_sound(name)
    return len(whole) == len(samples) and bool(np.abs(whole - samples).max(initial=0) < 1e-3)


def by_ffmpeg(path: Path) -> np.ndarray | None:
    """What ffmpeg decodes; None where it reports an error."""
    if shutil.which("ffmpeg") is None:
        return None
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i", str(path),
         "-map", "0:a:0", "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-t", "600", "-"],
        capture_output=True, check=False, timeout=15,
    )  # fmt: skip
    return None if done.returncode or done.stderr else np.frombuffer(done.stdout, np.float32)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def alike(ours: np.ndarray, theirs: np.ndarray, whole: np.ndarray) -> bool:
    """Whether nothing is lost: as long as ffmpeg's to within 50 ms or two percent, or longer.

    Nor is it 8 dB quieter or louder than both ffmpeg's and the whole file's: decoders differ in
    what a flipped bit does to a frame without a checksum.
    """
    as_long = len(ours) >= len(theirs) * 0.98 - RATE // 20
    levels = [rms(sound) + 1e-3 for sound in (theirs, whole) if len(sound)]
    return as_long and 0.4 * min(levels) < rms(ours) + 1e-3 < 2.5 * max(levels)


# --- arrays ------------------------------------------------------------------------------------

DTYPES = ("float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16",
          "bool", "complex64", "datetime64[s]", "U3", "S2", "object", ">f4", ">i2")  # fmt: skip
FILLS = ("noise", "zeros", "nan", "inf", "subnormal", "huge", "offset", "one nan", "most")
RATES = (None, 16000, 44100, 8000.0, 1000, 999, 1, 0, -1, 10**6, 10**9, 2**70, float("inf"),
         float("nan"), "44100", True, 22050.5)  # fmt: skip


USUAL_ARRAY = {"dtype": "float32", "shape": [4000], "fill": "noise", "layout": "C", "wrapped": "",
               "rate": 1, "channel": "mean", "model": False}  # fmt: skip


def arrays(_: Path) -> Any:
    """A usual array that is odd in one to three ways."""
    sizes = st.sampled_from((0, 1, 2, 7, 160, 1600, 20_000)) | st.integers(0, 5000)
    shapes = st.lists(sizes | st.sampled_from((1, 2, 3)), max_size=3).filter(
        lambda shape: np.prod([*shape, 1.0]) <= 2_000_000
    )
    odd = {
        "dtype": st.sampled_from(DTYPES),
        "shape": shapes,
        "fill": st.sampled_from(FILLS),
        "layout": st.sampled_from(("F", "reversed", "every second", "broadcast", "read only")),
        "wrapped": st.sampled_from(("masked", "list", "matrix", "memoryview")),
        "rate": st.integers(0, len(RATES) - 1),
        "channel": st.sampled_from(("mid", "left", "right", "none", "")),
        "model": st.just(True),
    }
    ways = st.lists(st.sampled_from(sorted(odd)), min_size=1, max_size=3, unique=True)
    described = ways.flatmap(lambda names: st.fixed_dictionaries({n: odd[n] for n in names}))
    return described.map(lambda case: {"array.json": json.dumps({**USUAL_ARRAY, **case}).encode()})


def built_array(case: dict[str, Any]) -> Any:
    rng = np.random.default_rng(0)
    shape = tuple(case["shape"])
    values = {
        "noise": lambda: rng.uniform(-0.5, 0.5, shape), "zeros": lambda: np.zeros(shape),
        "nan": lambda: np.full(shape, np.nan), "inf": lambda: np.full(shape, np.inf),
        "subnormal": lambda: np.full(shape, 1e-310), "huge": lambda: np.full(shape, 1e300),
        "offset": lambda: rng.uniform(0.4, 0.6, shape), "most": lambda: np.full(shape, -128.0),
        "one nan": lambda: np.where(np.arange(np.prod(shape, dtype=int)).reshape(shape) == 3,
                                    np.nan, 0.1),
    }[case["fill"]]()  # fmt: skip
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dtype = np.dtype(case["dtype"])
        if dtype.kind in "iu":
            values = np.clip(np.nan_to_num(values * 128), -128, 127)
        elif dtype.kind == "M":
            values = np.zeros(shape)
        array = values.astype(dtype)
    layout = case["layout"]
    if layout == "F":
        array = np.asfortranarray(array)
    elif layout == "reversed" and array.ndim:
        array = array[::-1]
    elif layout == "every second" and array.ndim:
        array = array[::2]
    elif layout == "broadcast" and array.ndim:
        array = np.broadcast_to(array[:1], array.shape)
    elif layout == "read only":
        array = np.asarray(array)
        array.flags.writeable = False
    wrapped = case["wrapped"]
    if wrapped == "masked":
        return np.ma.masked_greater(array, 0) if array.dtype.kind in "fiu" else np.ma.array(array)
    if wrapped == "list":
        return array.tolist()
    if wrapped == "matrix" and array.ndim == 2:
        return np.asmatrix(array)
    return memoryview(array) if wrapped == "memoryview" and array.dtype.kind in "fiu" else array


def judge_array(case: Path) -> str:
    from mirzoo import audio
    from mirzoo.errors import MirzooError

    described = json.loads((case / "array.json").read_text())
    array, rate = built_array(described), RATES[described["rate"]]
    options = {"source_rate": rate, "channel": described["channel"]}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if described["model"]:
                small_model().annotate(array, **options).to_dict()
            else:
                samples = audio.read(array, RATE, **options)
                if samples.dtype != np.float32 or not np.isfinite(samples).all():
                    raise Wrong(f"{samples.dtype}, finite {np.isfinite(samples).all()}")
                original = np.asarray(array)
                expected = len(original) * RATE / float(rate or RATE)
                if samples.ndim != 1 or abs(len(samples) - expected) > 2:
                    raise Wrong(f"{samples.shape} of {original.shape} at {rate} Hz")
    except MirzooError:
        return "refused"
    return "accepted"


@cache
def small_model() -> Any:
    from fake_models import make_card

    from mirzoo.runtimes.litert import LiteRTModel

    return LiteRTModel(TFLITE, make_card())


# --- cards -------------------------------------------------------------------------------------


def write_cards(folder: Path) -> None:
    from fake_models import make_card

    (folder / "fake").mkdir()
    make_card().save(folder / "fake" / "card.json")
    for name in ("chroma_rnn_chords", "mel_cnn_tagger", "hcqt_cnn_melody"):
        shutil.copytree(ROOT / "saved_models" / name, folder / name,
                        ignore=lambda _, names: [n for n in names if n != "card.json"])  # fmt: skip


def cards(folder: Path) -> Any:
    seeds = contents(folder, "card.json")
    fake = seeds["fake/card.json"]
    of_fake = changed_json(fake).map(lambda content: {"card.json": content, "model": b"x"})
    others = st.sampled_from(sorted(seeds)).flatmap(
        lambda name: changed_json(seeds[name]).map(lambda content: {"card.json": content})
    )
    return st.one_of(of_fake, others)


def judge_card(case: Path) -> str:
    """A card that is accepted goes with the model that it describes, or is refused by it."""
    from mirzoo import hub
    from mirzoo.card import Card
    from mirzoo.errors import MirzooError
    from mirzoo.runtimes.litert import LiteRTModel

    card = Card.load(case)
    Card.parse(json.loads(card.to_json()))
    hub.card(case)
    if (case / "model").exists():
        (case / "model").unlink()
        try:
            model = LiteRTModel(TFLITE, card, threads=1)
            sound = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.annotate(sound).to_dict()
        except MirzooError:
            return "refused by its model"
    return "accepted"


# --- recipes -----------------------------------------------------------------------------------


def recipes(_: Path) -> Any:
    seeds = contents(ROOT / "recipes", "*.yaml")

    def tree(name: str) -> Any:
        changed = changed_tree(yaml.safe_load(seeds[name]))
        return changed.map(lambda value: yaml.safe_dump(value, allow_unicode=True).encode())

    def of(name: str) -> Any:
        return st.one_of(mutated(seeds[name], tuple(seeds.values())), tree(name)).map(
            lambda content: {"recipe.yaml": content}
        )

    return st.sampled_from(sorted(seeds)).flatmap(of)


def judge_recipe(case: Path) -> str:
    from mirzoo import recipe as reading
    from mirzoo.errors import MirzooError

    path = case / "recipe.yaml"
    runs = reading.load_runs(path)
    for run in reading.run_names(path):
        reading.load_recipe(path, run)
    try:
        if any(reading.load_recipe(path) is None for _ in runs):
            raise Wrong("no recipe")
    except MirzooError:
        return "refused"
    return "accepted"


# --- labels and annotations --------------------------------------------------------------------


def annotations() -> dict[str, Any]:
    from mirzoo.tasks.chords import Chords
    from mirzoo.tasks.melody import Melody
    from mirzoo.tasks.notes import Note, Notes
    from mirzoo.tasks.tagging import Tags

    f0 = np.array([220.0, 0.0, -330.0, 440.0])
    return {
        "chords": Chords([(0.0, 1.0, "C:maj"), (1.0, 2.5, "A:min7/b3")]),
        "melody": Melody(np.arange(4) * 0.01, f0, np.full(4, 0.5)),
        "notes": Notes([Note(0.1, 0.5, 60, 0.8), Note(0.2, 0.9, 64, 0.5)], duration_s=1.0),
        "tags": Tags(["low", "high"], np.array([0.0]), np.array([[0.2, 0.7]]), 1.0),
    }


def label_readers() -> None:
    import jams  # noqa: F401

    from mirzoo.data import folder  # noqa: F401

    annotations()


def write_labels(folder: Path) -> None:
    for name, annotation in annotations().items():
        for suffix in type(annotation).readable:
            annotation.write(folder / f"{name}{suffix}")
    (folder / "clips").mkdir()
    soundfile.write(folder / "clips" / "a.wav", np.full(800, 0.1), RATE)
    (folder / "clips" / "table.csv").write_text("path,label,group\na.wav,low;high,x\na.wav,low,y\n")


def labels(folder: Path) -> Any:
    seeds = {
        name: content for name, content in contents(folder).items() if not name.endswith(".wav")
    }
    sound = (folder / "clips" / "a.wav").read_bytes()

    def of(name: str) -> Any:
        content = seeds[name]
        is_json = name.endswith((".json", ".jams"))
        changed = changed_json(content) if is_json else mutated(content, tuple(seeds.values()))
        if name.startswith("clips"):
            return changed.map(lambda content: {"table.csv": content, "a.wav": sound})
        return changed.map(lambda content: {name: content})

    odd = st.text(max_size=60).map(lambda text: {"chords.lab": text.encode("utf-8", "ignore")})
    values = json_values.map(lambda value: {"tags.json": json.dumps(value).encode()})
    return st.integers(0, 9).flatmap(
        lambda n: [odd, values][n] if n < 2 else st.sampled_from(sorted(seeds)).flatmap(of)
    )


def judge_labels(case: Path) -> str:
    """What is read is a result that can be written, summed up and read again."""
    from mirzoo.data import folder

    if (case / "table.csv").exists():
        return accepted_or_refused(lambda: folder.load(case / "table.csv").labels)
    (path,) = case.iterdir()
    kind = type(annotations()[path.stem])
    read = kind.read(path)
    read.summary()
    again = read.write(case / "again.json")
    if kind.read(again).to_dict() != read.to_dict():
        raise Wrong("it is another after it was written and read again")
    return "accepted"


# --- saved models ------------------------------------------------------------------------------

# How often each file of a model is broken. What TensorFlow reads takes a second and more a case.
SHARES = {"model.tflite": 30, "fake.tflite": 15, "many.tflite": 30, "model.onnx": 14,
          "card.json": 2, "golden.npz": 3, "model.keras": 4, "saved_model.pb": 3,
          "variables": 1}  # fmt: skip


def write_models(folder: Path) -> None:
    shutil.copytree(SMALLEST, folder / "model")
    shutil.copy(TFLITE, folder / "fake.tflite")
    many = [sys.executable, str(Path(__file__).parent / "many_operations.py"), "many.tflite"]
    subprocess.run(many, cwd=folder, check=True, capture_output=True)
    try:
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError:
        return
    command = f"import mirzoo; mirzoo.export(mirzoo.load({str(SMALLEST)!r}), 'model.onnx')"
    subprocess.run([sys.executable, "-c", command], cwd=folder, check=True, capture_output=True)


def models(folder: Path) -> Any:
    whole = contents(folder / "model")
    lone = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    weighed = [name for name, share in SHARES.items() for _ in range(share)]
    names = [name for name in weighed if name != "model.onnx" or name in lone]

    def of(name: str) -> Any:
        if name in lone:
            return broken(lone[name]).map(lambda content: {name: content})
        if name in ("model.tflite", "model.keras"):
            contract = {"card.json": whole["card.json"], "lone": b"x"}
            return broken(whole[name]).map(lambda content: {**contract, name: content})
        file = next(file for file in sorted(whole) if file.startswith(name))
        changed = changed_json(whole[file]) if name == "card.json" else broken(whole[file])
        if name == "variables":
            file = "variables/variables.data-00000-of-00001"
        return changed.map(lambda content: {**whole, file: content, "claim": b"x"})

    return st.sampled_from(names).flatmap(of)


@st.composite
def broken(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with changes; half the time in what an archive holds, or in the tables of a model."""
    import zipfile

    if content[:2] == b"PK" and draw(st.booleans()):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = draw(st.sampled_from(sorted(members)))
        text = name.endswith(".json")
        members[name] = draw((changed_json if text else mutated)(members[name]))
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member, inside in members.items():
                archive.writestr(member, inside)
        return packed.getvalue()
    if content[4:8] == b"TFL3":
        return draw(numbers_changed(content))
    return draw(mutated(content))


@st.composite
def numbers_changed(draw: st.DrawFn, content: bytes) -> bytes:
    """A file of FlatBuffers with one to three numbers changed, mostly those of its tables."""
    changed = bytearray(content)
    tables = [at for at in range(0, len(content) - 4, 4) if content[at : at + 4] != b"\0\0\0\0"]
    tables = [at for at in tables if content[at + 2 : at + 4] in (b"\0\0", b"\xff\xff")] or tables
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from(tables)) + draw(st.sampled_from((0, 0, 0, 1, 2)))
        now = int.from_bytes(changed[at : at + 4], "little")
        near = st.sampled_from([(now + step) % 2**32 for step in range(-8, 9)])
        odd = st.sampled_from((0, 1, 2, 3, 5, 100, 2**16, 2**31 - 1, 2**31, 2**32 - 1))
        changed[at : at + 4] = draw(near | odd).to_bytes(4, "little")
    return bytes(changed)


def judge_model(case: Path) -> str:
    import hashlib

    import mirzoo
    from mirzoo.card import Card
    from mirzoo.runtimes.litert import LiteRTModel

    if (case / "claim").exists():
        (case / "claim").unlink()
        try:
            card = json.loads((case / "card.json").read_bytes())
            for file in card["files"]:
                card["files"][file] = hashlib.sha256((case / file).read_bytes()).hexdigest()
            (case / "card.json").write_text(json.dumps(card))
        except (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError):
            pass  # a card that claims nothing stays as it is
        return accepted_or_refused(mirzoo.verify, case)
    lone = next((case / n for n in ("fake.tflite", "many.tflite") if (case / n).exists()), None)
    if lone is not None:
        from fake_models import make_card

        model = LiteRTModel(lone, make_card(), threads=1)
    elif (case / "lone").exists():
        (case / "lone").unlink()
        (path,) = (path for path in case.iterdir() if path.name != "card.json")
        if path.suffix == ".tflite":
            model = LiteRTModel(path, Card.load(SMALLEST), threads=1)
        else:
            model = mirzoo.load(path)
    else:
        model = mirzoo.load(case / "model.onnx")
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, model.card.input.window_samples)
    (case / RUNNING_FILE).touch()  # a changed loop may go on for ever
    return accepted_or_refused(lambda: model.annotate(sound).to_dict())


def tensorflow() -> None:
    import tensorflow  # noqa: F401

    small_model()


def nothing(folder: Path) -> None:
    pass


KINDS = {
    kind.name: kind
    for kind in (
        Kind("audio", write_sounds, sounds, judge_sound, whole_sounds),
        Kind("arrays", nothing, arrays, judge_array, small_model),
        Kind("cards", write_cards, cards, judge_card, small_model),
        Kind("recipes", nothing, recipes, judge_recipe, small_model),
        Kind("labels", write_labels, labels, judge_labels, label_readers),
        Kind("models", write_models, models, judge_model, tensorflow, most_s=60.0, most_mb=1500.0),
    )
}
