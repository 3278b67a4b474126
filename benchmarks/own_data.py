"""Models of one's own clips: what `fine_tune` gives, next to linear probes, on the same folds.

    python benchmarks/own_data.py SOURCE [--model mel_cnn_tagger] [--foldings 20] [--folds 3]
        [--strategy auto] [--clips-a-class 5] [--peers musicnn]

SOURCE is a folder with a folder of clips for each class, or another source of labelled clips. In
each folding every clip is tested once, by a model that saw none of its group. Printed are the share
of clips whose class is found, for `fine_tune`, for a logistic regression on the same model's
embedding whose regularisation is chosen in the same way, and for that and a support vector machine
with a radial kernel on the embeddings of published models; the paired differences of foldings to
the first probe with their 95 % interval; and the processor time of a folding.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

import mirzoo
from mirzoo.data import folder
from mirzoo.data.folder import LabelledClips
from mirzoo.data.windows import cut_windows
from mirzoo.training.own_clips import MOST_WINDOWS, STRATEGIES, Settings, fit_clips
from mirzoo.training.probing import Embedded, fit_probe, mean_by_clip

BOOTSTRAPS = 10000


def embedded(name: str, clips: LabelledClips) -> Embedded:
    """The plain embeddings of all clips' windows."""
    model = mirzoo.load(name)
    contract = model.card.input
    rows, numbers = [], []
    for number, clip in enumerate(clips.clips):
        windows = cut_windows(
            clip.read(contract.sample_rate), contract.window_samples, contract.hop_samples
        )
        if len(windows) > MOST_WINDOWS:
            windows = windows[np.linspace(0, len(windows) - 1, MOST_WINDOWS).round().astype(int)]
        rows.append(model.embed(windows))
        numbers += [number] * len(windows)
    found = np.array(numbers)
    return Embedded(np.concatenate(rows), found, found < 0, clips.targets, clips.groups)


def divisions(
    clips: LabelledClips, folds: int, seed: int, a_class: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Folds; with ``a_class``, so many clips of each class at most are learnt from."""
    rng = np.random.default_rng(seed)
    for train, test in clips.folds(folds, seed=seed):
        if a_class is not None:
            classes = clips.targets[train].argmax(axis=1)
            train = np.concatenate(
                [rng.permutation(train[classes == which])[:a_class] for which in set(classes)]
            )
        yield np.sort(train), test


def probed(data: Embedded, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The class that a probe finds in each tested clip."""
    probe = fit_probe(data.of_clips(train), exclusive=True)
    return probe.predict_clips(data.of_clips(test)).argmax(axis=1)


def by_kernel(data: Embedded, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The class that a support vector machine finds in each tested clip's mean embedding."""
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    means = mean_by_clip(data.embeddings, data.clips)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.3, 1, 3, 10, 30]}, cv=3
    )
    search.fit(means[train], data.targets[train].argmax(axis=1))
    return search.predict(means[test])


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a mean by bootstrap."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(differences, (BOOTSTRAPS, len(differences))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("--model", default="mel_cnn_tagger")
    parser.add_argument("--foldings", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--strategy", nargs="*", choices=STRATEGIES, default=["auto"])
    parser.add_argument("--clips-a-class", type=int)
    parser.add_argument("--peers", nargs="*", default=[])
    options = parser.parse_args()

    clips = folder.load(options.source)
    truth = clips.targets.argmax(axis=1)
    base = mirzoo.load(options.model)
    plain = f"probe of {options.model}"
    peers = {name: embedded(name, clips) for name in options.peers}
    own = embedded(options.model, clips)
    right: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(options.foldings):
        found: dict[str, np.ndarray] = {}
        spent: dict[str, float] = {}

        def note(system: str, test: np.ndarray, answers: np.ndarray, began: float) -> None:
            found.setdefault(system, np.zeros(len(truth), int))[test] = answers  # noqa: B023
            spent[system] = spent.get(system, 0) + time.process_time() - began  # noqa: B023

        for train, test in divisions(clips, options.folds, seed, options.clips_a_class):
            began = time.process_time()
            note(plain, test, probed(own, train, test), began)
            for strategy in options.strategy:
                began = time.process_time()
                settings = Settings(strategy=strategy, exclusive=True, seed=seed)
                fitted = fit_clips(base, clips.of(train), settings)
                print(f"  folding {seed}: {strategy}: {fitted.chosen}", flush=True)
                estimates = [
                    fitted.model.annotate(
                        clips.clips[number].source, source_rate=clips.clips[number].source_rate
                    ).mean.argmax()
                    for number in test
                ]
                note(f"fine_tune, {strategy}", test, np.array(estimates), began)
            for name, data in peers.items():
                began = time.process_time()
                note(f"probe of {name}", test, probed(data, train, test), began)
                note(f"radial SVM of {name}", test, by_kernel(data, train, test), began)
        for system, answers in found.items():
            right.setdefault(system, []).append(float((answers == truth).mean()))
            seconds.setdefault(system, []).append(spent[system])
    print(f"{len(truth)} clips, {len(clips.labels)} classes, {options.foldings} foldings")
    for system, shares in right.items():
        differences = np.array(shares) - np.array(right[plain])
        low, high = interval(differences)
        print(
            f"{system:32} {np.mean(shares):.3f}  to the probe {differences.mean():+.3f} "
            f"[{low:+.3f}, {high:+.3f}], least {differences.min():+.3f}; "
            f"{np.mean(seconds[system]):.0f} CPU s a folding"
        )


if __name__ == "__main__":
    main()
