"""Keras models: front-ends, heads and layers, the `Model` class, and what builds one."""
