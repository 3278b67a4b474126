"""Fitting a pretrained model to somebody's own labels, with a few hundred clips."""

from __future__ import annotations

import os

import keras

from mirzoo.data import folder
from mirzoo.data.folder import LabelledWindows
from mirzoo.model import FRONTEND, TRUNK, Model

WHOLE_MODEL_RATE = 2e-3
OUTPUT_LAYER_RATE = 1e-2
LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}


def fine_tune(
    model: Model,
    data: str | os.PathLike | LabelledWindows,
    *,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float | None = None,
    train_trunk: bool = True,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Fit a model to labelled clips.

    This is `compile` and `fit` with settings that suit some hundreds of clips: clips are cut into
    windows, every window has its clip's labels, and the learning rate falls to zero along a half
    cosine.

    Parameters
    ----------
    model : Model
        From `mirzoo.create` with the labels of the data.
    data : str, path or LabelledWindows
        A folder with a folder for each class, a CSV file, ``tfds:<name>`` or ``mirdata:<name>``
        (see `mirzoo.data.folder`), or windows already cut.
    epochs, batch_size : int
    learning_rate : float, optional
        Where the learning rate starts; by default `WHOLE_MODEL_RATE`, or with ``train_trunk``
        False `OUTPUT_LAYER_RATE`.
    train_trunk : bool
        Whether front-end and trunk learn too, or the output layer alone.
    seed : int
        Decides the order of the clips.

    Returns
    -------
    dict of str to list of float
        The history that `fit` gives: loss and accuracy for each epoch.

    Raises
    ------
    DataError
        If the data cannot be read, or has labels that the model hasn't.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.create("mel_cnn_tagger", labels=["cello", "flute"], exclusive=True)
    ... # doctest: +SKIP
    >>> mirzoo.fine_tune(model, "clips/")  # doctest: +SKIP
    """
    if not isinstance(data, LabelledWindows):
        data = folder.load(data, labels=model.card.labels)
        data = data.windows(
            model.card.sample_rate, model.card.input.window_samples, model.card.input.hop_samples
        )
    keras.utils.set_random_seed(seed)
    for part in (FRONTEND, TRUNK):
        model.get_layer(part).trainable = train_trunk
    steps = epochs * -(-len(data.waveforms) // batch_size)
    if learning_rate is None:
        learning_rate = WHOLE_MODEL_RATE if train_trunk else OUTPUT_LAYER_RATE
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    accuracy = "accuracy" if model.card.activation == "softmax" else "binary_accuracy"
    model.compile(
        keras.optimizers.Adam(schedule), LOSSES[model.card.activation], metrics=[accuracy]
    )
    fitted = model.fit(
        data.waveforms, data.targets, batch_size=batch_size, epochs=epochs, verbose=0
    )
    return fitted.history
