"""From a key model's outputs to keys."""

import numpy as np
import pytest
from fake_models import make_frame_card

from mirzoo.tasks import decode
from mirzoo.tasks.key import Key, KeyDecoder, KeyDecoding
from mirzoo.tasks.key.decoder import LagKeyDecoder
from mirzoo.tasks.key.names import LABELS

WINDOW = np.array([-0.1])


def card(outputs=("keys",), **decoding):
    sizes = {"keys": 24, "tuning": 2}
    return make_frame_card(
        "key", outputs={name: sizes[name] for name in outputs}, labels=list(LABELS),
        decoding=KeyDecoding(**decoding),
    )  # fmt: skip


def outputs_for(labels, sure=0.9):
    """One window whose kept 80 frames say each key for as long as the others."""
    classes = np.repeat([LABELS.index(label) for label in labels], 80 // len(labels))
    keys = np.full((1, 101, 24), (1 - sure) / 23)
    keys[0, 10 + np.arange(len(classes)), classes] = sure
    return keys


def test_the_whole_and_its_parts():
    keys = outputs_for(["A:min", "A:min", "A:min", "C:maj"])
    found = decode(card(), {"keys": keys}, WINDOW, duration_s=0.8, source="x")
    assert found.key == "A:min" and found.probabilities["A:min"] == pytest.approx(0.676, abs=1e-3)
    assert found.segments == (
        (0.0, pytest.approx(0.595), "A:min"), (pytest.approx(0.595), 0.8, "C:maj"),
    )  # fmt: skip
    assert found.confidence == pytest.approx((0.9, 0.9))
    assert found.over_time.shape == (1, 24) and found.tuning_cents is None
    assert (found.source, found.model, found.duration_s) == ("x", "fake_key", 0.8)


def test_a_passing_chord_is_no_modulation():
    keys = outputs_for(["A:min"])
    keys[0, 50:53] = outputs_for(["D:maj"])[0, 50:53]
    for penalty, expected in ((0.0, 3), (20.0, 1)):
        found = decode(card(change_penalty=penalty), {"keys": keys}, WINDOW, duration_s=0.8)
        assert len(found.segments) == expected


def test_the_tuning_is_a_direction():
    turn = 2 * np.pi * 0.2
    tuning = np.tile([np.cos(turn), np.sin(turn)], (1, 101, 1)) * 0.15 + 0.5
    outputs = {"keys": outputs_for(["A:min"]), "tuning": tuning}
    found = decode(card(("keys", "tuning")), outputs, WINDOW, duration_s=0.8)
    assert found.tuning_cents == pytest.approx(20.0)
    outputs["tuning"] = np.random.default_rng(0).normal(size=(1, 101, 2)) * 0.01 + 0.5
    assert decode(card(("keys", "tuning")), outputs, WINDOW, duration_s=0.8).tuning_cents is None


def test_windows_that_come_one_by_one_give_the_same():
    rng = np.random.default_rng(0)
    keys = rng.dirichlet(np.full(24, 0.3), (9, 101)).astype(np.float32)
    starts = np.arange(9) * 0.8 - 0.1
    at_once = decode(card(change_penalty=2.0), {"keys": keys}, starts, duration_s=7.0)
    decoder = KeyDecoder(card(change_penalty=2.0))
    for number in range(9):
        decoder.add({"keys": keys[number : number + 1]}, starts[number : number + 1])
    assert decoder.finish(duration_s=7.0).to_dict() == at_once.to_dict()
    assert len(at_once.segments) > 5 and at_once.over_time.shape == (7, 24)


def pieces_of(decoder, frames, size):
    given = []
    for start in range(0, len(frames["keys"]), size):
        decoder.add_frames({name: values[start : start + size] for name, values in frames.items()})
        given.append(decoder.take())
    given.append(decoder.rest(duration_s=len(frames["keys"]) / 100))
    return [piece for piece in given if piece is not None]


@pytest.mark.parametrize("size", [1, 7, 80])
def test_with_a_lag_keys_come_piece_by_piece(size):
    rng = np.random.default_rng(0)
    keys = outputs_for(["A:min", "C:maj", "A:min", "F:maj"], sure=0.6)[0, 10:90]
    keys = keys * rng.uniform(0.5, 1.5, keys.shape)
    keys /= keys.sum(axis=1, keepdims=True)
    tuning = np.full((80, 2), (0.5, 0.9))
    frames = {"keys": keys, "tuning": tuning}
    about = card(("keys", "tuning"), lag_s=0.2, change_penalty=5.0)
    given = pieces_of(LagKeyDecoder(about), frames, size)
    assert len(given) > 1 or size == 80
    joined = Key.joined(given)
    at_once = LagKeyDecoder(about)
    at_once.add_frames(frames)
    whole = at_once.finish(duration_s=0.8)
    assert joined.segments == whole.segments and joined.key == whole.key == "A:min"
    assert joined.confidence == pytest.approx(whole.confidence)
    assert joined.probabilities == pytest.approx(whole.probabilities)
    assert joined.tuning_cents == whole.tuning_cents == pytest.approx(25.0)
    assert [label for _, _, label in joined.segments] == ["A:min", "C:maj", "A:min", "F:maj"]
    first = given[0]
    assert first.duration_s <= 0.8 and first.segments[0][2] == "A:min"


def test_a_card_with_a_lag_is_decoded_with_it():
    keys = outputs_for(["A:min", "C:maj"])
    without, with_lag = card(), card(lag_s=0.3)
    expected = decode(without, {"keys": keys}, WINDOW, duration_s=0.8)
    found = decode(with_lag, {"keys": keys}, WINDOW, duration_s=0.8)
    assert found.segments == expected.segments and found.key == expected.key
    assert found.confidence == pytest.approx(expected.confidence)
    assert (
        "lag_s" in with_lag.decoding.model_dump() and "lag_s" not in without.decoding.model_dump()
    )
