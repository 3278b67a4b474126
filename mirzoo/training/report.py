"""What `mirzoo.fine_tune` tells of a model that it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mirzoo.card import Metric
from mirzoo.evaluation.results import Evaluations
from mirzoo.training.own_clips import Tried
from mirzoo.training.probing import CurvePoint


@dataclass(frozen=True, eq=False)
class Report:
    """How a model was fitted, and how good it is on what was held out.

    Parameters
    ----------
    strategy : str
        What was asked for.
    chosen : str
        What was done, in words.
    tried : tuple of Tried
        What was compared within the data to learn from, each with its cross-entropy (nat).
    history : dict of str to list of float
        Losses of the epochs, where there were any; a "val_loss" is that of what was held out, which
        decided on nothing.
    trial : dict of str to list of float
        Losses of the epochs on a part of the data to learn from, each "val_loss" that of the rest
        of them; before those stands that of the model as it came. They decided on the epochs.
    curve : tuple of CurvePoint
        What a probe of fewer clips gives on others of them.
    metrics : tuple of Metric
        The scores on what was held out.
    evaluations : Evaluations or None
        All about these, of this model and of what it is compared with: a plain probe, or the model
        before. None where nothing was held out.
    learnt_from, held_out : int
        Clips, or recordings.
    clips_of_labels : dict of str to int
        How many of the clips learnt from have each label.
    settings : dict of str to value
        All options as they ran.
    """

    strategy: str
    chosen: str
    tried: tuple[Tried, ...] = ()
    history: dict[str, list[float]] = field(default_factory=dict)
    trial: dict[str, list[float]] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    metrics: tuple[Metric, ...] = ()
    evaluations: Evaluations | None = None
    learnt_from: int = 0
    held_out: int = 0
    clips_of_labels: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.chosen}; {self.learnt_from} to learn from, {self.held_out} held out"]
        lines += [f"  {tried.name}: cross-entropy {tried.loss:.3f}" for tried in self.tried]
        for metric in self.metrics:
            others = "".join(f", {name} {value:.3f}" for name, value in metric.baseline.items())
            lines.append(f"{metric.metric} {metric.value:.3f}{others} ({metric.split})")
        return "\n".join(lines)
