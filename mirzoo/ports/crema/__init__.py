"""crema: chords in 170 classes, with the weights in the package of that name."""

from __future__ import annotations

from mirzoo._support import moved
from mirzoo.card import Licences, Metric
from mirzoo.ports._package import Package
from mirzoo.ports._specification import PORTS, PortSpec

PUBLISHED_SCORES = {
    "root": 0.8029387,
    "majmin": 0.7854645,
    "sevenths": 0.6749497,
    "tetrads": 0.6147745,
    "mirex": 0.7805665,
}

PORTS.register(
    PortSpec(
        name="crema_chords",
        task="chords",
        module="crema",
        description=(
            "Chords in 170 classes with root, bass and pitches, from whole recordings (McFee & "
            "Bello 2017)."
        ),
        package=Package(
            name="crema",
            version="0.2.0",
            wheel="crema-0.2.0-py3-none-any.whl",
            sha256="b2787afd0367463438ca2b9b2944c490308eee1f307e5796078ec540a6281484",
        ),
        family="chord",
        checkpoint="crema/models/chord",
        checkpoint_files=("/model.h5", "/pump.pkl"),
        metrics=tuple(
            Metric(
                dataset="crema's own test tracks",
                split="test",
                metric=metric,
                value=value,
                n=244,
                method=(
                    "Published by the authors, not measured here: "
                    "crema/models/chord/test_scores.json in the package crema 0.2.0; mean over "
                    "tracks of mir_eval.chord."
                ),
            )
            for metric, value in PUBLISHED_SCORES.items()
        ),
        licences=Licences(
            code="BSD-2-Clause",
            weights="BSD-2-Clause",
            data=(
                "Isophonics, Billboard, RWC and other collections of annotated commercial "
                "recordings: the audio is not distributed"
            ),
            commercial="unstated",
        ),
        citation=(
            "Brian McFee and Juan Pablo Bello, Structured training for large-vocabulary chord "
            "recognition, ISMIR 2017; software: doi:10.5281/zenodo.1010486"
        ),
    )
)

__getattr__ = moved.names(
    __name__,
    ("mirzoo.ports.crema.network", "mirzoo.ports._network", "mirzoo.ports"),
    {"build_trunk": "build_head"},
)
