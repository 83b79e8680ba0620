"""The language model of src/models/gpt.ts in PyTorch, by nanoGPT's names of parameters."""

import math

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-5
# Numbers inside the two-layer perceptron of a block, per number of a token.
EXPANSION = 4


class Attention(nn.Module):
    """Of each token to itself and those before it."""

    def __init__(self, size, heads, dropout, bias):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.c_attn = nn.Linear(size, 3 * size, bias=bias)
        self.c_proj = nn.Linear(size, size, bias=bias)

    def forward(self, x):
        windows, tokens, size = x.shape
        q, k, v = self.c_attn(x).reshape(windows, tokens, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.c_proj(mixed.transpose(1, 2).reshape(windows, tokens, size))


class Block(nn.Module):
    """x + attention(norm(x)), and that plus perceptron(norm of it)."""

    def __init__(self, size, heads, dropout, bias):
        super().__init__()
        self.ln_1 = nn.LayerNorm(size, EPSILON, bias=bias)
        self.attn = Attention(size, heads, dropout, bias)
        self.ln_2 = nn.LayerNorm(size, EPSILON, bias=bias)
        self.mlp = nn.ModuleDict(
            {
                "c_fc": nn.Linear(size, EXPANSION * size, bias=bias),
                "c_proj": nn.Linear(EXPANSION * size, size, bias=bias),
            }
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.attn(self.ln_1(x)))
        return x + self.drop(self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x)))))


class Gpt(nn.Module):
    """Tokens [N T] to logits [N T V]: learned positions, norms before each branch, and the table of tokens as the last layer."""

    def __init__(self, context, classes, width=768, layers=12, heads=12, dropout=0.0, bias=True, tied=True):
        super().__init__()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(classes, width),
                "wpe": nn.Embedding(context, width),
                "h": nn.ModuleList([Block(width, heads, dropout, bias) for _ in range(layers)]),
                "ln_f": nn.LayerNorm(width, EPSILON, bias=bias),
            }
        )
        self.drop = nn.Dropout(dropout)
        self.lm_head = None if tied else nn.Linear(width, classes, bias=False)
        for name, module in self.named_modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                last = name.endswith("c_proj")
                nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * layers) if last else 0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, tokens):
        parts = self.transformer
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.drop(parts["wte"](tokens) + parts["wpe"](places))
        for block in parts["h"]:
            x = block(x)
        head = parts["wte"] if self.lm_head is None else self.lm_head
        return F.linear(parts["ln_f"](x), head.weight)
