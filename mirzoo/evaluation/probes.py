"""The scores on a shipped tagger's card: each measured on music that was in no training set.

Everything is measured on prepared corpora, window by window, and the same way for a model and for
the teachers that it is compared with:

- agreement with its teachers on the training collections' test split,
- linear probes of the embedding on collections whose folders are classes (`CLASS_FOLDERS`), and on
  moods as listeners rated them (`mood_quadrants`), of artists that no model is trained on,
- singing, against the known times of songs (`SUNG`).

Collections that are not prepared are left out, and reported.
"""

from __future__ import annotations

import csv
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.card import Metric
from mirzoo.data.corpus import FULL_SCALE, Corpus, PreparedItem, Windows
from mirzoo.data.predictions import item_predictions, item_waveform, predictions_folder
from mirzoo.data.sung import read_lyric_lines, read_ultrastar, sung_share
from mirzoo.data.windows import cut_windows
from mirzoo.errors import DataError
from mirzoo.evaluation.bootstrap import RESAMPLES, interval, interval_of_mean, resampled
from mirzoo.evaluation.representations import probed_clips
from mirzoo.models.model import EMBEDDING, Model
from mirzoo.ports import PORTS
from mirzoo.tasks.tagging.scores import (
    FEWEST_POSITIVES,
    TEACHER_GIVES_TAG,
    agreement,
    tagging_scores,
)

logger = logging.getLogger(__name__)

BATCH_WINDOWS = 64
SUNG_SHARE = 0.5
SINGING_TAGS = (
    "vocal",
    "female",
    "male",
    "singing",
    "vocals",
    "woman",
    "male vocal",
    "man",
    "voice",
    "male voice",
    "female vocal",
    "female voice",
    "instrument---voice",
)
CLASS_FOLDERS = {
    "instruments": "150 isolated notes and phrases of 10 instruments",
    "emotify": "Emotify, 4 genres",
}
RATED = "magnatune"
EMOTIONS = (
    "amazement",
    "solemnity",
    "tenderness",
    "nostalgia",
    "calmness",
    "power",
    "joyful_activation",
    "tension",
    "sadness",
)
AROUSED, UNAROUSED = (
    ("power", "joyful_activation", "tension"),
    ("calmness", "tenderness", "sadness"),
)
PLEASANT = ("joyful_activation", "amazement", "tenderness", "calmness")
UNPLEASANT = ("tension", "sadness")
Measure = Callable[[Model, Corpus], Metric | None]
PROBED_WINDOWS = 10
PROBE_METHOD = (
    "logistic regression (C = 0.1) on standardised embeddings, mean over at most "
    f"{PROBED_WINDOWS} windows of a clip; "
    "5-fold cross-validation by recording, 5 shuffles"
)


def _jamendo_times(item: PreparedItem) -> np.ndarray:
    path = Path(item.path)
    return read_lyric_lines(path.parents[1] / "annotations" / "lines" / f"{path.stem}.csv")


def _ultrastar_times(item: PreparedItem) -> np.ndarray:
    return read_ultrastar(Path(item.path).parent / "song.txt")


SUNG = {"jamendolyrics": _jamendo_times, "ultrastar": _ultrastar_times}


def probe(
    model: Model,
    corpora: str | Path,
    *,
    baselines: Sequence[Model] = (),
) -> list[Metric]:
    """Probe a tagger on the labelled corpora that are prepared.

    Parameters
    ----------
    model : Model
        The tagger.
    corpora : path
        The folder of prepared corpora.
    baselines : sequence of Model
        Models that it is compared with; their scores are the metrics' ``baseline``.

    Returns
    -------
    list of Metric
    """
    metrics = []
    for name, measure in _measures().items():
        folder = Path(corpora) / name
        if not (folder / "items.csv").exists():
            logger.info("%s is not prepared under %s; its scores are left out", name, corpora)
            continue
        corpus = Corpus.load(folder)
        metric = measure(model, corpus)
        if metric is None:
            logger.info("%s has no tag for singing; its score on %s is left out", model.name, name)
            continue
        others = {other.name: measure(other, corpus) for other in baselines}
        baseline = {name: found.value for name, found in others.items() if found is not None}
        metrics.append(metric.model_copy(update={"baseline": baseline}))
        logger.info("%s: %s %.3f; baselines %s", name, metric.metric, metric.value, baseline)
    return metrics


def agreement_metrics(
    model: Model, windows: Sequence[Windows], teacher_tags: np.ndarray, dataset: str
) -> list[Metric]:
    """How far a student agrees with its teachers, on windows that it was not trained on."""
    student = np.concatenate([_window_tags(model, w) for w in windows])
    found = agreement(student, teacher_tags)
    common: dict[str, Any] = {"dataset": dataset, "split": "test", "n": len(student)}
    return [
        Metric(
            metric="rank correlation with the teacher",
            value=found.rank_correlation,
            method="Spearman's, for each tag over windows of 3 s; mean over tags",
            **common,
        ),
        Metric(
            metric="macro ROC-AUC against the teacher's tags",
            value=found.roc_auc,
            method=f"a tag is given where the teacher's probability is at least "
            f"{TEACHER_GIVES_TAG}; mean over the {found.n_tags} tags given to at least "
            f"{FEWEST_POSITIVES} windows",
            **common,
        ),
    ]


def clip_embeddings(model: Model, corpus: Corpus) -> np.ndarray:
    """The mean embedding of each item, over `PROBED_WINDOWS` at most: ``(items, size)``."""
    clips = _item_predictions(model, corpus, most=PROBED_WINDOWS)
    return np.stack([clip[EMBEDDING].mean(axis=0) for clip in clips])


def _measures() -> dict[str, Measure]:
    return {
        **{name: _class_probe(description) for name, description in CLASS_FOLDERS.items()},
        **{name: _singing(times) for name, times in SUNG.items()},
        RATED: _mood_probe,
    }


def _class_probe(description: str) -> Measure:
    def measure(model: Model, corpus: Corpus) -> Metric:
        classes = [Path(item.path).parent.name for item in corpus.items]
        names = [item.name for item in corpus.items]
        right = probed_clips(clip_embeddings(model, corpus), classes, names)
        return Metric(
            dataset=description,
            split="cross-validated",
            metric="linear probe accuracy",
            value=float(right.mean()),
            interval=interval_of_mean(right, names),
            n=len(names),
            method=PROBE_METHOD,
        )

    return measure


def mood_quadrants(recordings: Sequence[Path], ratings: Path) -> list[str]:
    """The quadrant of each recording's mood, as the listeners of Emotify felt it.

    Arousal is the share of listeners who felt power, joyful activation or tension less that of
    calmness, tenderness or sadness; valence that of joyful activation, amazement, tenderness or
    calmness less that of tension or sadness. Either is high above the median of the recordings.

    Parameters
    ----------
    recordings : sequence of Path
        ``<genre>/<number>.mp3``.
    ratings : Path
        Emotify's ``data.csv``: a row for each listener and recording.

    Raises
    ------
    DataError
        If the file has no rating of a recording.
    """
    felt: dict[tuple[str, int], list[list[float]]] = defaultdict(list)
    with ratings.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        columns = [column.strip().replace(" ", "_") for column in next(rows)]
        places = [columns.index(emotion) for emotion in EMOTIONS]
        for row in rows:
            track = (int(row[0]) - 1) % 100 + 1  # tracks are numbered through the genres
            felt[row[1].strip(), track].append([float(row[place]) for place in places])
    shares = []
    for path in recordings:
        rated = felt.get((path.parent.name, int(path.stem)))
        if rated is None:
            raise DataError(f"'{ratings}' has no rating of {path.parent.name}/{path.name}")
        shares.append(dict(zip(EMOTIONS, np.mean(rated, axis=0), strict=True)))

    def is_high(more: Sequence[str], less: Sequence[str]) -> np.ndarray:
        values = np.array([sum(s[e] for e in more) - sum(s[e] for e in less) for s in shares])
        return values > np.median(values)

    high = zip(is_high(AROUSED, UNAROUSED), is_high(PLEASANT, UNPLEASANT), strict=True)
    return [f"{'' if a else 'un'}aroused, {'' if v else 'un'}pleasant" for a, v in high]


def _mood_probe(model: Model, corpus: Corpus) -> Metric:
    paths = [Path(item.path) for item in corpus.items]
    moods = mood_quadrants(paths, paths[0].parents[2] / "data.csv")
    held_out = [number for number, item in enumerate(corpus.items) if item.split != "train"]
    artists = [corpus.items[number].group for number in held_out]
    embeddings = clip_embeddings(model, corpus)[held_out]
    right = probed_clips(embeddings, [moods[number] for number in held_out], artists)
    return Metric(
        dataset="Emotify, mood of the recordings of held-out artists, 4 quadrants",
        split="cross-validated, artists that nothing is trained on",
        metric="mood probe accuracy",
        value=float(right.mean()),
        interval=interval_of_mean(right, artists),
        n=len(held_out),
        method=PROBE_METHOD.replace("by recording", "by artist")
        + "; quadrants are of what Emotify's listeners felt: arousal and valence, above the median "
        "or not",
    )


def _singing(times_of: Callable[[PreparedItem], np.ndarray]) -> Measure:
    def measure(model: Model, corpus: Corpus) -> Metric | None:
        singing_tags = [model.card.labels.index(t) for t in SINGING_TAGS if t in model.card.labels]
        if not singing_tags:
            return None
        sung, scores, songs = [], [], []
        for item, clip in zip(corpus.items, _item_predictions(model, corpus)):
            starts_s = np.arange(len(clip["tags"])) * model.card.window_s
            sung.append(sung_share(times_of(item), starts_s, model.card.window_s) >= SUNG_SHARE)
            scores.append(clip["tags"][:, singing_tags].max(axis=1))
            songs += [item.group] * len(starts_s)
        truth, score = np.concatenate(sung), np.concatenate(scores)
        return Metric(
            dataset=f"{corpus.directory.name}, {len(corpus.items)} songs",
            split="whole songs, none trained on",
            metric="singing ROC-AUC",
            value=tagging_scores(truth[:, None], score[:, None]).roc_auc,
            interval=interval(resampled(_area(truth, score), songs, RESAMPLES, 0)["roc_auc"]),
            n=len(truth),
            method="largest probability of a voice tag, over windows of 3 s; sung where lyrics "
            "fill at least half of the window",
        )

    return measure


def _area(truth: np.ndarray, score: np.ndarray) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """The area under the ROC of windows, by how often each counts; NaN where all are alike."""
    from sklearn.metrics import roc_auc_score

    def of_draws(weights: np.ndarray) -> dict[str, np.ndarray]:
        areas = [
            roc_auc_score(truth, score, sample_weight=row)
            if 0 < row[truth].sum() < row.sum()
            else np.nan
            for row in weights
        ]
        return {"roc_auc": np.array(areas)}

    return of_draws


def _item_predictions(
    model: Model, corpus: Corpus, *, most: int | None = None
) -> list[dict[str, np.ndarray]]:
    """Tags and embeddings of every item's windows; a published model's are cached."""

    def predict(waveform: np.ndarray) -> dict[str, np.ndarray]:
        if model.card.live:
            size = model.card.input.window_samples
            starts = np.arange(0, max(1, len(waveform) - size // 2), size)  # as windows are cut
            return _predict_live(model, waveform, _some(starts, most))
        return _predict(model, _windows_of(model, waveform, most))

    if model.name not in PORTS:
        return [predict(item_waveform(corpus, number)) for number in range(len(corpus.items))]
    key = f"{model.name}_items_{most or 'whole'}"
    earlier = predictions_folder(corpus, f"{key}.npz")
    if not earlier.exists():
        return list(item_predictions(corpus, key, lambda: predict))
    counts = [
        len(_windows_of(model, item_waveform(corpus, n), most)) for n in range(len(corpus.items))
    ]
    with np.load(earlier) as joined:
        parts = {name: np.split(joined[name], np.cumsum(counts)[:-1]) for name in joined}
    return [{name: parts[name][i] for name in parts} for i in range(len(counts))]


def _windows_of(model: Model, waveform: np.ndarray, most: int | None) -> np.ndarray:
    """A waveform cut into windows side by side, the last one padded: ``(windows, samples)``.

    Of more than ``most`` windows, so many are taken at equal distances.
    """
    size = model.card.input.window_samples
    return _some(cut_windows(waveform, size, size), most)


def _some(windows: np.ndarray, most: int | None) -> np.ndarray:
    if most is None or len(windows) <= most:
        return windows
    return windows[np.linspace(0, len(windows) - 1, most).round().astype(int)]


def _window_tags(model: Model, windows: Windows) -> np.ndarray:
    """The tags of windows of a corpus, ``(windows, tags)``."""
    if not model.card.live:
        return _predict(model, windows.read(np.arange(len(windows))))["tags"]
    tags = np.empty((len(windows), len(model.card.labels)), np.float32)
    for number in np.unique(windows.items):
        mine = windows.items == number
        starts = windows.starts[mine] - windows.corpus.items[number].offset_samples
        waveform = item_waveform(windows.corpus, int(number))
        tags[mine] = _predict_live(model, waveform, starts)["tags"]
    return tags


def _predict_live(model: Model, waveform: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
    """What a live tagger predicts of the windows of a recording: the frames that they end with."""
    main, size = model.card.outputs[0], model.card.input.window_samples
    outputs = model.predict_windows(np.pad(waveform, (0, size))[np.newaxis])
    ends_s = (starts + size) / model.card.sample_rate
    frames = np.round((ends_s - main.first_frame_s) * (main.frame_rate or 1.0)).astype(int)
    return {name: values[0, frames] for name, values in outputs.items()}


def _predict(model: Model, windows: np.ndarray) -> dict[str, np.ndarray]:
    batches = [
        model.predict_windows(_waveforms(windows[i : i + BATCH_WINDOWS]))
        for i in range(0, len(windows), BATCH_WINDOWS)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _waveforms(windows: np.ndarray) -> np.ndarray:
    if windows.dtype == np.int16:
        return windows.astype(np.float32) / FULL_SCALE
    return windows
