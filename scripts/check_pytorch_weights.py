"""Checks a checkpoint against PyTorch: the same weights must give the same logits.

    bin/fsam eval RUN --logits logits.json
    python scripts/check_pytorch_weights.py RUN logits.json

RUN is a run folder (its newest checkpoint is taken) or a checkpoint file; take the same for both commands. The first command
writes the logits, in evaluation mode, that fsam gives for four images made by a formula. This script makes the same images, loads
the checkpoint into the ResNet-18 of pytorch/networks.py and compares. Exits with 0 where all logits agree within 1e-3 of the
largest one, 1 otherwise. Needs PyTorch and two small packages:
    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch numpy safetensors
"""

import argparse
import json
import math
import pathlib
import sys

try:
    import numpy as np
    import torch
    from safetensors.numpy import load_file
except ImportError as error:
    sys.exit(f"{error.name} is not installed for this Python; in a virtual environment: pip install torch numpy safetensors")

from pytorch.networks import build

STREAM = 9999
TOLERANCE = 1e-3


def hashed_uniform(stream, count):
    """Numbers from -0.5 to 0.5, functions of the stream and their index: MurmurHash3's finalizer, modulo 2^32."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(stream * 0x9E3779B9 % 2**32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return (x ^ (x >> np.uint32(16))) / 2**32 - 0.5


def find_checkpoint(path):
    """The file itself, or the newest checkpoint of a run folder."""
    if path.is_file():
        return path
    # Named by their step, with leading zeros.
    checkpoints = sorted((path / "checkpoints").glob("step-*.safetensors"))
    if not checkpoints:
        sys.exit(f"{path}: wanted a checkpoint (.safetensors) or a run folder that holds one")
    return checkpoints[-1]


def to_pytorch(name, tensor):
    """Convolution kernels [H W I O] -> [O I H W], linear weights [I O] -> [O I]; vectors stay."""
    order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(tensor.ndim, range(tensor.ndim))
    return torch.from_numpy(np.ascontiguousarray(tensor.transpose(order)))


def load_model(checkpoint):
    """The ResNet-18 that fits the checkpoint, in evaluation mode."""
    tensors = load_file(checkpoint)
    weights = {name: to_pytorch(name, tensor) for name, tensor in tensors.items() if not name.startswith("optimizer.")}
    # Of a weight average, which is what is evaluated.
    averages = {name: weights.pop(name) for name in list(weights) if name.startswith("average.")}
    weights |= {name.removeprefix("average."): tensor for name, tensor in averages.items()}
    width, channels = weights["conv1.0.weight"].shape[:2]
    model = build("resnet18", classes=len(weights["fc.bias"]), channels=channels, height=None, width=width)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    # PyTorch counts batches for a kind of averaging that this network does not use.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"{checkpoint}: names differ from PyTorch's: missing {missing}, unexpected {unexpected}")
    return model.eval()


def compare(model, logits, what, tolerance):
    """Ends with 0 where the model gives the logits of that file for its images, within `tolerance` of the largest, 1 otherwise."""
    written = json.loads(logits.read_text())
    shape, wanted = written["input"], np.array(written["logits"])
    images = 2 * hashed_uniform(STREAM, math.prod(shape)).astype(np.float32).reshape(shape)
    with torch.no_grad():
        found = model(torch.from_numpy(images)).numpy()
    if found.shape != wanted.shape:
        sys.exit(f"logits: PyTorch gives shape {found.shape}, {logits} holds {wanted.shape}: not of the same run")

    difference, largest = np.abs(found - wanted).max(), np.abs(found).max()
    agrees = bool(difference <= tolerance * largest)
    print(f"{what} {found.size} logits up to {largest:.4f} in size, largest difference {difference:.2e}")
    print("the same logits" if agrees else "NOT the same logits")
    sys.exit(0 if agrees else 1)


def main():
    parser = argparse.ArgumentParser(description="Checks a checkpoint of a resnet18 against PyTorch.")
    parser.add_argument("run", type=pathlib.Path, help="run folder or checkpoint")
    parser.add_argument("logits", type=pathlib.Path, help="what `fsam eval RUN --logits FILE` wrote")
    options = parser.parse_args()

    checkpoint = find_checkpoint(options.run)
    compare(load_model(checkpoint), options.logits, f"{checkpoint}:", TOLERANCE)


if __name__ == "__main__":
    main()
