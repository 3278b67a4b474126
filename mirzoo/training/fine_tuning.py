"""Fitting a pretrained model to a user's own labels: hundreds of clips, or a few songs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from mirzoo.data import folder, labelled
from mirzoo.data.folder import LabelledWindows
from mirzoo.errors import DataError
from mirzoo.evaluation.recordings import LabelledRecording, open_recordings
from mirzoo.models.model import Model
from mirzoo.tasks.base import TASKS, FramewiseTask
from mirzoo.training.own_recordings import fit_recordings

LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}


def fine_tune(
    model: Model,
    data: str | os.PathLike | LabelledWindows | Iterable[LabelledRecording],
    *,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float | None = None,
    train_head: bool = True,
    seed: int = 0,
    train_trunk: bool | None = None,
) -> dict[str, list[float]]:
    """Fit a model to labelled clips, or one whose results are frames to labelled recordings.

    The learning rate falls to zero along a half cosine (of frame-wise models after a short rise).
    For a tagger this is `compile` and `fit` with settings that suit some hundreds of clips: clips
    are cut into windows and every window has its clip's labels. A frame-wise model (chords,
    melody) is trained on each recording in every epoch in other keys, levels and noise, as its
    recipe has it; only what is labelled counts, and its labels stay the same ones. The card then
    states that the model was fine-tuned, and no scores, which were those of other weights; how
    outputs are decoded is left as it was.

    Parameters
    ----------
    model : Model
        A tagger from `mirzoo.create` with the labels of the data, or a frame-wise model from
        `mirzoo.load`.
    data : str, path, LabelledWindows or iterable of LabelledRecording
        For a tagger: a folder with a folder for each class, a CSV file, ``tfds:<name>`` or
        ``mirdata:<name>`` (see `mirzoo.data.folder`), or windows already cut. Else as for
        `mirzoo.evaluate`: a folder of recordings with their labels (``song.mp3`` and
        ``song.lab``), or such recordings; ``mirdata:<name>``, ``tfds:<name>`` or
        the folder of a prepared corpus, of which only the split "train" counts where there is one.
    epochs, batch_size : int
    learning_rate : float, optional
        The highest learning rate; by default the task's own, `mirzoo.tasks.base.Task.rates`.
    train_head : bool
        Whether front-end and head learn too, or the output layers alone.
    seed : int
        Decides the order of the clips, and how recordings are altered.
    train_trunk : bool, optional
        Deprecated: the former name of ``train_head``.

    Returns
    -------
    dict of str to list of float
        The history that `fit` gives: loss and accuracy for each epoch.

    Raises
    ------
    DataError
        If the data cannot be read, has labels that the model hasn't, or none for its task.
    RecipeError
        If a frame-wise model was converted from another package.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.create("mel_cnn_tagger", labels=["cello", "flute"], exclusive=True)
    ... # doctest: +SKIP
    >>> mirzoo.fine_tune(model, "clips/")  # doctest: +SKIP
    >>> chords = mirzoo.load("cqt_crnn_chords")  # doctest: +SKIP
    >>> mirzoo.fine_tune(chords, "songs/", epochs=10)  # doctest: +SKIP
    """
    if train_trunk is not None:
        warnings.warn(
            "train_trunk= is now train_head=; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        train_head = train_trunk
    task = TASKS[model.card.task]
    for part in (model.frontend, model.head):
        part.trainable = train_head
    if learning_rate is None:
        learning_rate = task.rates.whole if train_head else task.rates.outputs
    options: dict[str, Any] = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
    }  # fmt: skip
    if isinstance(task, FramewiseTask):
        if isinstance(data, LabelledWindows):
            raise DataError(
                f"{model.card.name} is trained on recordings with labels over time; received "
                "windows of clips"
            )
        split = None
        if isinstance(data, str | os.PathLike) and labelled.is_known(data):
            split = labelled.training_split(data)
        recordings = list(open_recordings(data, task.name, split))
        history = fit_recordings(model, recordings, **options)
        trained_on = f"{len(recordings)} recordings"
    else:
        windows = _windows(model, data)
        history = _fit_windows(model, windows, **options)
        trained_on = f"{len(np.unique(windows.clips))} clips"
    card = model.card
    alone = "" if train_head else ", the output layers alone"
    model.card = card.updated(
        description=f"{card.description} Fine-tuned.",
        metrics=[],
        files={},
        provenance=f"Fine-tuned for {epochs} epochs on {trained_on} of {_name_of(data)}{alone}, "
        f"from {card.name}. {card.provenance}",
    )
    return history


def _windows(model: Model, data: object) -> LabelledWindows:
    if isinstance(data, LabelledWindows):
        return data
    if not isinstance(data, str | os.PathLike):
        raise DataError(
            f"{model.card.name} is trained on labelled clips: a folder, a CSV file, the name of a "
            f"data set or LabelledWindows; received {type(data).__name__}"
        )
    contract = model.card.input
    clips = folder.load(data, labels=model.card.labels)
    return clips.windows(contract.sample_rate, contract.window_samples, contract.hop_samples)


def _fit_windows(
    model: Model,
    data: LabelledWindows,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> dict[str, list[float]]:
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


def _name_of(data: Any) -> str:
    """What a card states of where data came from: no path of a user's machine."""
    if not isinstance(data, str | os.PathLike):
        return "somebody's own"
    words = os.fspath(data)
    if words.startswith(labelled.MIRDATA_PREFIX):
        return labelled.MIRDATA_PREFIX + labelled.parse_mirdata(words)[0]
    return os.path.basename(os.path.abspath(words))
