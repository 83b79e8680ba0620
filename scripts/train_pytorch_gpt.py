"""The plain PyTorch twin of configs/moby-dick-gpt.yaml: what the same recipe comes to there.

    python scripts/train_pytorch_gpt.py --optimizer adamw --seed 1

Trains the network of scripts/pytorch/gpt.py by the rules of scripts/pytorch/step.py on the embedded text, as the configuration does
(windows from drawn places, warm-up and cosine, decay of tensors of two dimensions, clipping), and prints a line an epoch and one JSON
object at the end: loss in nats on the last tenth of the text, cut into windows side by side. The draws are PyTorch's own: what is
compared are losses, within the differences of seeds. Needs torch and nothing else.
"""

import argparse
import json
import math
import pathlib
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("torch is not installed for this Python; `pip install torch` in a virtual environment gets it")
from torch.nn import functional as F

from bench_pytorch import parser as step_parser
from pytorch.networks import build, parameter_count
from pytorch.step import TrainingStep

TEXT = pathlib.Path(__file__).parent.parent / "data" / "moby-dick" / "moby-dick.txt"
TEST_SHARE = 0.1
EVALUATION_BATCH = 60


def options_of():
    parser = argparse.ArgumentParser(description="Trains a small GPT on characters in PyTorch; one JSON object at the end.")
    parser.add_argument("--text", type=pathlib.Path, default=TEXT, help="UTF-8")
    parser.add_argument("--optimizer", choices=("adamw", "sam", "fsam"), default="adamw", help="sam and fsam over AdamW")
    parser.add_argument("--rho", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10, help="evaluations; each of 200 steps")
    parser.add_argument("--steps", type=int, default=200, help="of an epoch")
    parser.add_argument("--warmup", type=int, default=100, help="steps of warm-up")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--floor", type=float, default=0.1, help="share of the rate that the cosine goes down to")
    parser.add_argument("--threads", type=int)
    return parser.parse_args()


def tokens_of(path):
    """The text as numbers of its characters, in the order of Unicode [N], and how many there are."""
    text = path.read_text(encoding="utf-8-sig")
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    return torch.tensor([numbers[character] for character in text]), len(numbers)


def rate_at(step, options):
    total = options.epochs * options.steps
    if step < options.warmup:
        return options.learning_rate * (step + 1) / (options.warmup + 1)
    share = (step - options.warmup) / (total - options.warmup)
    return options.learning_rate * (options.floor + (1 - options.floor) * (1 + math.cos(math.pi * share)) / 2)


def windows(tokens, starts, context):
    """[B T], and the tokens [B T] after each."""
    rows = tokens[starts[:, None] + torch.arange(context + 1)]
    return rows[:, :-1], rows[:, 1:]


@torch.no_grad()
def evaluate(model, tokens, context):
    """The mean loss of a token, over windows side by side."""
    model.eval()
    starts = torch.arange((len(tokens) - 1) // context) * context
    total = 0.0
    for some in starts.split(EVALUATION_BATCH):
        inputs, targets = windows(tokens, some, context)
        total += F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction="sum").item()
    model.train()
    return total / (len(starts) * context)


def main():
    options = options_of()
    torch.manual_seed(options.seed)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    tokens, count = tokens_of(options.text)
    end = int(len(tokens) * (1 - TEST_SHARE))
    train, test = tokens[:end], tokens[end:]
    network = {"layers": options.layers, "heads": options.heads, "width": options.width}
    model = build("gpt", classes=count, context=options.context, **network).train()
    asked = f"--optimizer {options.optimizer} --base adamw --rho {options.rho} --decayed matrices --weight-decay 0.1"
    step = TrainingStep(model, step_parser().parse_args(f"{asked} --beta2 0.99 --clip-norm 1".split()))
    losses, began = [], time.perf_counter()
    for epoch in range(options.epochs):
        for number in range(epoch * options.steps, (epoch + 1) * options.steps):
            for group in step.base.param_groups:
                group["lr"] = rate_at(number, options)
            starts = torch.randint(len(train) - options.context, (options.batch,))
            step(*windows(train, starts, options.context))
        losses.append(evaluate(model, test, options.context))
        print(f"epoch {epoch + 1}/{options.epochs}  test {losses[-1]:.4f}", flush=True)
    told = {name: value for name, value in vars(options).items() if name != "text"}
    found = {"test_loss": losses[-1], "test_losses": losses, "parameters": parameter_count(model)}
    seconds = round(time.perf_counter() - began, 1)
    print(json.dumps({**told, **found, "seconds": seconds, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
