"""KeyNet: the key of electronic dance music, with the weights in its repository."""

from __future__ import annotations

from mirzoo.card import Licences, Metric
from mirzoo.ports._package import RepositoryFile
from mirzoo.ports._specification import PORTS, PortSpec

_LABELS = (
    *("G#:min", "Eb:min", "Bb:min", "F:min", "C:min", "G:min"),
    *("D:min", "A:min", "E:min", "B:min", "F#:min", "C#:min"),
    *("B:maj", "F#:maj", "Db:maj", "Ab:maj", "Eb:maj", "Bb:maj"),
    *("F:maj", "C:maj", "G:maj", "D:maj", "A:maj", "E:maj"),
)
"""In the order of the Camelot wheel: 1A to 12A, then 1B to 12B."""

PORTS.register(
    PortSpec(
        name="keynet",
        task="key",
        module="keynet",
        description=(
            "KeyNet (A. Sommer, after Korzeniowski & Widmer 2018): the key of a whole recording."
        ),
        package=RepositoryFile(
            repository="Menschomat/MusicalKeyCNN",
            commit="a7a1799037688da1ffcac5fb08fe54ebe2d2d77f",
            path="checkpoints/keynet.pt",
            sha256="fc92072f1b9b19552ce3b74a9c8ce0cecb97633a12ae524ac0d93c05800e354e",
        ),
        family="keynet",
        checkpoint="",
        metrics=(
            Metric(
                dataset="GiantSteps Key",
                split="all",
                metric="weighted",
                value=0.7351,
                n=604,
                method=(
                    "Published by the author, not measured here: the repository's README, MIREX "
                    "score."
                ),
            ),
        ),
        labels=_LABELS,
        licences=Licences(
            code="MIT",
            weights="MIT",
            data="GiantSteps MTG Key: electronic dance music; the audio is not distributed",
            commercial="unstated",
        ),
        citation=(
            "Alexander Sommer, MusicalKeyCNN, github.com/Menschomat/MusicalKeyCNN, 2025; network: "
            "Filip Korzeniowski and Gerhard Widmer, Genre-agnostic key classification with "
            "convolutional neural networks, ISMIR 2018, arXiv:1808.05340"
        ),
    )
)
