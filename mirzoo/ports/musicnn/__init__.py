"""musicnn: music taggers whose weights come in their authors' package of that name."""

from __future__ import annotations

from dataclasses import dataclass

from mirzoo._support import moved
from mirzoo.card import Licences, Metric
from mirzoo.ports._package import Package
from mirzoo.ports._specification import PORTS, PortSpec
from mirzoo.recipe.label_sets import MAGNATAGATUNE, MILLION_SONG

PACKAGE = Package(
    name="musicnn",
    version="0.1.0",
    wheel="musicnn-0.1.0-py3-none-any.whl",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
)

CITATION = (
    "Jordi Pons and Xavier Serra, musicnn: Pre-trained convolutional neural networks for music "
    "audio tagging, 2019, arXiv:1909.06654"
)


@dataclass(frozen=True)
class _TrainingSet:
    name: str
    title: str
    licence: str
    n_test: int
    labels: tuple[str, ...]


_MTT = _TrainingSet(
    "MagnaTagATune",
    "MagnaTagATune",
    "MagnaTagATune: Magnatune recordings, CC BY-NC-SA",
    5329,
    MAGNATAGATUNE,
)
_MSD = _TrainingSet(
    "Million Song Dataset",
    "the Million Song Dataset",
    "Million Song Dataset with Last.fm tags: research use; the audio is not distributed",
    28435,
    MILLION_SONG,
)


def _register(
    name: str, family: str, folder: str, data: _TrainingSet, roc_auc: float, pr_auc: float
) -> None:
    checkpoint = f"musicnn/{folder}"
    network = {
        "musicnn": "Convolutions shaped for timbre and rhythm",
        "vgg": "A plain 3 x 3 convolutional network",
    }[family]
    scores = {"macro ROC-AUC": roc_auc, "macro PR-AUC": pr_auc}
    spec = PortSpec(
        name=name,
        task="tagging",
        module="musicnn",
        description=(
            f"{network} (Pons & Serra 2019); 50 tags every 3 s, learnt from {data.title}."
        ),
        package=PACKAGE,
        family=family,
        checkpoint=checkpoint,
        checkpoint_files=("/.index", "/.data-00000-of-00001"),
        labels=data.labels,
        metrics=tuple(
            Metric(
                dataset=data.name,
                split="test",
                metric=metric,
                value=value,
                n=data.n_test,
                method=(
                    "Published by the authors, not measured here: "
                    f"{checkpoint}/experiment.result in the package {PACKAGE.name} "
                    f"{PACKAGE.version}; mean over tags, a clip's tags averaged over its patches."
                ),
            )
            for metric, value in scores.items()
        ),
        licences=Licences(code="ISC", weights="ISC", data=data.licence, commercial="no"),
        citation=CITATION,
    )
    PORTS.register(spec)


_register("musicnn_mtt", "musicnn", "MTT_musicnn", _MTT, 0.9066769, 0.3831057)
_register("musicnn_mtt_vgg", "vgg", "MTT_vgg", _MTT, 0.9030269, 0.3822677)
_register("musicnn_msd", "musicnn", "MSD_musicnn", _MSD, 0.8801927, 0.2890643)
_register("musicnn_msd_vgg", "vgg", "MSD_vgg", _MSD, 0.8767615, 0.2819248)

__getattr__ = moved.names(
    __name__,
    ("mirzoo.ports.musicnn.network", "mirzoo.ports._network", "mirzoo.ports"),
    {"build_trunk": "build_head"},
)
