"""What computes a model: a runtime a module, all with the methods of `mirzoo.annotate.Runner`."""
