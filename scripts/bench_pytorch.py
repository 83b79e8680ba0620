"""The PyTorch side of `fsam bench`: the same training step as a careful PyTorch user writes it.

    python scripts/bench_pytorch.py --model wrn-28-10 --optimizer fsam --batch 128 --modes default,channels_last

Takes every network of fsam (pytorch/networks.py) and every optimizer (pytorch/step.py). Prints one JSON object a
line, one for each mode:
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
import json
import os
import resource
import subprocess
import sys
import time

# Where fsam is held to AVX2, as a processor without AVX-512 has it, PyTorch is: its oneDNN reads this variable by itself,
# its own kernels and MKL are told before they load, torch.compile's kernels in `measure`.
AS_AVX2 = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() == "AVX2"
if AS_AVX2:
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx2")
    os.environ.setdefault("MKL_ENABLE_INSTRUCTIONS", "AVX2")

try:
    import torch
except ImportError:
    sys.exit("torch is not installed for this Python; `pip install torch` in a virtual environment gets it")
from torch.nn import functional as F

from pytorch import command
from pytorch.networks import build, parameter_count
from pytorch.step import BASES, OPTIMIZERS, TrainingStep

MODES = ("default", "channels_last", "compile")
MODEL_OPTIONS = ("width", "dropout", "drop_path", "stage_blocks", "block", "patch", "layers", "heads", "bias", "tied")
CROP_PADDING, CUTOUT = 4, 16
WAITING_BATCHES = 4


def normalised_batches(options):
    """Endless batches that are ready to use: normalised images [B C H W] and labels [B]."""
    shape = (options.batch, options.channels, options.height, options.height)
    images = [torch.randn(shape, device=options.device) for _ in range(WAITING_BATCHES)]
    if options.mode != "default":
        images = [batch.to(memory_format=torch.channels_last) for batch in images]
    labels = [torch.randint(options.classes, shape[:1], device=options.device) for _ in images]
    while True:
        yield from zip(images, labels)


def token_batches(options):
    """Endless batches of windows [B T], and of the tokens [B T] after each."""
    shape = (options.batch, options.context + 1)
    windows = [torch.randint(options.classes, shape, device=options.device) for _ in range(WAITING_BATCHES)]
    while True:
        yield from ((tokens[:, :-1], tokens[:, 1:]) for tokens in windows)


def batches_for(options):
    if options.context is not None:
        return token_batches(options)
    return augmented_batches(options) if options.augment else normalised_batches(options)


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


def network(options):
    chosen = {name: getattr(options, name) for name in MODEL_OPTIONS}
    model = build(
        options.model,
        classes=options.classes,
        channels=options.channels,
        height=options.height,
        context=options.context,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    count = parameter_count(model)
    if options.parameters not in (None, count):
        sys.exit(f"{options.model} has {count} parameters here, wanted {options.parameters}: not the same network")
    return model


def measure(options):
    """Runs warm-up and measured steps of one mode; returns what is printed."""
    torch.manual_seed(1)
    if options.device.startswith("cuda"):
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = not options.no_tf32
        # TensorFlow chooses cuDNN's kernels by trying them, too.
        torch.backends.cudnn.benchmark = True
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    model = network(options).to(options.device).train()
    if options.mode != "default":
        model = model.to(memory_format=torch.channels_last)
    if options.mode == "compile":
        if AS_AVX2:
            torch._inductor.config.cpp.simdlen = 256
        model = torch.compile(model)
    autocast = None
    if options.precision == "bfloat16":
        autocast = torch.autocast(options.device.split(":")[0], dtype=torch.bfloat16)
    step = TrainingStep(model, options, autocast)
    batches = batches_for(options)
    losses, milliseconds = [], []
    for _ in range(options.warmup + options.steps):
        start = time.perf_counter()
        # Fetching the loss waits for the step's end on a GPU, too; fsam's step does the same.
        losses.append(step(*next(batches)).item())
        if options.device.startswith("cuda"):
            torch.cuda.synchronize()
        milliseconds.append(1000 * (time.perf_counter() - start))
    # The kernel counts kilobytes on Linux, bytes on macOS.
    unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
    return {
        "mode": options.mode,
        "milliseconds": [round(step, 3) for step in milliseconds[options.warmup :]],
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1),
        "parameters": parameter_count(model),
        "losses": [round(loss, 6) for loss in losses[:5]],
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
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
        return {"mode": options.mode, "failure": reason[0]}


def count(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"got {text}, wanted a whole number above 0")
    return int(text)


def parser():
    parser = argparse.ArgumentParser(description="Times PyTorch training steps; one JSON object for each mode.")
    model = parser.add_argument_group("network")
    model.add_argument("--model", default="resnet18", help="any that `fsam models` lists")
    model.add_argument("--width", type=count, help="channels of the first stage; by default the published ones")
    model.add_argument("--dropout", type=float)
    model.add_argument("--drop-path", type=float)
    model.add_argument("--stage-blocks", choices=("code", "paper"), help="of a wide residual network")
    model.add_argument("--block", choices=("basic", "bottleneck"))
    for name in ("patch", "layers", "heads", "bias", "tied"):
        model.add_argument(f"--{name}", type=count)
    for name in ("bias", "tied"):
        model.add_argument(f"--no-{name}", dest=name, action="store_const", const=False)
    model.add_argument("--parameters", type=count, help="how many it must have, to be the same network")
    model.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="bfloat16: autocast")
    model.add_argument("--no-tf32", action="store_true", help="on a GPU, multiply float32 with all its bits")
    data = parser.add_argument_group("batch")
    data.add_argument("--classes", type=count, default=100)
    data.add_argument("--height", type=count, default=32, help="height and width of an image")
    data.add_argument("--channels", type=count, default=3, help="of an image")
    data.add_argument("--context", type=count, help="tokens of a window, in place of images")
    data.add_argument("--batch", type=count, default=128)
    data.add_argument("--micro-batches", type=count, default=1, help="parts a batch is cut into")
    data.add_argument("--augment", action="store_true", help="augment in every step, from uint8 images")
    optimizer = parser.add_argument_group("optimizer")
    optimizer.add_argument("--optimizer", choices=OPTIMIZERS, default="fsam")
    optimizer.add_argument("--base", choices=BASES, default="sgd", help="base optimizer of the SAM family")
    optimizer.add_argument("--rho", type=float)
    optimizer.add_argument("--sigma", type=float, default=1.0)
    optimizer.add_argument("--lambda", type=float, default=0.6, dest="decay")
    optimizer.add_argument("--ema-order", choices=("code", "paper"), default="code")
    optimizer.add_argument("--perturb", choices=("all", "norms", "no-norms"), default="all", help="what climbs")
    optimizer.add_argument("--rho-schedule", choices=("constant", "rate", "inverse-sqrt"), default="constant")
    optimizer.add_argument("--rho-min", type=float, default=0.0, help="what rho would be at a learning rate of 0")
    optimizer.add_argument("--theta", type=float, default=0.9, help="vasso: share of the new gradient")
    optimizer.add_argument("--alpha", type=float, default=0.4, help="gsam, looksam: share of the orthogonal part")
    optimizer.add_argument("--minimize", choices=("perturbed", "plain"), default="perturbed", help="gsam")
    optimizer.add_argument("--every", type=count, default=5, help="looksam: steps from one climb to the next")
    optimizer.add_argument("--learning-rate", type=float)
    optimizer.add_argument("--weight-decay", type=float)
    optimizer.add_argument("--decayed", choices=("all", "matrices"), default="all", help="matrices: of two or more dimensions")
    optimizer.add_argument("--momentum", type=float, default=0.9)
    optimizer.add_argument("--nesterov", action="store_true")
    optimizer.add_argument("--beta1", type=float, default=0.9)
    optimizer.add_argument("--beta2", type=float, default=0.999)
    optimizer.add_argument("--epsilon", type=float, default=1e-8)
    optimizer.add_argument("--clip-norm", type=float)
    optimizer.add_argument("--label-smoothing", type=float, default=0.0)
    optimizer.add_argument("--weight-average", type=float, help="decay of a moving average of the weights")
    parser.add_argument("--steps", type=count, default=10, help="measured steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=count, help="by default PyTorch's own choice")
    command.add_options(parser, MODES)
    return parser


def main():
    options = command.parse(parser(), MODES)
    if len(options.modes) == 1:
        options.mode = options.modes[0]
        print(json.dumps(run_mode(options)), flush=True)
        return
    for mode in options.modes:
        # The last --modes wins.
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--modes", mode], check=True)


if __name__ == "__main__":
    main()
