"""From symbols and single recordings to waveforms: synthesiser, recorded notes, voices, effects."""
