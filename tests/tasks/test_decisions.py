"""Decoders as graphs give what the decoders in NumPy give, and files of decisions annotate."""

import numpy as np
import pytest
from fake_models import make_card, make_frame_card

from mirzoo.card import Card, Contract, Exported
from mirzoo.errors import CardError, ExportError
from mirzoo.export.base import FORMATS
from mirzoo.export.contract import file_contract
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, require_allowed
from mirzoo.tasks import decode
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.key import KeyDecoding
from mirzoo.tasks.key.names import LABELS as KEYS
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.tasks.notes import NotesDecoding

LABELS = ["N", "C:maj", "C:min7", "F:maj", "G:7", "A:min"]
FRAMES = 101
"""Of a window of the fake models, which last 1 s: more than one turn of either loop."""


def softmax(rng, *shape, peaked=3.0):
    values = np.exp(peaked * rng.standard_normal(shape))
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


def chord_card(bass=True, **decoding):
    outputs = {"chords": len(LABELS), **({"bass": 13} if bass else {})}
    decoding = {"change_penalty": 2.0, "bass_threshold": 0.3 if bass else None, **decoding}
    return make_frame_card(
        "chords", outputs=outputs, labels=LABELS, decoding=ChordDecoding(**decoding)
    )


def melody_card(voicing=True, bins=70, **decoding):
    outputs = {"salience": bins, **({"voicing": 1} if voicing else {})}
    settings = {"fmin": 55.0, "jump_penalty": 0.7, "leap_penalty": 4.0, **decoding}
    return make_frame_card("melody", outputs=outputs, decoding=MelodyDecoding(**settings))


def key_card(**decoding):
    return make_frame_card(
        "key", outputs={"keys": 24}, labels=list(KEYS), decoding=KeyDecoding(**decoding)
    )


def key_outputs(rng, card):
    keys = np.repeat(softmax(rng, 2, FRAMES, 24), 9, axis=1)[:, :FRAMES]
    return {"keys": (keys * rng.uniform(0.9, 1.0, keys.shape)).astype(np.float32)}


def chord_outputs(rng, card):
    probabilities = softmax(rng, 2, FRAMES, len(LABELS))
    if rng.random() < 0.5:  # chords that last; no two frames alike, or paths in another order tie
        probabilities = np.repeat(probabilities, 7, axis=1)[:, :FRAMES]
        probabilities = probabilities * rng.uniform(0.9, 1.0, probabilities.shape)
        probabilities /= probabilities.sum(axis=-1, keepdims=True)
        probabilities = probabilities.astype(np.float32)
    return {"chords": probabilities, "bass": softmax(rng, 2, FRAMES, 13, peaked=1.5)}


def melody_outputs(rng, card):
    bins = card.outputs[0].axes[-1].size
    return {
        "salience": softmax(rng, 2, FRAMES, bins),
        "voicing": np.repeat(rng.random((2, FRAMES, 1)), 3, axis=1)[:, :FRAMES].astype("float32"),
    }


def prior_and_transitions(rng):
    return {
        "prior": softmax(rng, len(LABELS), peaked=1.0).tolist(),
        "initial": softmax(rng, len(LABELS)).tolist(),
        "transition": softmax(rng, len(LABELS), len(LABELS)).tolist(),
    }


RNG = np.random.default_rng(5)
CASES = {
    "chords": chord_card(),
    "chords without bass": chord_card(bass=False),
    "chords that change freely": chord_card(change_penalty=0.0),
    "chords with a prior": chord_card(
        prior=softmax(RNG, len(LABELS), peaked=1.0).tolist(),
        initial=softmax(RNG, len(LABELS)).tolist(),
    ),
    "chords with transitions": chord_card(**prior_and_transitions(RNG)),
    "keys": key_card(change_penalty=3.0),
    "melody": melody_card(),
    "melody without voicing": melody_card(voicing=False, voicing_threshold=0.2),
    "melody frame by frame": melody_card(method="local_average", average_bins=1),
    "melody with hysteresis": melody_card(voicing_hysteresis=0.3),
    "melody without short stretches": melody_card(voicing_hysteresis=0.1, shortest_s=0.055),
    "melody that moves freely": melody_card(jump_penalty=0.0),
    "melody that leaps at no cost": melody_card(leap_penalty=0.0),
}


def decisions_of(card):
    return TASKS[card.task].decisions(card)


def in_graph(decisions, outputs):
    import tensorflow as tf

    given = {name: tf.constant(values) for name, values in outputs.items()}
    return {name: values.numpy() for name, values in decisions.in_graph(given).items()}


def litert(decisions, outputs):
    """What does the same in LiteRT, by builtin operations."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    specs = {name: tf.TensorSpec(v.shape, v.dtype, name) for name, v in outputs.items()}
    compute = tf.function(lambda **given: decisions.in_graph(given))
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [compute.get_concrete_function(**specs)], tf.Module()
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert())

    def decide(decisions, outputs):
        decided = interpreter.get_signature_runner("serving_default")(**outputs)
        return {output.name: decided[output.name] for output in decisions.outputs}

    return decide


def require_same(decisions, outputs, decide=in_graph, tolerance=1e-5):
    expected, received = decisions.in_numpy(outputs), decide(decisions, outputs)
    assert list(expected) == list(received) == [output.name for output in decisions.outputs]
    for name, values in expected.items():
        assert received[name].dtype == values.dtype
        np.testing.assert_allclose(received[name], values, rtol=tolerance, err_msg=name)


def random_outputs(card, seed):
    outputs = {"chords": chord_outputs, "key": key_outputs, "melody": melody_outputs}
    given = outputs[card.task](np.random.default_rng(seed), card)
    return {output.name: given[output.name] for output in card.outputs}


@pytest.mark.slow(quick=["chords"])
@pytest.mark.parametrize("case", ["chords", "melody", "keys"])
def test_the_graph_decides_as_the_decoder_does(case):
    require_same(decisions_of(CASES[case]), random_outputs(CASES[case], seed=0))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_litert_decides_as_the_decoder_does(case):
    card = CASES[case]
    decide = litert(decisions_of(card), random_outputs(card, 0))
    for seed in range(4):
        require_same(decisions_of(card), random_outputs(card, seed), decide)


@pytest.mark.slow
def test_ties_and_silence():
    rng = np.random.default_rng(0)
    chords = np.full((2, FRAMES, len(LABELS)), 1 / len(LABELS), np.float32)
    chords[1, 20:60, 2:4] = 0.5  # two that are alike
    chords[1, 60:, :] = np.eye(len(LABELS), dtype=np.float32)[0]  # and zeros
    bass = np.full((2, FRAMES, 13), 1 / 13, np.float32)
    require_same(decisions_of(chord_card()), {"chords": chords, "bass": bass})
    voicing = np.full((2, FRAMES, 1), 0.5, np.float32)
    voicing[1] = rng.integers(0, 2, (FRAMES, 1))
    melody = decisions_of(melody_card())
    require_same(melody, {"salience": np.ones((2, FRAMES, 70), "float32"), "voicing": voicing})
    silence = {"salience": np.zeros((2, FRAMES, 70), "float32"), "voicing": voicing * 0}
    decided = in_graph(melody, silence)
    assert melody.same(silence, decided, tie=0.0).all()
    assert not decided["voiced"].any() and (decided["f0"] >= 55.0).all()
    tags = np.array([[0.25, 0.25], [0.1, 0.9]], np.float32)
    require_same(decisions_of(make_card()), {"tags": tags})


def test_tags_are_averaged_over_frames_and_the_likeliest_first():
    decisions = decisions_of(make_card())
    outputs = {"tags": np.array([[[0.1, 0.3], [0.2, 0.8]]], np.float32)}
    require_same(decisions, outputs)
    decided = decisions.in_numpy(outputs)
    assert decided["top"].tolist() == [[1, 0]]
    np.testing.assert_allclose(decided["scores"], [[0.55, 0.15]], rtol=1e-6)


def test_which_decisions_are_the_same():
    chords = decisions_of(chord_card(bass=False, change_penalty=0.0))
    likely = {"chords": np.array([[[0.9, 0.1, 0, 0, 0, 0], [0.4998, 0.5002, 0, 0, 0, 0]]], "f")}
    assert chords.same(likely, {"chord": np.array([[1, 0]])}, tie=1e-3).tolist() == [[False, True]]
    melody = decisions_of(melody_card())
    outputs = random_outputs(melody_card(), seed=3)
    decided = melody.in_numpy(outputs)
    assert melody.same(outputs, decided, tie=0.0).all()
    moved = {"f0": decided["f0"] * 2 ** (61 / 1200), "voiced": decided["voiced"]}
    unvoiced = decided["voiced"] == 0
    assert melody.same(outputs, moved, tie=0.0)[unvoiced].all()
    assert not melody.same(outputs, moved, tie=0.0)[~unvoiced].any()
    other = {"f0": decided["f0"], "voiced": 1 - decided["voiced"]}
    assert not melody.same(outputs, other, tie=0.0).any()
    tags = decisions_of(make_card())
    top = {"top": np.array([[0, 1]]), "scores": np.array([[0.4, 0.6]])}
    assert tags.same({"tags": np.array([[0.4, 0.6]])}, top, tie=1e-3).tolist() == [False]


def test_a_bass_is_named_where_it_inverts_the_chord():
    decisions = decisions_of(chord_card())
    chords = np.repeat(np.eye(len(LABELS), dtype=np.float32)[[1, 1, 0, 3]], 10, axis=0)
    bass = np.repeat(np.eye(13, dtype=np.float32)[[5, 5, 5, 1]], 10, axis=0)
    decided = decisions.in_numpy({"chords": chords[np.newaxis], "bass": bass[np.newaxis]})
    assert decided["chord"][0, ::10].tolist() == [1, 1, 0, 3]
    assert decided["bass"][0, ::10].tolist() == [5, 5, 0, 1]  # E under C, none under N, C under F
    outside = np.roll(bass, 1, axis=1)  # F under C major is none of its tones
    decided = decisions.in_numpy({"chords": chords[np.newaxis], "bass": outside[np.newaxis]})
    assert decided["bass"][0, 0] == 0


def decided_file(card):
    """The card of a file that decides on the model's windows one by one."""
    asked = ExportOptions(decode=True, window_s=card.input.window_samples / card.sample_rate)
    contract = file_contract(card.contract, asked, usual_batch=1)
    return Card.of_binary(contract.to_json(), "x.tflite")


def windows_of(card, joined, length):
    """Windows as the joiner takes them: each with 10 frames of its neighbours at both sides."""
    padded = np.pad(joined, ((10, 100), *[(0, 0)] * (joined.ndim - 1)))
    starts = np.arange(0, length, 80)
    return np.stack([padded[k : k + FRAMES] for k in starts]), starts / 100 - 0.1


def test_decided_chords_become_the_same_segments():
    card = chord_card()
    classes = np.repeat([1, 3, 0, 5, 4], [30, 50, 20, 90, 50])
    basses = np.repeat([5, 1, 1, 10, 3], [30, 50, 20, 90, 50])
    chords, starts = windows_of(card, np.eye(6, dtype=np.float32)[classes] * 0.9, 240)
    bass, _ = windows_of(card, np.eye(13, dtype=np.float32)[basses], 240)
    outputs = {"chords": chords, "bass": bass}
    plain = decode(card, outputs, starts, duration_s=2.4)
    decided = decode(
        decided_file(card), decisions_of(card).in_numpy(outputs), starts, duration_s=2.4
    )
    assert decided.segments == plain.segments
    assert decided.labels == ("C:maj/3", "F:maj/5", "N", "A:min", "G:7/5")
    assert plain.confidence and decided.confidence is None


def test_a_decided_melody_has_the_same_contour():
    card = melody_card(voicing_threshold=0.5)
    rng = np.random.default_rng(1)
    bins = np.repeat(rng.integers(5, 65, 12), 20)
    salience, starts = windows_of(card, np.eye(70, dtype=np.float32)[bins], 240)
    voicing, _ = windows_of(card, (np.arange(240) % 60 > 20)[:, np.newaxis].astype("f"), 240)
    outputs = {"salience": salience, "voicing": voicing}
    plain = decode(card, outputs, starts, duration_s=2.4)
    decided = decode(
        decided_file(card), decisions_of(card).in_numpy(outputs), starts, duration_s=2.4
    )
    np.testing.assert_allclose(decided.f0, plain.f0, rtol=1e-6)
    np.testing.assert_array_equal(decided.times, plain.times)
    assert set(decided.confidence) == {0.0, 1.0}


def test_decided_tags_count_as_nothing_where_they_are_not_the_likeliest():
    labels = [f"tag {number}" for number in range(8)]
    tags = (
        make_card()
        .outputs[0]
        .model_copy(
            update={"axes": [make_card().outputs[0].axes[0].model_copy(update={"size": 8})]}
        )
    )
    card = make_card().updated(labels=labels, outputs=[tags])
    probabilities = np.linspace(0.1, 0.8, 16, dtype=np.float32).reshape(2, 8)
    decided = decode(
        decided_file(card),
        decisions_of(card).in_numpy({"tags": probabilities}),
        np.array([0.0, 0.1]),
        duration_s=0.2,
    )
    expected = probabilities.copy()
    expected[:, :3] = 0
    np.testing.assert_allclose(decided.probabilities, expected, rtol=1e-6)


def test_what_the_contract_of_a_decided_file_states():
    contract = file_contract(chord_card().contract, ExportOptions(decode=True), usual_batch=1)
    assert contract.format == 3
    assert contract.decoding.change_penalty == 2.0
    assert [output.name for output in contract.outputs] == ["chords", "bass"]
    assert [output.name for output in contract.available_outputs] == ["chord", "bass"]
    assert [output.axes[0].unit for output in contract.available_outputs] == ["label index"] * 2
    assert Contract.parse(contract.to_json()) == contract
    plain = file_contract(chord_card().contract, ExportOptions(batch=2), usual_batch=1)
    assert "decisions" not in plain.to_json()
    with pytest.raises(CardError, match="change_penalty cannot be changed: this file of 'fake_ch"):
        decided_file(chord_card()).decoded_with({"change_penalty": 1.0})
    assert isinstance(contract.exported, Exported)


@pytest.mark.parametrize(
    ("card", "format", "options", "message"),
    [
        (
            make_frame_card("notes", outputs={"notes": 88}, decoding=NotesDecoding()),
            "litert", {}, "decode=True: the notes of a recording are a list of no fixed length",
        ),
        (chord_card(), "litert", {"outputs": ["bass"]}, "decode=True: decisions take the place"),
        (chord_card(), "saved_model", {}, "decode=True: .*on windows of one length.*window_s=1 "),
    ],
)  # fmt: skip
def test_where_nothing_is_decided(card, format, options, message):
    asked = ExportOptions.of({"decode": True, **options})
    with pytest.raises(ExportError, match=message):
        require_allowed(Case(FORMATS[format], card, asked))


def test_a_saved_model_decides_where_its_window_is_given():
    asked = ExportOptions(decode=True, window_s=1.0)
    require_allowed(Case(FORMATS["saved_model"], chord_card(), asked))
    require_allowed(Case(FORMATS["saved_model"], make_card(), ExportOptions(decode=True)))


def test_decided_keys_become_the_same_parts():
    card = key_card(change_penalty=3.0)
    path = np.repeat([KEYS.index("A:min"), KEYS.index("C:maj")], [150, 90])
    keys, starts = windows_of(card, np.eye(24, dtype=np.float32)[path] * 0.9 + 0.004, 240)
    plain = decode(card, {"keys": keys}, starts, duration_s=2.4)
    file = decided_file(card)
    decided = decode(file, decisions_of(card).in_numpy({"keys": keys}), starts, duration_s=2.4)
    assert decided.segments == plain.segments and len(plain.segments) == 2
    assert decided.key == plain.key == "A:min"
    assert decided.confidence is None and decided.over_time is None
