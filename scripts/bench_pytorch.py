"""The PyTorch side of `fsam bench`: the same training step as a careful PyTorch user writes it.

    python scripts/bench_pytorch.py --optimizer fsam --batch 128 --modes default,channels_last,compile

Prints one JSON object a line, one for each mode:
    default         contiguous NCHW tensors, as a program that asks for nothing gets them
    channels_last   model and images in PyTorch's NHWC memory format
    compile         channels_last, and the model through torch.compile (needs a C++ compiler on a CPU)
Each mode runs in a process of its own, so that its peak memory is its own. Needs torch and nothing else:
    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch

Where there was a choice it is the one that favours PyTorch: by default the images are normalised floats that are on the device
already (`--augment` crops, flips, normalises and cuts out in every step, as fsam always does), no accuracy or norm is reported,
and the base optimizer is the fused one.
"""

import argparse
import contextlib
import json
import math
import resource
import statistics
import subprocess
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("torch is not installed for this Python; `pip install torch` in a virtual environment gets it")
from torch import nn
from torch.nn import functional as F

MODES = ("default", "channels_last", "compile")
OPTIMIZERS = ("sgd", "adamw", "sam", "asam", "fsam", "fasam")
# The recipe for CIFAR; AdamW's rate and decay are those usual for it.
MOMENTUM, RHO, ADAPTIVE_RHO, SIGMA, LAMBDA, TINY = 0.9, 0.2, 0.5, 1.0, 0.6, 1e-12
RATE = {"sgd": 0.05, "adamw": 1e-3}
DECAY = {"sgd": 1e-3, "adamw": 0.05}
CROP_PADDING, CUTOUT = 4, 16
WAITING_BATCHES = 4


class BasicBlock(nn.Module):
    """relu(F(x) + shortcut(x)) with F = conv, bn, relu, conv, bn."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.residual_function = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.residual_function(x) + self.shortcut(x), inplace=True)


class ResNet18(nn.Module):
    """ResNet-18 for small images: 3x3 stem, no max-pooling, strides 1 2 2 2. Images [N C H W] to logits [N K]."""

    def __init__(self, classes=10, width=64, channels=3):
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.conv2_x = nn.Sequential(BasicBlock(width, width, 1), BasicBlock(width, width, 1))
        self.conv3_x = nn.Sequential(BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width, 1))
        self.conv4_x = nn.Sequential(BasicBlock(2 * width, 4 * width, 2), BasicBlock(4 * width, 4 * width, 1))
        self.conv5_x = nn.Sequential(BasicBlock(4 * width, 8 * width, 2), BasicBlock(8 * width, 8 * width, 1))
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


MODELS = {"resnet18": ResNet18}


class TrainingStep:
    """One step of SGD or AdamW, alone or under SAM, ASAM, F-SAM or F-ASAM. Called with a batch; returns the loss at w."""

    def __init__(self, model, optimizer, base="sgd", autocast=None):
        self.model = model
        self.autocast = autocast or contextlib.nullcontext()
        self.parameters = list(model.parameters())
        self.norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        self.climbs = optimizer not in ("sgd", "adamw")
        self.friendly = optimizer in ("fsam", "fasam")
        self.adaptive = optimizer in ("asam", "fasam")
        self.rho = ADAPTIVE_RHO if self.adaptive else RHO
        self.ema = None
        self.saved = [torch.empty_like(p) for p in self.parameters] if self.climbs else []
        name = base if self.climbs else optimizer
        settings = {"lr": RATE[name], "weight_decay": DECAY[name], "fused": True}
        if name == "sgd":
            self.base = torch.optim.SGD(self.parameters, momentum=MOMENTUM, **settings)
        else:
            self.base = torch.optim.AdamW(self.parameters, **settings)

    def __call__(self, images, labels):
        loss = self.gradient(images, labels)
        if self.climbs:
            with torch.no_grad():
                torch._foreach_copy_(self.saved, self.parameters)
                torch._foreach_add_(self.parameters, self.perturbation())
            # The running statistics are those of the first pass.
            self.track_statistics(False)
            self.gradient(images, labels)
            self.track_statistics(True)
            with torch.no_grad():
                torch._foreach_copy_(self.parameters, self.saved)
        self.base.step()
        return loss

    def gradient(self, images, labels):
        self.base.zero_grad(set_to_none=True)
        with self.autocast:
            loss = F.cross_entropy(self.model(images), labels)
        loss.backward()
        return loss.detach()

    def perturbation(self):
        """eps: rho along d, one global norm over all parameters."""
        d = self.direction([p.grad for p in self.parameters])
        if not self.adaptive:
            return torch._foreach_mul(d, self.rho / (total_norm(d) + TINY))
        relative = torch._foreach_mul(torch._foreach_abs(self.parameters), d)
        along = torch._foreach_mul(torch._foreach_mul(self.parameters, self.parameters), d)
        return torch._foreach_mul(along, self.rho / (total_norm(relative) + TINY))

    def direction(self, g):
        """SAM: g. F-SAM: g less the old EMA of gradients; the first step sets the EMA and climbs along g."""
        if not self.friendly:
            return g
        if self.ema is None:
            self.ema = [gradient.clone() for gradient in g]
            return g
        d = torch._foreach_sub(g, self.ema, alpha=SIGMA)
        torch._foreach_lerp_(self.ema, g, 1 - LAMBDA)
        return d

    def track_statistics(self, tracked):
        for norm in self.norms:
            norm.track_running_stats = tracked


def total_norm(tensors):
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))


def normalised_batches(options):
    """Endless batches that are ready to use: normalised images [B C H W] and labels [B]."""
    shape = (options.batch, options.channels, options.height, options.height)
    images = [torch.randn(shape, device=options.device) for _ in range(WAITING_BATCHES)]
    if options.mode != "default":
        images = [batch.to(memory_format=torch.channels_last) for batch in images]
    labels = [torch.randint(options.classes, shape[:1], device=options.device) for _ in images]
    while True:
        yield from zip(images, labels)


def augmented_batches(options):
    """Endless batches from uint8 images [M C H W] on the device: crop, flip, scale, normalise, Cutout."""
    size, batch, device = options.height, options.batch, options.device
    data = torch.randint(256, (WAITING_BATCHES * batch, options.channels, size, size), dtype=torch.uint8, device=device)
    padded = F.pad(data, (CROP_PADDING,) * 4)
    labels = torch.randint(options.classes, (len(data),), device=device)
    along = torch.arange(size, device=device)
    draw = lambda low, high: torch.randint(low, high, (batch, 1), device=device)
    while True:
        chosen = torch.randint(len(data), (batch,), device=device)
        rows = draw(0, 2 * CROP_PADDING + 1) + along
        columns = draw(0, 2 * CROP_PADDING + 1) + torch.where(draw(0, 2) == 1, along.flip(0), along)
        # Indices on both sides of a slice: the gathered axes come first, [B H W C], which is channels_last when permuted.
        pixels = padded[chosen[:, None, None], :, rows[:, :, None], columns[:, None, :]]
        images = pixels.permute(0, 3, 1, 2).float().div_(255).sub_(0.5).div_(0.25)
        top, left = draw(-CUTOUT // 2, size - CUTOUT // 2), draw(-CUTOUT // 2, size - CUTOUT // 2)
        in_rows = (along >= top) & (along < top + CUTOUT) & (draw(0, 2) == 1)
        in_columns = (along >= left) & (along < left + CUTOUT)
        images.masked_fill_((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0)
        yield images.contiguous() if options.mode == "default" else images, labels[chosen]


def measure(options):
    """Runs warm-up and measured steps of one mode; returns what is printed."""
    torch.manual_seed(1)
    model = MODELS[options.model](options.classes, options.width, options.channels).to(options.device).train()
    if options.mode != "default":
        model = model.to(memory_format=torch.channels_last)
    if options.mode == "compile":
        model = torch.compile(model)
    autocast = None
    if options.precision == "bfloat16":
        autocast = torch.autocast(options.device.split(":")[0], dtype=torch.bfloat16)
    step = TrainingStep(model, options.optimizer, options.base, autocast)
    batches = augmented_batches(options) if options.augment else normalised_batches(options)
    losses, milliseconds = [], []
    for _ in range(options.warmup + options.steps):
        start = time.perf_counter()
        # Fetching the loss waits for the step's end on a GPU, too; fsam's step does the same.
        losses.append(step(*next(batches)).item())
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()
        milliseconds.append(1000 * (time.perf_counter() - start))
    measured = sorted(milliseconds[options.warmup :])
    median = statistics.median(measured)
    # The kernel counts kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return {
        "mode": options.mode,
        "ms_median": round(median, 3),
        "ms_min": round(measured[0], 3),
        "ms_p90": round(measured[math.ceil(0.9 * (len(measured) - 1))], 3),
        "images_per_second": round(1000 * options.batch / median, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1),
        "losses": [round(loss, 6) for loss in losses[:5]],
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if options.device.startswith("cuda") else "cpu",
    }


def run_mode(options):
    try:
        return measure(options)
    except Exception as error:  # torch.compile fails in many ways; each is a reason, not a crash.
        if options.mode != "compile":
            raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        return {"mode": options.mode, "skipped": reason[0]}


def parse():
    count = lambda text: int(text) if int(text) > 0 else parser.error(f"got {text}, wanted a whole number above 0")
    parser = argparse.ArgumentParser(description="Times PyTorch training steps; one JSON object for each mode.")
    parser.add_argument("--model", choices=MODELS, default="resnet18")
    parser.add_argument("--width", type=count, default=64, help="channels of the first stage")
    parser.add_argument("--classes", type=count, default=100)
    parser.add_argument("--height", type=count, default=32, help="height and width of an image")
    parser.add_argument("--channels", type=count, default=3, help="of an image")
    parser.add_argument("--batch", type=count, default=128)
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="fsam")
    parser.add_argument("--base", choices=tuple(RATE), default="sgd", help="base optimizer of the SAM family")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="bfloat16: autocast")
    parser.add_argument("--augment", action="store_true", help="augment in every step, from uint8 images")
    parser.add_argument("--steps", type=count, default=10, help="measured steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    parser.add_argument("--modes", default=",".join(MODES), help="comma-separated")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    for mode in options.modes:
        if mode not in MODES:
            parser.error(f"--modes: got {mode}, wanted some of {', '.join(MODES)}")
    return options


def main():
    options = parse()
    if len(options.modes) == 1:
        options.mode = options.modes[0]
        print(json.dumps(run_mode(options)), flush=True)
        return
    for mode in options.modes:
        # The last --modes wins.
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--modes", mode], check=True)


if __name__ == "__main__":
    main()
