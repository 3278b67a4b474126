"""YAMNet: 521 kinds of sound, with weights of eight bits in a public repository."""

from __future__ import annotations

from mirzoo.card import Licences, Metric
from mirzoo.ports._package import RepositoryFile
from mirzoo.ports._specification import PORTS, PortSpec
from mirzoo.ports.yamnet.labels import LABELS

PORTS.register(
    PortSpec(
        name="yamnet",
        task="tagging",
        module="yamnet",
        description=(
            "YAMNet (Google 2019): 521 kinds of sound, of speech, animals, machines and music, "
            "every 0.48 s."
        ),
        package=RepositoryFile(
            repository="Jaskaran197/Speaker-Detector",
            commit="4ec29b6938f1051fe36b46786f8d486d8b74a38e",
            path="yamnet.tflite",
            sha256="469be6a3421cbc52cf97e9f2f966cba984198e8e7af9854d68b3e3ebb1e04194",
        ),
        family="yamnet",
        checkpoint="",
        labels=LABELS,
        metrics=(
            Metric(
                dataset="AudioSet, 521 classes",
                split="test",
                metric="macro PR-AUC",
                value=0.306,
                n=20366,
                method=(
                    "Published by the authors, not measured here, of the weights before they were "
                    "rounded to eight bits: balanced mAP in the README of YAMNet in TensorFlow's "
                    "Model Garden."
                ),
            ),
        ),
        licences=Licences(
            code="Apache-2.0",
            weights="Apache-2.0",
            data=(
                "AudioSet: labels CC BY 4.0; recordings are of YouTube under terms of their own "
                "and are not distributed"
            ),
            commercial="unstated",
        ),
        citation=(
            "Manoj Plakal and Dan Ellis, YAMNet, "
            "github.com/tensorflow/models/tree/master/research/audioset/yamnet, 2019; network: "
            "Andrew G. Howard et al., MobileNets, 2017, arXiv:1704.04861; features: Shawn Hershey "
            "et al., CNN architectures for large-scale audio classification, ICASSP 2017, "
            "arXiv:1609.09430; data: Jort F. Gemmeke et al., Audio Set: An ontology and "
            "human-labeled dataset for audio events, ICASSP 2017, doi:10.1109/ICASSP.2017.7952261"
        ),
    )
)
