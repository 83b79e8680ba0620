"""The vision transformer of src/models/vit.ts in PyTorch, by DeiT's names of parameters."""

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-6
# Numbers inside the two-layer perceptron of a block, per number of a token.
EXPANSION = 4


class Attention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.proj = nn.Linear(size, size)

    def forward(self, x):
        images, tokens, size = x.shape
        apart = self.qkv(x).reshape(images, tokens, 3, self.heads, size // self.heads)
        q, k, v = apart.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(images, tokens, size))


class Block(nn.Module):
    """x + attention(norm(x)), and that plus perceptron(norm of it)."""

    def __init__(self, size, heads, dropout, drop_path):
        super().__init__()
        self.norm1 = nn.LayerNorm(size, EPSILON)
        self.attn = Attention(size, heads)
        self.norm2 = nn.LayerNorm(size, EPSILON)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(size, EXPANSION * size), "fc2": nn.Linear(EXPANSION * size, size)})
        self.drop = nn.Dropout(dropout)
        self.drop_path = drop_path

    def path(self, x):
        """Each image's branch left out with probability `drop_path`."""
        if self.drop_path == 0 or not self.training:
            return x
        kept = torch.rand(len(x), 1, 1, device=x.device) >= self.drop_path
        return x * (kept / (1 - self.drop_path))

    def forward(self, x):
        x = x + self.path(self.drop(self.attn(self.norm1(x))))
        inner = self.drop(F.gelu(self.mlp["fc1"](self.norm2(x))))
        return x + self.path(self.drop(self.mlp["fc2"](inner)))


class VisionTransformer(nn.Module):
    """Images [N C H H] to logits [N K]: a class token, learned positions, norms before each branch."""

    def __init__(
        self, height, classes, channels, width=192, patch=4, layers=6, heads=3, dropout=0.0, drop_path=0.0
    ):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, (height // patch) ** 2 + 1, width) * 0.02)
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(channels, width, patch, patch)})
        self.drop = nn.Dropout(dropout)
        rates = [drop_path if layers == 1 else drop_path * i / (layers - 1) for i in range(layers)]
        self.blocks = nn.ModuleList([Block(width, heads, dropout, rate) for rate in rates])
        self.norm = nn.LayerNorm(width, EPSILON)
        self.head = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, images):
        patches = self.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        x = self.drop(torch.cat([self.cls_token.expand(len(images), -1, -1), patches], 1) + self.pos_embed)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])
