"""Training data: collections to obtain, corpora prepared from them, windows, batches, labels."""
