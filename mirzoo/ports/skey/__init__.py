"""S-KEY: the key of a recording, learnt without labels, with the weights in its repository."""

from __future__ import annotations

from mirzoo.card import Licences
from mirzoo.ports._package import RepositoryFile
from mirzoo.ports._specification import PORTS, PortSpec

_MAJOR = ("A", "Bb", "B", "C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab")
_MINOR = ("B", "C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb")

PORTS.register(
    PortSpec(
        name="skey",
        task="key",
        module="skey",
        description="S-KEY (Kong et al. 2025): the key of a recording, learnt without labels.",
        package=RepositoryFile(
            repository="deezer/skey",
            commit="918b83d273568d5041569bb8068843d19a335726",
            path="skey/models/skey.pt",
            sha256="78dfd0ad4fa9434bf7cec70a25934b7c575bda9c80e994700140770ad3a5ead4",
        ),
        family="skey",
        checkpoint="",
        metrics=(),
        labels=(*(f"{tonic}:maj" for tonic in _MAJOR), *(f"{tonic}:min" for tonic in _MINOR)),
        licences=Licences(
            code="MIT",
            weights="MIT",
            data="60,000 songs of a streaming service, without labels: not distributed",
            commercial="unstated",
        ),
        citation=(
            "Yuexuan Kong, Gabriel Meseguer-Brocal, Vincent Lostanlen, Mathieu Lagrange and Romain "
            "Hennequin, S-KEY: Self-supervised learning of major and minor keys from audio, ICASSP "
            "2025, arXiv:2501.12907"
        ),
    )
)
