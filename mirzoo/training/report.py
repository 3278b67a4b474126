"""What `mirzoo.fine_tune` tells of a model that it made."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirzoo.card import Card, Metric
from mirzoo.evaluation.results import Evaluations
from mirzoo.tasks.annotation.files import format_of, write_whole
from mirzoo.training.own_clips import Tried
from mirzoo.training.probing import CurvePoint

FILES = ("report.html", "report.json")
"""What `Report.write_next_to` writes into a model's folder."""


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
    decoding_share : float, optional
        The share of the time that was spent decoding recordings, from 0 to 1.
    card : Card, optional
        The model's, which states the data, what it began with and under which terms it stands.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.fine_tune("mel_cnn_tagger", "clips/")  # doctest: +SKIP
    >>> model.report.write("report.html")  # doctest: +SKIP
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
    card: Card | None = None
    decoding_share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values, as the ``.json`` file has it.

        The evaluation is that of `mirzoo.evaluation.results.Evaluations.to_dict`; what the model
        is compared with comes first.
        """
        from mirzoo.training.report_page import document

        return document(self)

    def write(self, path: str | os.PathLike, *, excerpts: bool = True) -> Path:
        """Write to a file, whole or not at all; one that is there is replaced.

        Parameters
        ----------
        path : str or path
            ``.json``, what `to_dict` gives; or ``.html``, a page that needs no other file: scores
            with intervals, learning curves over epochs and over clips, each class, what was taken
            for what, calibration, the worst mistakes, the data. Pictures are drawn where matplotlib
            is installed.
        excerpts : bool
            Whether a page holds excerpts of the worst mistakes to listen to: see
            `mirzoo.evaluation.page.evaluation_page` for how many and how large. Leave them out of
            what you share, if the recordings are not to be shared.

        Raises
        ------
        AnnotationError
            If the suffix is another one, or the file cannot be written.
        """
        path = Path(path)
        if format_of(path, (".json", ".html"), "a report") == "html":
            from mirzoo.training.report_page import report_page

            write_whole(path, report_page(self, excerpts=excerpts))
        else:
            write_whole(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")
        return path

    def write_next_to(self, folder: str | os.PathLike, *, excerpts: bool = True) -> list[Path]:
        """Write `FILES` into the folder of the saved model, under the name that it has there."""
        folder = Path(folder)
        saved = replace(self, card=Card.load(folder))
        return [saved.write(folder / name, excerpts=excerpts) for name in FILES]

    def __str__(self) -> str:
        fitting = None if self.card is None else self.card.fitting
        held_out = f"{self.held_out} held out"
        if fitting is not None and not self.held_out:
            held_out = fitting.data.split
        lines = [f"{self.chosen}; {self.learnt_from} to learn from, {held_out}"]
        lines += [f"  {tried.name}: cross-entropy {tried.loss:.3f}" for tried in self.tried]
        for metric in self.metrics:
            others = "".join(f", {name} {value:.3f}" for name, value in metric.baseline.items())
            lines.append(f"{metric.metric} {metric.value:.3f}{others} ({metric.split})")
        if self.decoding_share is not None:
            lines.append(f"{self.decoding_share:.0%} of the time was spent decoding")
        return "\n".join(lines)
