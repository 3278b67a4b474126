"""LiteRT's library in C, for this machine and, under emulation, for 64-bit ARM."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

SOURCE = ROOT / "examples" / "c" / "window.c"
WARNINGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")
LIBRARY = "ai_edge_litert/libLiteRt.so"
ARM_ROOT = Path("/usr/aarch64-linux-gnu")
ARM_PACKAGES = "apt-get install qemu-user-static gcc-aarch64-linux-gnu libstdc++6-arm64-cross"

# XNNPACK looks up its processor here, and qemu shows the one of this machine.
CORTEX_A76 = """\
processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1

"""


def need(program, package):
    """The program's path; the test is skipped where there is none."""
    found = shutil.which(program)
    if not found:
        pytest.skip(f"there is no {program}: {package}")
    return found


def compile_here(folder):
    """The example for this machine: the command that runs it."""
    compiler = need("gcc", "apt-get install gcc")
    library = Path(importlib.util.find_spec("ai_edge_litert").origin).with_name("libLiteRt.so")
    program = folder / "window"
    rpath = f"-Wl,-rpath,{library.parent}"
    subprocess.run([compiler, *WARNINGS, SOURCE, "-o", program, library, rpath], check=True)
    return [program]


def compile_for_arm(folder, cache):
    """The example for 64-bit ARM: the command that runs it under emulation.

    ``cache`` is a folder that keeps the library's package for the next time.
    """
    compiler = need("aarch64-linux-gnu-gcc", ARM_PACKAGES)
    emulator = need("qemu-aarch64-static", ARM_PACKAGES)
    if not (ARM_ROOT / "lib" / "libstdc++.so.6").exists():
        pytest.skip(f"{ARM_ROOT} has no C++ library: {ARM_PACKAGES}")
    with zipfile.ZipFile(_wheel_for_arm(cache)) as wheel:
        library = Path(wheel.extract(LIBRARY, folder))
    root = folder / "root"
    (root / "proc").mkdir(parents=True)
    (root / "proc" / "cpuinfo").write_text(CORTEX_A76)
    (root / "lib").symlink_to(ARM_ROOT / "lib")
    program = folder / "window"
    linking = ("-Wl,--allow-shlib-undefined", f"-Wl,-rpath,{library.parent}")
    subprocess.run([compiler, *WARNINGS, SOURCE, "-o", program, library, *linking], check=True)
    return [emulator, "-cpu", "cortex-a76", "-L", root, program]


def _wheel_for_arm(cache):
    version = importlib.metadata.version("ai-edge-litert")
    pattern = f"ai_edge_litert-{version}-*aarch64.whl"
    if not any(cache.glob(pattern)):
        platforms = [f"--platform=manylinux{kind}_aarch64" for kind in ("2014", "_2_27", "_2_28")]
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--only-binary=:all:", f"--dest={cache}", *platforms, f"ai-edge-litert=={version}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"the package for ARM cannot be had: {done.stderr.strip()[-200:]}")
    return next(cache.glob(pattern))


def run_window(command, model, samples, folder):
    """Outputs by name of one window, as the example prints them."""
    given = folder / "samples"
    samples.tofile(given)
    done = subprocess.run(
        [*command, model, given], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    outputs = {}
    lines = iter(done.stdout.splitlines())
    for line in lines:
        name, dtype, *sizes = line.split()
        shape = tuple(map(int, sizes))
        values = [next(lines) for _ in range(int(np.prod(shape)))]
        outputs[name] = np.array(values, dtype).reshape(shape)
    return outputs
