"""The report of a fine-tuning as a page and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mirzoo._support.words import counted
from mirzoo.evaluation import pictures
from mirzoo.evaluation.html import Markup, element, page, picture, table
from mirzoo.evaluation.page import Budget, comparison_part, detail_parts, scores_part
from mirzoo.evaluation.results import Evaluations, plain

if TYPE_CHECKING:
    from mirzoo.card import Card
    from mirzoo.training.report import Report

JSON_VERSION = 1
"""Of what `document` gives."""

STILL_FALLING = 0.97
"""What all clips make of the loss of half of them, below which more are likely to help."""


def report_page(report: Report, *, excerpts: bool = True) -> str:
    """The page of a report: see `mirzoo.training.report.Report.write`."""
    name = "Fine-tuning" if report.card is None else report.card.name
    return page(f"{name}: report", _parts(report, name, excerpts))


def _parts(report: Report, name: str, excerpts: bool) -> Iterator[Markup]:
    yield element("h1", name)
    card = report.card
    if card is not None:
        yield element("p", card.description)
    what = "clips" if report.clips_of_labels else "recordings"
    yield element(
        "p",
        f"Learnt from {report.learnt_from} {what}, {report.held_out} held out. Asked for: "
        f"{report.strategy}. Done: {report.chosen}.",
    )
    if report.decoding_share is not None:
        text = f"{report.decoding_share:.0%} of the time was spent decoding."
        yield element("p", text, class_="soft")
    if report.evaluations is None:
        yield element("h2", "Scores")
        yield element(
            "p",
            "Nothing was held out, or nothing of it could be scored, so there is no score: bring "
            "more data, or evaluate the model on others with `mirzoo evaluate`.",
        )
    else:
        yield from scores_part(report.evaluations, "Scores on what was held out")
        for comparison in _compared(report.evaluations):
            yield from comparison_part(comparison)
    yield from _growth(report)
    yield from _learning(report)
    if report.evaluations is not None:
        yield element("h2", "In detail")
        yield from detail_parts(report.evaluations[0], Budget(excerpts))
    yield from _data(report)
    yield from _settings(report)
    if card is not None:
        yield from _origin(card)


def _compared(found: Evaluations) -> list[Any]:
    """The model next to what it is compared with, which comes first."""
    return [other.compare(found[0]) for other in found[1:]]


def _growth(report: Report) -> Iterator[Markup]:
    points = report.curve
    if len(points) < 2:
        return
    yield element("h2", "Would more data help?")
    yield element("p", growth_in_words(points))

    def draw() -> Any:
        known = all(point.accuracy is not None for point in points)
        whole = pictures.figure(7.5 if known else 4.2, 2.9)
        left, *right = np.atleast_1d(whole.subplots(1, 2 if known else 1))
        clips = [point.clips for point in points]
        pictures.draw_growth(left, clips, [point.loss for point in points], "cross-entropy (nat)")
        if known:
            shares = [float(point.accuracy or 0.0) for point in points]
            pictures.draw_growth(right[0], clips, shares, "accuracy")
        return whole

    yield picture(pictures.embedded(draw), "scores over clips learnt from", pictures.MISSING)
    yield table(
        ["clips", "cross-entropy (nat)", "accuracy"],
        [[str(point.clips), point.loss, point.accuracy] for point in points],
        numbers=range(3),
    )
    yield element(
        "p",
        "Of a plain probe of the embedding, on clips left out of those to learn from, a fold at a "
        "time: a quarter, a half and all of the others.",
        class_="soft",
    )


def growth_in_words(points: Sequence[Any]) -> str:
    """Whether the loss still fell from half of the clips to all of them.

    Examples
    --------
    >>> from mirzoo.training.probing import CurvePoint
    >>> growth_in_words([CurvePoint(0.5, 50, 0.8, 0.7), CurvePoint(1.0, 100, 0.6, 0.8)])
    'More clips are likely to help: from 50 to 100 the loss went 0.800 to 0.600.'
    """
    half, whole = points[-2], points[-1]
    change = f"from {half.clips} to {whole.clips} the loss went {half.loss:.3f} to {whole.loss:.3f}"
    if whole.loss < STILL_FALLING * half.loss:
        return f"More clips are likely to help: {change}."
    return f"More clips of the same kind are unlikely to help much: {change}."


def _learning(report: Report) -> Iterator[Markup]:
    if not (report.history or report.trial or report.tried):
        return
    yield element("h2", "How it learnt")
    curves = (
        ("On a part of the data to learn from; the rest decided on the epochs", "the rest"),
        ("On all of the data to learn from; what was held out decided on nothing", "held out"),
    )
    for (title, unseen), history in zip(curves, (report.trial, report.history), strict=True):
        losses = _losses(history, unseen)
        if not losses:
            continue
        yield element("h3", title)

        def draw(losses: Mapping[str, Sequence[float]] = losses) -> Any:
            whole = pictures.figure(4.8, 2.9)
            pictures.draw_history(whole.subplots(), losses)
            return whole

        yield picture(pictures.embedded(draw), f"losses over epochs: {title}", pictures.MISSING)
        yield element("details", element("summary", "Numbers"), _epochs(history))
    if report.tried:
        yield element("h3", "What was compared, within the data to learn from")
        rows = [[tried.name, tried.loss] for tried in report.tried]
        yield table(["what", "cross-entropy (nat)"], rows, numbers=[1])


def _losses(history: Mapping[str, Sequence[float]], unseen: str) -> dict[str, Sequence[float]]:
    """The losses of training and of what was not learnt from, in words."""
    words = {"loss": "learnt from", "val_loss": unseen}
    return {words[name]: history[name] for name in words if history.get(name)}


def _epochs(history: Mapping[str, Sequence[float]]) -> Markup:
    epochs = min(len(row) for row in history.values())
    most = max(len(row) for row in history.values())
    rows = [
        [
            str(epoch),
            *(
                row[epoch - 1 + len(row) - epochs] if epoch > epochs - len(row) else None
                for row in history.values()
            ),
        ]
        for epoch in range(1 - (most - epochs), epochs + 1)
    ]
    return table(["epoch", *history], rows, numbers=range(1 + len(history)))


def _data(report: Report) -> Iterator[Markup]:
    yield element("h2", "Data")
    fitting = None if report.card is None else report.card.fitting
    if fitting is not None:
        data = fitting.data
        yield table(
            ["", ""],
            [
                ["name", data.name],
                ["learnt from", f"{data.recordings} in {counted(data.groups, 'group')}"],
                ["held out", str(data.held_out)],
                ["divided", data.split],
                *([["left out as bad", str(data.skipped)]] if data.skipped else []),
                *([["SHA-256", data.checksum]] if data.checksum else []),
            ],
        )
    counts = report.clips_of_labels
    if counts:
        held_out = {} if fitting is None else fitting.data.held_out_labels
        rows = [[label, str(count), str(held_out.get(label, 0))] for label, count in counts.items()]
        yield table(["label", "learnt from", "held out"], rows, numbers=[1, 2])


def _settings(report: Report) -> Iterator[Markup]:
    if not report.settings:
        return
    yield element("h2", "Settings")
    yield table(["option", "as it ran"], [[name, str(v)] for name, v in report.settings.items()])


def _origin(card: Card) -> Iterator[Markup]:
    yield element("h2", "Origin and licence")
    base = card.fitting.base if card.fitting is not None else None
    yield table(
        ["", ""],
        [
            ["base", base or "fresh weights"],
            ["weights", card.licences.weights],
            ["data", card.licences.data],
            ["code", card.licences.code],
            ["cite", card.citation],
        ],
    )


def document(report: Report) -> dict[str, Any]:
    """Everything as plain values: see `mirzoo.training.report.Report.to_dict`."""
    fitting = None if report.card is None else report.card.fitting
    evaluations = report.evaluations
    if evaluations is not None:  # what the model is compared with comes first
        evaluations = Evaluations([*evaluations[1:], evaluations[0]])
    return plain(
        {
            "format": JSON_VERSION,
            "model": report.card and report.card.name,
            "strategy": report.strategy,
            "chosen": report.chosen,
            "learnt_from": report.learnt_from,
            "held_out": report.held_out,
            "decoding_share": report.decoding_share,
            "tried": [{"name": tried.name, "loss": tried.loss} for tried in report.tried],
            "trial": report.trial,
            "history": report.history,
            "curve": [
                {
                    "share": point.share,
                    "clips": point.clips,
                    "loss": point.loss,
                    "accuracy": point.accuracy,
                }
                for point in report.curve
            ],
            "fitting": fitting and fitting.model_dump(mode="json"),
            "settings": report.settings,
            "metrics": [metric.model_dump(mode="json") for metric in report.metrics],
            "evaluation": evaluations and evaluations.to_dict(),
        }
    )
