"""Writes vit.json: the numbers of a small vision transformer in plain PyTorch, in the form of models.json.

    python test/golden/make-vit.py    (needs torch; weights and images come from the formula in README.md)
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SIZE, PATCH, LAYERS, HEADS, CLASSES, BATCH, SIDE = 48, 4, 3, 3, 10, 4, 32


def uniform(k, count):
    i = np.arange(count, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    x = (i * np.uint64(2654435761) + np.uint64(k * 0x9E3779B9 % 2**32)) & mask
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & mask
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & mask
    x ^= x >> np.uint64(16)
    return torch.tensor(x.astype(np.float64) / 2**32 - 0.5)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(SIZE, 3 * SIZE)
        self.proj = nn.Linear(SIZE, SIZE)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, HEADS, SIZE // HEADS).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, SIZE))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(SIZE, 4 * SIZE)
        self.fc2 = nn.Linear(4 * SIZE, SIZE)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(SIZE, eps=1e-6)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(SIZE, eps=1e-6)
        self.mlp = Mlp()

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, SIZE, PATCH, PATCH)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, SIZE))
        self.pos_embed = nn.Parameter(torch.zeros(1, (SIDE // PATCH) ** 2 + 1, SIZE))
        self.patch_embed = PatchEmbed()
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(SIZE, eps=1e-6)
        self.head = nn.Linear(SIZE, CLASSES)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def kind_of(name, shape):
    if name.endswith("bias") and "norm" not in name:
        return "bias"
    if "norm" in name:
        return "bn_scale" if name.endswith("weight") else "bn_offset"
    return "weight" if len(shape) in (2, 4) else "token"


def values(k, shape, kind):
    u = uniform(k, math.prod(shape))
    if kind == "weight":
        fan_in = math.prod(shape[1:])
        u = 2 * math.sqrt((6 if len(shape) == 4 else 3) / fan_in) * u
    elif kind == "bn_scale":
        u = 1 + 0.2 * u
    else:  # bn_offset, bias, token
        u = 0.2 * u
    return u.reshape(shape).float()


def main():
    torch.manual_seed(0)
    model = Vit()
    tensors = []
    for k, (name, parameter) in enumerate(model.named_parameters()):
        kind = kind_of(name, parameter.shape)
        tensors.append([name, list(parameter.shape), kind])
        parameter.data = values(k, parameter.shape, kind)
    shape = (BATCH, 3, SIDE, SIDE)
    images = (2 * uniform(9999, math.prod(shape))).reshape(shape).float()
    labels = torch.arange(BATCH) % CLASSES
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    result = {
        "options": {"width": SIZE, "patch": PATCH, "layers": LAYERS, "heads": HEADS},
        "classes": CLASSES,
        "input": list(shape),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tensors": tensors,
        "logits": [row.tolist() for row in logits.detach()],
        "loss": loss.item(),
        "grad_norms": {name: gradient.norm().item() for name, gradient in gradients.items()},
    }
    Path(__file__).with_name("vit.json").write_text(json.dumps(result, indent=1) + "\n")


main()
