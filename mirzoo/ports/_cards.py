"""What the cards of ports of one task have in common, beyond their specification."""

from __future__ import annotations

from typing import Any

from mirzoo.card import Axis, InputContract, OutputSpec
from mirzoo.tasks.key import KeyDecoding
from mirzoo.tasks.key.config import KEYS
from mirzoo.tasks.key.names import LABELS


def tagger_card(labels: int, contract: InputContract) -> dict[str, Any]:
    """What the card of a tagger with so many tags states, given what it takes.

    Examples
    --------
    >>> contract = InputContract(
    ...     sample_rate=16000, min_samples=1, window_samples=48000, hop_samples=48000,
    ...     pad_left_samples=0,
    ... )
    >>> tagger_card(50, contract)["outputs"][0].name
    'tags'
    """
    return {
        "input": contract,
        "activation": "sigmoid",
        "outputs": [
            OutputSpec(name="tags", axes=[Axis(name="tag", size=labels, unit="probability")])
        ],
    }


def key_card(contract: InputContract) -> dict[str, Any]:
    """What the card of a model that gives one key a window states, given what it takes."""
    return {
        "input": contract,
        "activation": "softmax",
        "outputs": [
            OutputSpec(
                name=KEYS,
                axes=[
                    Axis(name="frame", size=None, unit="frame"),
                    Axis(name="key", size=len(LABELS), unit="probability"),
                ],
                frame_rate=contract.sample_rate / contract.hop_samples,
                first_frame_s=contract.window_samples / 2 / contract.sample_rate,
            )
        ],
        "decoding": KeyDecoding(change_penalty=0.0),
    }
