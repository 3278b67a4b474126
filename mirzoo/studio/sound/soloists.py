"""Melodies played by a soloist: a program of the synthesiser, or recorded notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import leads, recorded_leads
from mirzoo.studio.sound.leads import Lead, Manner
from mirzoo.studio.sound.recorded_leads import Player
from mirzoo.studio.sound.stems import Studio


def play(
    notes: Sequence[MidiNote],
    soloist: int | Player,
    studio: Studio,
    rng: np.random.Generator,
    *,
    manner: Manner | None = None,
) -> tuple[Lead, np.ndarray]:
    """Have a soloist play notes, moved by octaves into its range.

    Parameters
    ----------
    notes : sequence of MidiNote
        One at a time.
    soloist : int or Player
        A General MIDI program, or an instrument whose notes were recorded.
    studio : Studio
    rng : np.random.Generator
    manner : Manner, optional
        How freely it plays; drawn to suit the soloist where it isn't given.

    Returns
    -------
    lead, stem : Lead, np.ndarray
        What is played, with the pitch that sounds, and float32 ``(samples,)`` at 16 kHz.
    """
    player = soloist if isinstance(soloist, Player) else None
    program = soloist.program if isinstance(soloist, Player) else soloist
    lowest, highest = leads.range_of(program) if player is None else player.range
    melody = leads.into_range(notes, lowest, highest, rng)
    lead = leads.perform(
        melody, program, studio.seconds, rng, manner=manner, tuning_cents=studio.tuning_cents
    )
    if player is None:
        return lead, studio.play(lead.parts)
    stem, lead = recorded_leads.play(lead, player, studio.seconds, rng)
    return lead, stem
