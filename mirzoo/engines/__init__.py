"""Many files: a batch of recordings, each by the same function, in as many processes as is wise.

`mirzoo.engines.one_file` has the function that every engine calls: the path of a recording in,
result files written whole, a record of what happened out. `mirzoo.engines.processes` calls it in
worker processes; `mirzoo.engines.batch` tells which files there are, where their results go, and
runs all of it.
"""
