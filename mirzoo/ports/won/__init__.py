"""Won et al.: music taggers compared on three data sets, with the weights in a repository."""

from __future__ import annotations

from dataclasses import dataclass

from mirzoo.card import Licences, Metric
from mirzoo.ports._package import RepositoryFile
from mirzoo.ports._specification import PORTS, PortSpec
from mirzoo.recipe.label_sets import JAMENDO, MAGNATAGATUNE, MILLION_SONG

REPOSITORY = "jose-jvmas/sota-music-tagging-models"
COMMIT = "bbcae87e2a25f46cdb5132fca2f400263439a98c"

CITATION = (
    "Minz Won, Andres Ferraro, Dmitry Bogdanov and Xavier Serra, Evaluation of CNN-based automatic "
    "music tagging models, SMC 2020, arXiv:2006.00751"
)

_NETWORKS = {
    "fcn": "Five convolutions (Choi et al. 2016); 50 tags every 29 s",
    "musicnn": "Convolutions shaped for timbre and rhythm (Pons et al. 2018); 50 tags every 3 s",
    "crnn": "Convolutions and a recurrent network (Choi et al. 2017); 50 tags every 29 s",
}


@dataclass(frozen=True)
class _TrainingSet:
    folder: str
    name: str
    title: str
    licence: str
    n_test: int
    labels: tuple[str, ...]


_SETS = {
    "mtt": _TrainingSet(
        "mtat",
        "MagnaTagATune",
        "MagnaTagATune",
        "MagnaTagATune: Magnatune recordings, CC BY-NC-SA",
        4332,
        MAGNATAGATUNE,
    ),
    "jamendo": _TrainingSet(
        "jamendo",
        "MTG-Jamendo, top 50 tags",
        "MTG-Jamendo",
        "MTG-Jamendo: recordings of Jamendo, a Creative Commons licence for each, most of them NC",
        11356,
        JAMENDO,
    ),
    "msd": _TrainingSet(
        "msd",
        "Million Song Dataset",
        "the Million Song Dataset",
        "Million Song Dataset with Last.fm tags: research use; the audio is not distributed",
        28435,
        MILLION_SONG,
    ),
}


def _register(network: str, data_set: str, sha256: str, roc_auc: float, pr_auc: float) -> None:
    data = _SETS[data_set]
    PORTS.register(
        PortSpec(
            name=f"won_{network}_{data_set}",
            task="tagging",
            module="won",
            description=f"{_NETWORKS[network]}, learnt from {data.title} by Won et al. 2020.",
            package=RepositoryFile(
                repository=REPOSITORY,
                commit=COMMIT,
                path=f"models/{data.folder}/{network}/best_model.pth",
                sha256=sha256,
            ),
            family=network,
            checkpoint="",
            labels=data.labels,
            metrics=tuple(
                Metric(
                    dataset=data.name,
                    split="test",
                    metric=metric,
                    value=value,
                    n=data.n_test,
                    method=(
                        "Published by the authors, not measured here: arXiv:2006.00751, table 2; "
                        "mean over tags, a clip's tags averaged over 16 windows."
                    ),
                )
                for metric, value in (("macro ROC-AUC", roc_auc), ("macro PR-AUC", pr_auc))
            ),
            licences=Licences(code="MIT", weights="MIT", data=data.licence, commercial="no"),
            citation=CITATION,
        )
    )


_register(
    "fcn", "mtt", "e89d751202d38c3ae69855782bc27010f87051958dbec64f5aa762364dbac271", 0.9005, 0.4295
)
_register(
    "musicnn", "mtt", "690ace3bb5d49d90dd38fe3ec05a1185350b3bc3742bd7ee941f56b649b2c893",
    0.9106, 0.4493,
)  # fmt: skip
_register(
    "crnn", "mtt", "cd22fc70cafd06f8f2bfc7dd795abccb1f4b50d5b09094c39ad100baf87475a3",
    0.8722, 0.3625,
)  # fmt: skip
_register(
    "fcn", "jamendo", "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b",
    0.8255, 0.2801,
)  # fmt: skip
_register(
    "musicnn", "jamendo", "66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
    0.8226, 0.2713,
)  # fmt: skip
_register(
    "crnn", "jamendo", "0a558989c0793f488cb677d188464c91f47c007f7c70473230e55537ca598215",
    0.7978, 0.2358,
)  # fmt: skip
_register(
    "fcn", "msd", "6012aa7eecf864a8081faedca56af054521e8dfb9c5c98659a3dd5d3e1e66f21",
    0.8744, 0.2970,
)  # fmt: skip
_register(
    "crnn", "msd", "ebb99855ed0c83f38845db9cfb383dd6fc70938bc58701dcb66e18af9ee7fbea",
    0.8499, 0.2469,
)  # fmt: skip
