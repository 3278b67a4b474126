"""Music to learn from and to be measured on: a module for each collection, or family of them.

A module registers its `mirzoo.data.sources.Collection`s, with their items, splits, licence and
source. Nothing imports these modules but `mirzoo.data.sources.COLLECTIONS`, when a collection is
asked for by name. `mirzoo.studio.score` has music as symbols and `mirzoo.studio.sound` turns
symbols and recordings into waveforms.
"""
