"""Music tagging: which words fit a recording, and when.

A tagger hears a window of a few seconds and gives each tag of its vocabulary a probability:
independent ones where any number of tags may fit (sigmoid), or ones that sum to 1 where exactly
one does (softmax). A recording longer than a window is heard window by window; what is said of
the whole is the mean over windows, weighted by the seconds of music in each, as the published
taggers report their clip-level figures (Pons & Serra 2019, arXiv:1909.06654).
"""

from __future__ import annotations

import numpy as np

from mirzoo.annotation import Tags
from mirzoo.card import Card
from mirzoo.errors import ArtefactError

OUTPUT = "tags"


def decode(
    card: Card,
    outputs: dict[str, np.ndarray],
    times: np.ndarray,
    *,
    duration_s: float,
    source: str | None = None,
) -> Tags:
    """Turn a tagger's outputs into tags.

    Parameters
    ----------
    card : Card
        The model's card.
    outputs : dict of str to array
        ``outputs["tags"]`` has the shape ``(windows, tags)``, or ``(windows, frames, tags)``,
        of which the mean over frames is taken.
    times : array, shape (windows,)
        Where each window starts in the recording (s).
    duration_s : float
        Length of the recording (s).
    source : str, optional
        The recording's file name.

    Returns
    -------
    Tags

    Raises
    ------
    ArtefactError
        If the outputs are not as the card has them, or not finite.
    """
    if OUTPUT not in outputs:
        raise ArtefactError(
            f"{card.name} gave the outputs {sorted(outputs)}; a tagger has one named '{OUTPUT}'. "
            "Is its card that of another model?"
        )
    probabilities = outputs[OUTPUT]
    if probabilities.ndim == 3:
        probabilities = probabilities.mean(axis=1)
    if probabilities.shape != (len(times), len(card.labels)):
        raise ArtefactError(
            f"{card.name} gave tags of the shape {probabilities.shape} for {len(times)} windows; "
            f"its card lists {len(card.labels)} labels. Is it the card of another model?"
        )
    if not np.isfinite(probabilities).all():
        raise ArtefactError(
            f"{card.name} gave tags that are not finite; are its files damaged? "
            f"`mirzoo verify {card.name}` tells."
        )
    return Tags(
        labels=card.labels,
        times=times,
        probabilities=probabilities,
        window_s=card.window_s,
        source=source,
        duration_s=duration_s,
        model=card.name,
    )
