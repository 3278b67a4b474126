"""BeatNet: beats and downbeats, causally, with three sets of weights in its package."""

from __future__ import annotations

from mirzoo.card import Licences
from mirzoo.ports._package import Package
from mirzoo.ports._specification import PORTS, PortSpec
from mirzoo.tasks.beats.config import LABELS

_WITHOUT = {
    "beatnet": ("model_1", "GTZAN"),
    "beatnet_ballroom": ("model_2", "Ballroom"),
    "beatnet_rock": ("model_3", "Rock Corpus"),
}
"""The data set on which each set of weights can be judged, since it was not trained on it."""

for _name, (_checkpoint, _data_set) in _WITHOUT.items():
    PORTS.register(
        PortSpec(
            name=_name,
            task="beats",
            module="beatnet",
            description=(
                f"Beats and downbeats by a causal network (BeatNet, Heydari et al. 2021), trained "
                f"without {_data_set}."
            ),
            package=Package(
                name="BeatNet",
                version="1.1.3",
                wheel="BeatNet-1.1.3-py3-none-any.whl",
                sha256="1ecfa17bdcbe899975a88bdb6efebd6970d846a4f3b6cfd5c6f320647c641c7e",
            ),
            family="beatnet",
            checkpoint=f"BeatNet/models/{_checkpoint}_weights.pt",
            metrics=(),
            labels=LABELS,
            licences=Licences(
                code="CC-BY-4.0",
                weights="CC-BY-4.0",
                data=(
                    "annotated recordings (Ballroom, GTZAN, Rock Corpus and others, but for "
                    f"{_data_set}): the audio is not distributed"
                ),
                commercial="unstated",
            ),
            citation=(
                "Mojtaba Heydari, Frank Cwitkowitz and Zhiyao Duan, BeatNet: CRNN and particle "
                "filtering for online joint beat, downbeat and meter tracking, ISMIR 2021, "
                "arXiv:2108.03576"
            ),
        )
    )
