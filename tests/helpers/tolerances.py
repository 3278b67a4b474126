"""How far each front-end may be from librosa, on real music, and why that far.

The figure is ``norm(ours - librosa's) / norm(librosa's)`` over a whole clip.
"""

TOLERANCES = {
    # float32 against librosa's complex64: the transforms round differently.
    "stft": 1e-5,
    # Sums of the same numbers in another order.
    "mel": 1e-5,
    # Decibels multiply a relative error of the mel by 4.3 and the DCT spreads it.
    "mfcc": 1e-4,
    # A recursion of a thousand frames, summed in another order.
    "pcen": 1e-4,
    # Overlap-add divided by the window's squares, there and back again in float32.
    "inverse_stft": 1e-5,
    # Half-band filters of finite length, and wavelets rounded to whole samples in each octave.
    "cqt": 1e-2,
    # The CQT's, folded.
    "chroma_cqt": 1e-2,
    # The largest bin of a frame divides the others, in float32.
    "chroma_stft": 1e-4,
}
