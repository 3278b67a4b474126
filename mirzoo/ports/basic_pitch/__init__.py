"""basic-pitch: notes of any instrument or voice, with the weights in the package of that name."""

from __future__ import annotations

from mirzoo._support import moved
from mirzoo.card import Licences
from mirzoo.ports._package import Package
from mirzoo.ports._specification import PORTS, PortSpec

PORTS.register(
    PortSpec(
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
        checkpoint_files=(".index", ".data-00000-of-00001"),
        metrics=(),
        licences=Licences(
            code="Apache-2.0",
            weights="Apache-2.0",
            data="GuitarSet, iKala, MAESTRO, MedleyDB, Slakh: research use; not distributed",
            commercial="no",
        ),
        citation=(
            "Rachel M. Bittner, Juan José Bosch, David Rubinstein, Gabriel Meseguer-Brocal and "
            "Sebastian Ewert, A lightweight instrument-agnostic model for polyphonic note "
            "transcription and multipitch estimation, ICASSP 2022, arXiv:2203.09893"
        ),
    )
)

__getattr__ = moved.names(
    __name__,
    ("mirzoo.ports.basic_pitch.network", "mirzoo.ports._network", "mirzoo.ports"),
    {"build_trunk": "build_head"},
)
