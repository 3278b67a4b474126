"""Music as symbols: songs and chord charts, chords on instruments, arrangements, MIDI files."""
