"""What computes a model: `RUNTIMES`, a module each, all with the methods of one protocol.

Every loaded model is a `mirzoo.annotate.LoadedModel`, with the methods of
`mirzoo.annotate.ModelMethods`. A runtime of your own is an object of
`mirzoo.runtimes.base.Runtime`, registered with ``RUNTIMES.register``.
"""
