"""A front-end, a head and a task that are no part of mirzoo: when something pulses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt
from toy_bursts import BURSTS

from mirzoo.card import Axis, Card, Decoding, Probability
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS
from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.frontends import FRONTENDS, Frontend
from mirzoo.models.heads import HEADS, SequenceHead
from mirzoo.recipe import LogScaling, Scaling, TaskConfig
from mirzoo.tasks.annotation.base import Annotation
from mirzoo.tasks.base import TASKS, FramewiseTask, Rates, Score
from mirzoo.tasks.frames import FrameJoiner


@FRONTENDS.register
class EnergyConfig(Frontend):
    """Energies of parts of each frame."""

    type: Literal["toy_energy"] = "toy_energy"
    sample_rate: PositiveInt = 16000
    hop_length: PositiveInt = 320
    parts: PositiveInt = 4
    scaling: Scaling = LogScaling(c=100.0)

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.blocks(self.sample_rate, self.hop_length)

    @property
    def n_bins(self) -> int:
        return self.parts

    @classmethod
    def import_layers(cls) -> None:
        import toy_layers  # noqa: F401

    def transform_layers(self) -> list:
        from toy_layers import BlockEnergies

        return [BlockEnergies(self.hop_length, self.parts)]

    def scaling_layers(self) -> list:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1)


@HEADS.register
class ShallowConfig(SequenceHead):
    """One convolution over frames."""

    type: Literal["toy_shallow"] = "toy_shallow"
    width: PositiveInt = 8

    def sequence(self, features: Any) -> Any:
        from keras import layers

        x = layers.Reshape((-1, features.shape[2] * features.shape[3]), name="flatten")(features)
        return layers.Conv1D(self.width, 3, padding="same", activation="relu", name="conv")(x)


class PulseConfig(TaskConfig):
    """When something pulses."""

    type: Literal["toy_pulses"] = "toy_pulses"


class PulseDecoding(Decoding):
    """A frame is a pulse where it is above ``threshold`` and its neighbours are not higher."""

    type: Literal["toy_pulses"] = "toy_pulses"
    threshold: Probability = 0.5


@dataclass(frozen=True, eq=False, repr=False)
class Pulses(Annotation):
    """Times of pulses (s); ``.pulses`` files have one a line."""

    task: ClassVar[str] = "toy_pulses"
    kind: ClassVar[str] = "pulses"
    formats: ClassVar[tuple[str, ...]] = (".json", ".pulses")
    readable: ClassVar[tuple[str, ...]] = (".json", ".pulses")

    times: tuple[float, ...]
    duration_s: float = 0.0
    source: str | None = None
    model: str | None = None

    def to_dict(self) -> dict[str, Any]:
        about = {"model": self.model, "source": self.source, "duration_s": self.duration_s}
        return {"task": self.task, **about, "times": list(self.times)}

    def summary(self, top: int = 5) -> list[str]:
        return [f"{len(self.times)} pulses"]

    def _draw(self, ax: Any) -> None:
        ax.vlines(self.times, 0, 1)

    def _to_pulses(self) -> str:
        return "".join(f"{time:.4f}\n" for time in self.times)

    @staticmethod
    def _from_pulses(text: str) -> dict[str, Any]:
        return {"times": tuple(map(float, text.split()))}

    @staticmethod
    def _from_json(text: str) -> dict[str, Any]:
        fields = ("times", "duration_s", "source", "model")
        return {field: json.loads(text)[field] for field in fields}


class PulseDecoder:
    """Joins windows and picks peaks."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._joiner = FrameJoiner(card)
        self._activity: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        self._activity.append(self._joiner.join(outputs, starts)["activity"][:, 0])

    def finish(self, *, duration_s: float, source: str | None = None) -> Pulses:
        activity = np.concatenate(self._activity)[: self._joiner.count(duration_s)]
        around = np.pad(activity, 1)
        peaks = (activity >= around[:-2]) & (activity > around[2:])
        found = np.flatnonzero(peaks & (activity > self._card.decoding.threshold))
        times = self._joiner.times(len(activity))[found]
        return Pulses(tuple(times.tolist()), duration_s, source, self._card.name)


class PulseTargets:
    """1 in the frames next to a pulse, for recordings one after the other."""

    def __init__(self, known: Any, frame_times: Any) -> None:
        targets = []
        for index, times in enumerate(frame_times):
            pulses = known.labels(index).beats
            near = np.abs(times[:, None] - pulses[None]).min(axis=1) < 0.02
            targets.append(near.astype(np.float32))
        self._targets = np.concatenate(targets)[:, None]

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        return {"activity": self._targets[start:stop]}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return {"activity": np.full((count, 1), -1.0, np.float32)}


@TASKS.register
class PulseFinding(FramewiseTask):
    """When something pulses."""

    name = "toy_pulses"
    annotation = Pulses
    config = PulseConfig
    decoding = PulseDecoding
    label_kind = "beats"
    headline = ("found",)
    scoring = "share of pulses found within 50 ms"
    rates = Rates(whole=1e-2, outputs=1e-2)

    def output_axes(self, config: PulseConfig) -> dict[str, Axis]:
        return {"activity": Axis(name="activity", size=1, unit="probability")}

    def build_outputs(self, config: PulseConfig, embedding: Any, pitches: int) -> dict[str, Any]:
        from keras import layers

        return {"activity": layers.Dense(1, "sigmoid", name="activity")(embedding)}

    def activation(self, config: PulseConfig) -> str:
        return "sigmoid"

    def default_decoding(self, config: PulseConfig) -> PulseDecoding:
        return PulseDecoding()

    def decoder(self, card: Card) -> PulseDecoder:
        return PulseDecoder(card)

    def targets(self, config: PulseConfig, known: Any, frame_times: Any) -> PulseTargets:
        return PulseTargets(known, frame_times)

    def losses(self, config: PulseConfig) -> dict[str, tuple[Any, float]]:
        from keras import losses, ops

        def where_known(truth, probability):
            known = ops.cast(truth >= 0, probability.dtype)
            loss = losses.binary_crossentropy(known * truth, probability)
            return loss * known[..., 0]

        return {"activity": (where_known, 1.0)}

    def truth(self, labels: Labels, duration_s: float | None = None) -> Pulses | None:
        if labels.beats is None:
            return None
        return Pulses(tuple(labels.beats.tolist()), duration_s or 0.0)

    def labels_of(self, annotation: Pulses, duration_s: float) -> Labels:
        return Labels(beats=np.asarray(annotation.times))

    def scores(self, truth: Pulses, estimate: Pulses) -> dict[str, Score]:
        found = np.array(estimate.times)
        near = [bool((np.abs(found - time) < 0.05).any()) for time in truth.times]
        return {"found": Score(float(np.mean(near)), estimate.duration_s)}


COLLECTIONS.register(BURSTS)
