"""Checks weights that fsam exported: timm or torchvision load them and give the same logits.

    bin/fsam eval RUN --logits logits.json
    bin/fsam export RUN --to weights.safetensors --names pytorch
    python scripts/check_pytorch_export.py weights.safetensors logits.json

The first command writes the logits, in evaluation mode, that fsam gives for four images made by a formula
(check_pytorch_weights.py says which). This script makes the same images, loads the weights with `strict=True` into the network of
timm or torchvision that has their names, and compares. Exits with 0 where all logits agree within 1e-4 of the largest one, 1
otherwise.

    python scripts/check_pytorch_export.py --fill deit_small_patch16_224 filled.safetensors

writes the file of a network of timm, for `model.pretrained`, with weights made by the formula: so that two programs have the same
ones without anything to fetch. Needs PyTorch and a few packages:
    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch torchvision timm numpy safetensors
"""

import argparse
import json
import math
import pathlib
import sys

try:
    import numpy as np
    import timm
    import torch
    import torchvision
    from safetensors.torch import load_file, save_file
    from timm.models.vision_transformer import VisionTransformer
except ImportError as error:
    sys.exit(f"{error.name} is not installed for this Python; in a virtual environment: pip install torch torchvision timm numpy safetensors")

from check_pytorch_weights import compare, hashed_uniform

TOLERANCE = 1e-4


def network_of(weights, side, heads):
    """The network of timm or torchvision that has these tensors, for images of `side` pixels.

    No shape tells the heads of a transformer: where `heads` is None they have 64 numbers each, as in all published ones.
    """
    if "pos_embed" in weights:
        width, channels, patch, _ = weights["patch_embed.proj.weight"].shape
        layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        return VisionTransformer(
            img_size=side, patch_size=patch, in_chans=channels, embed_dim=width, depth=layers,
            num_heads=heads or max(width // 64, 1), num_classes=len(weights["head.bias"]),
        )  # fmt: skip
    blocks = [sum(1 for name in weights if name.startswith(f"layer{i}.") and name.endswith(".conv1.weight")) for i in (1, 2, 3, 4)]
    kinds = {"bottleneck": {(3, 4, 6, 3): "resnet50", (3, 4, 23, 3): "resnet101", (3, 8, 36, 3): "resnet152"},
             "basic": {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet34"}}  # fmt: skip
    kind = "bottleneck" if "layer1.0.conv3.weight" in weights else "basic"
    name = kinds[kind].get(tuple(blocks))
    if name is None:
        sys.exit(f"the weights are of no network of timm or torchvision that this script knows: blocks {blocks}")
    return getattr(torchvision.models, name)(num_classes=len(weights["fc.bias"]))


def filled(k, name, shape):
    """Parameter `k` by the formula: weights by their fan-in, scales of norms about 1, others about 0."""
    u = hashed_uniform(k, math.prod(shape))
    if len(shape) in (2, 4):
        values = 2 * math.sqrt((6 if len(shape) == 4 else 3) / math.prod(shape[1:])) * u
    elif len(shape) == 1 and name.endswith("weight"):
        values = 1 + 0.2 * u
    else:
        values = 0.2 * u
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(name, path, options):
    model = timm.create_model(name, pretrained=False, **options)
    weights = {key: filled(k, key, tuple(p.shape)) for k, (key, p) in enumerate(model.named_parameters())}
    state = {key: weights.get(key, value) for key, value in model.state_dict().items()}
    save_file(state, path, metadata={"format": "pt"})
    print(f"{path}: {sum(w.numel() for w in weights.values()):,} parameters of timm's {name}, by the formula")


def check(path, logits, heads):
    weights = load_file(path)
    side = json.loads(logits.read_text())["input"][-1]
    model = network_of(weights, side, heads).eval()
    model.load_state_dict(weights, strict=True)
    compare(model, logits, f"{path}: loaded,", TOLERANCE)


def arguments():
    parser = argparse.ArgumentParser(description="Checks exported weights with timm or torchvision, or fills a network of timm.")
    parser.add_argument("--fill", metavar="NAME", help="a network of timm, to be written by the formula")
    parser.add_argument("--options", type=json.loads, default={}, help="of that network, as JSON")
    parser.add_argument("--heads", type=int, help="of a transformer whose heads do not have 64 numbers")
    parser.add_argument("weights", type=pathlib.Path, help="what `fsam export RUN --to FILE` wrote; with --fill, what to write")
    parser.add_argument("logits", type=pathlib.Path, nargs="?", help="what `fsam eval RUN --logits FILE` wrote")
    return parser.parse_args()


def main():
    options = arguments()
    if options.fill:
        fill(options.fill, options.weights, options.options)
    elif options.logits is None:
        sys.exit("wanted the weights and the logits; --help tells how they are written")
    else:
        check(options.weights, options.logits, options.heads)


if __name__ == "__main__":
    main()
