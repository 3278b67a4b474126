"""Fitting a pretrained model to somebody's own labels: hundreds of clips, or a few songs."""

from __future__ import annotations

import os
from collections.abc import Iterable

import keras

from mirzoo.data import folder, labelled
from mirzoo.data.folder import LabelledWindows
from mirzoo.evaluation.recordings import LabelledRecording, open_recordings
from mirzoo.models.model import Model
from mirzoo.training.own_recordings import fit_recordings

WHOLE_MODEL_RATES = {"tagging": 2e-3, "chords": 2e-4, "melody": 2e-4}
OUTPUT_LAYERS_RATES = {"tagging": 1e-2, "chords": 2e-3, "melody": 2e-3}
LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}


def fine_tune(
    model: Model,
    data: str | os.PathLike | LabelledWindows | Iterable[LabelledRecording],
    *,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float | None = None,
    train_trunk: bool = True,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Fit a model to labelled clips, or one for chords or melody to labelled recordings.

    The learning rate falls to zero along a half cosine (for chords and melody after a short rise).
    For a tagger this is `compile` and `fit`
    with settings that suit some hundreds of clips: clips are cut into windows and every window has
    its clip's labels. A model for chords or melody hears each recording in every epoch in other
    keys, levels and noise, as its recipe has it; only what is labelled counts, and the model's
    chords and pitches stay the same ones. Its card says that it was fine-tuned and keeps no scores,
    which were those of other weights; how outputs are decoded is left as it was.

    Parameters
    ----------
    model : Model
        A tagger from `mirzoo.create` with the labels of the data, or from `mirzoo.load` a model
        for chords or melody.
    data : str, path, LabelledWindows or iterable of LabelledRecording
        For a tagger: a folder with a folder for each class, a CSV file, ``tfds:<name>`` or
        ``mirdata:<name>`` (see `mirzoo.data.folder`), or windows already cut. For chords and
        melody, as for `mirzoo.evaluate`: a folder of recordings with their labels beside them
        (``song.mp3`` and ``song.lab``), or such recordings; ``mirdata:<name>``, ``tfds:<name>`` or
        the folder of a prepared corpus, of which only the split "train" counts where there is one.
    epochs, batch_size : int
    learning_rate : float, optional
        The highest learning rate; by default that of the task in `WHOLE_MODEL_RATES`, or with
        ``train_trunk`` False in `OUTPUT_LAYERS_RATES`.
    train_trunk : bool
        Whether front-end and head learn too, or the output layers alone.
    seed : int
        Decides the order of the clips, and how recordings are altered.

    Returns
    -------
    dict of str to list of float
        The history that `fit` gives: loss and accuracy for each epoch.

    Raises
    ------
    DataError
        If the data cannot be read, has labels that the model hasn't, or none for its task.
    RecipeError
        If a model for chords or melody was converted from another package.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.create("mel_cnn_tagger", labels=["cello", "flute"], exclusive=True)
    ... # doctest: +SKIP
    >>> mirzoo.fine_tune(model, "clips/")  # doctest: +SKIP
    >>> chords = mirzoo.load("cqt_crnn_chords")  # doctest: +SKIP
    >>> mirzoo.fine_tune(chords, "songs/", epochs=10)  # doctest: +SKIP
    """
    for part in (model.frontend, model.head):
        part.trainable = train_trunk
    if learning_rate is None:
        rates = WHOLE_MODEL_RATES if train_trunk else OUTPUT_LAYERS_RATES
        learning_rate = rates[model.card.task]
    options = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
    }  # fmt: skip
    if model.card.task == "tagging":
        return _fit_clips(model, data, **options)
    split = labelled.training_split(data) if labelled.is_known(data) else None
    recordings = list(open_recordings(data, model.card.task, split))
    history = fit_recordings(model, recordings, **options)
    card = model.card
    model.card = card.updated(
        description=f"{card.description} Fine-tuned.",
        metrics=[],
        files={},
        provenance=f"Fine-tuned for {epochs} epochs on {len(recordings)} recordings of "
        f"{_name_of(data)}, from {card.name}. {card.provenance}",
    )
    return history


def _fit_clips(
    model: Model,
    data: str | os.PathLike | LabelledWindows,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> dict[str, list[float]]:
    if not isinstance(data, LabelledWindows):
        data = folder.load(data, labels=model.card.labels)
        data = data.windows(
            model.card.sample_rate, model.card.input.window_samples, model.card.input.hop_samples
        )
    keras.utils.set_random_seed(seed)
    steps = epochs * -(-len(data.waveforms) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    accuracy = "accuracy" if model.card.activation == "softmax" else "binary_accuracy"
    model.compile(
        keras.optimizers.Adam(schedule), LOSSES[model.card.activation], metrics=[accuracy]
    )
    fitted = model.fit(
        data.waveforms, data.targets, batch_size=batch_size, epochs=epochs, verbose=0
    )
    return fitted.history


def _name_of(data) -> str:
    """What a card may say of where data came from: no path of somebody's machine."""
    if not isinstance(data, str | os.PathLike):
        return "somebody's own"
    words = os.fspath(data)
    if words.startswith(labelled.MIRDATA_PREFIX):
        return labelled.MIRDATA_PREFIX + labelled.parse_mirdata(words)[0]
    return os.path.basename(os.path.abspath(words))
