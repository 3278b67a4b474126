"""Signal processing in plain NumPy: framing, filterbanks and kernels, without TensorFlow."""
