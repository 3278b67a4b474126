"""Settings of a decoding as keywords of the calls that annotate."""

import inspect

import numpy as np
import pytest
from fake_models import FakeFrameRunner, FakeRunner, make_card, make_frame_card

import mirzoo
from mirzoo.annotate import ModelMethods, annotate
from mirzoo.annotate.live import Stream
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.engines.batch import annotate_many
from mirzoo.engines.shards import Catalogue
from mirzoo.errors import CardError
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.beats import BeatsDecoding
from mirzoo.tasks.chords import ChordDecoding

LABELS = VOCABULARIES["majmin"].labels
CALLS = [annotate, ModelMethods.annotate, ModelMethods.stream, Stream, mirzoo.stream, annotate_many]


class Model(ModelMethods):
    _runtime = "fake"

    def __init__(self, **decoding):
        self._card = make_frame_card(
            "chords", outputs={"chords": 25}, labels=LABELS, decoding=ChordDecoding(**decoding)
        )
        self._fake = FakeFrameRunner(self._card)

    def _compute(self, windows):
        return self._fake.predict_windows(windows)


def two_short_changes():
    """The value of a sample is its class."""
    return np.repeat([1, 5, 1, 5], [4000, 30, 30, 4000]).astype(np.float32)


def test_keywords_and_mapping_do_the_same():
    model = Model(change_penalty=1000.0)
    assert len(model.annotate(two_short_changes()).labels) == 2
    for given in ({"change_penalty": 1.0}, {"decoding": {"change_penalty": 1.0}}):
        assert len(model.annotate(two_short_changes(), **given).labels) == 4
        assert len(annotate(model, two_short_changes(), **given).labels) == 4
    stream = model.stream(source_rate=1000, change_penalty=1.0, lag_s=0.5)
    assert stream.card.decoding.change_penalty == 1.0 and stream.latency.decoder_s == 0.5
    assert mirzoo.stream(model, source_rate=1000, lag_s=0.2).card.decoding.lag_s == 0.2


@pytest.mark.parametrize(
    ("switch", "told"),
    [("careful", "of annotate and annotate_many"), ("allow_damaged", "of calls that take whole"),
     ("snap", "of annotate_many")],
)  # fmt: skip
def test_streams_and_catalogues_tell_which_calls_have_a_switch(switch, told, tmp_path):
    told = f"^'{switch}' is no option of this call, but {told}"
    with pytest.raises(CardError, match=told):
        Model().stream(source_rate=1000, **{switch: True})
    if switch == "allow_damaged":  # catalogues have that one
        return
    for models in ("cqt_crnn_chords", ["mel_cnn_tagger", "cqt_crnn_chords"]):
        with pytest.raises(CardError, match=told):
            Catalogue.of_annotations(models, tmp_path, **{switch: True})


def test_a_setting_that_is_given_twice_is_an_error():
    with pytest.raises(CardError, match=r"'lag_s' is given twice, as a keyword \(1\) and in deco"):
        Model().annotate(two_short_changes(), lag_s=1, decoding={"lag_s": 2})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"powerchords": True}, "'powerchords' of the decoding; did you mean 'power_chords'?"),
        ({"chanel": "left"}, "did you mean 'channel'"),
        ({"tempo": 90}, "'tempo' of the decoding; those of 'fake_chords' are change_penalty, "),
        ({"type": "chords"}, "no setting 'type'"),
    ],
)
def test_an_unknown_keyword_names_what_there_is(wrong, told):
    for call in (Model().annotate, lambda _, **given: Model().stream(source_rate=1000, **given)):
        with pytest.raises(CardError) as caught:
            call(two_short_changes(), **wrong)
        assert told in str(caught.value)


def test_a_value_that_is_not_allowed_is_the_cards_error():
    with pytest.raises(CardError, match=r"change_penalty is -1; allowed are numbers from 0 on"):
        Model().annotate(two_short_changes(), change_penalty=-1)


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"power_chords": 1}, "true and false"),
        ({"power_chords": "yes"}, "true and false"),
        ({"change_penalty": "3"}, "numbers from 0 on"),
        ({"change_penalty": True}, "numbers from 0 on"),
        ({"change_penalty": object}, "numbers from 0 on"),
        ({"fifth_threshold": float("nan")}, "numbers from 0 to 1"),
        ({"lag_s": 61}, "numbers from 0 to 60 and null"),
        ({"confidence": [1.0]}, "lists of 2 numbers and null"),
        ({"prior": [0]}, "lists of numbers above 0 and at most 1 and null"),
    ],
)
def test_nothing_is_converted_and_the_error_tells_what_is_allowed(wrong, allowed):
    ((name, value),) = wrong.items()
    for given in (wrong, {"decoding": wrong}):
        with pytest.raises(CardError) as caught:
            Model().annotate(two_short_changes(), **given)
        told = f"the decoding of 'fake_chords': {name} is {value!r}; allowed are {allowed}"
        assert str(caught.value) == told


def test_numbers_of_numpy_are_numbers():
    given = {"change_penalty": np.int64(3), "confidence": np.ones(2), "power_chords": np.True_}
    decoding = Model().card.decoded_with(given).decoding
    assert (decoding.change_penalty, decoding.confidence) == (3.0, (1.0, 1.0))
    assert decoding.power_chords is True


def test_settings_that_do_not_fit_together_are_told_in_their_own_words():
    card = make_frame_card(
        "beats", outputs={"beats": 2}, labels=["beat", "downbeat"], decoding=BeatsDecoding()
    )
    with pytest.raises(CardError, match=r"^the decoding of 'fake_beats': min_bpm is 200 and max_b"):
        card.decoded_with({"min_bpm": 200})


def test_a_model_without_settings_is_told_so():
    for told in (make_card().decoded_with, lambda given: annotate(FakeRunner(), [], **given)):
        with pytest.raises(CardError, match=r"setting 'x'.*; 'fake_tagger' has no settings$"):
            told({"x": 1})


def test_many_recordings_take_keywords_for_the_models_that_have_them(tmp_path):
    models = ["cqt_crnn_chords", "mel_cnn_beats"]
    with pytest.raises(CardError, match=r"did you mean 'steady'\?.*'cqt_crnn_chords'.*'mel_cnn_be"):
        annotate_many(models, tmp_path, stedy=True)
    with pytest.raises(CardError, match="given twice"):
        annotate_many(models, tmp_path, steady=True, decoding={"steady": True})


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__qualname__)
def test_no_setting_has_the_name_of_a_parameter(call):
    parameters = inspect.signature(call).parameters
    assert any(entry.kind is entry.VAR_KEYWORD for entry in parameters.values())
    for task in TASKS.values():
        if task.decoding is not None:
            settings = task.decoding.model_fields.keys() - task.decoding.fixed
            assert not settings & parameters.keys()
            assert task.decoding.meanings().keys() >= settings
