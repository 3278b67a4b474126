"""What a model's outputs mean: one module a task turns them into an annotation, in NumPy."""

from mirzoo.tasks import tagging

DECODERS = {"tagging": tagging.decode}
