"""The torchvision side of `fsam bench --data-only`: the same pictures, boxes and flips through a DataLoader.

    python scripts/bench_torchvision.py --pictures list.json --batch 256 --warmup 3 --workers 2 --modes v2,pil

The list is fsam's: {"side": 224, "pictures": [[file, offset, length, top, left, height, width, flip], ...]}, in the order in
which training reads them. Prints one JSON object a line, one for each mode:
    v2     torchvision.io decodes to tensors, transforms v2 crop, resize (antialias) and flip them
    pil    Pillow decodes, crops, resizes and flips, as torchvision's ImageFolder has it
Both end in batches of uint8 tensors. Needs torch and torchvision, and nothing else:
    python3 -m venv .venv-torch && .venv-torch/bin/pip install torch torchvision

Where there was a choice it is the one that favours torchvision: boxes are drawn before, a picture is one read from its place,
and pixels are neither made floats nor normalised.
"""

import argparse
import io
import itertools
import json
import sys
import time

try:
    import PIL
    import torch
    import torchvision
except ImportError as error:
    sys.exit(f"{error}; `pip install torch torchvision` in a virtual environment gets them")
from PIL import Image
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.v2 import functional as F2

from pytorch import command


def read(file, offset, length):
    with open(file, "rb", buffering=0) as opened:
        opened.seek(offset)
        data = bytearray(length)
        if opened.readinto(data) != length:
            raise OSError(f"{file}: ends before byte {offset + length}")
    return data


def by_v2(data, box, side, flip):
    image = decode_image(torch.frombuffer(data, dtype=torch.uint8), ImageReadMode.RGB)
    image = F2.resized_crop(image, *box, [side, side], InterpolationMode.BILINEAR, antialias=True)
    return F2.horizontal_flip(image) if flip else image


def by_pil(data, box, side, flip):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image = F.resized_crop(image, *box, [side, side], InterpolationMode.BILINEAR)
    return F.pil_to_tensor(F.hflip(image) if flip else image)


MODES = {"v2": by_v2, "pil": by_pil}


class Pictures(torch.utils.data.Dataset):
    def __init__(self, pictures, side, make):
        self.pictures, self.side, self.make = pictures, side, make

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        *place, top, left, height, width, flip = self.pictures[index]
        return self.make(read(*place), (top, left, height, width), self.side, flip)


def measure(mode, options):
    """Images a second over all batches behind those of the warm-up."""
    with open(options.pictures, encoding="utf-8") as file:
        asked = json.load(file)
    dataset = Pictures(asked["pictures"], asked["side"], MODES[mode])
    loader = torch.utils.data.DataLoader(dataset, options.batch, num_workers=options.workers)
    batches = iter(loader)
    for _ in itertools.islice(batches, options.warmup):
        pass
    start, images = time.perf_counter(), 0
    for batch in batches:
        images += len(batch)
    return {
        "mode": mode,
        "images_per_second": images / (time.perf_counter() - start),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
    }


def parse():
    parser = argparse.ArgumentParser(description="Times torchvision's ways to read pictures; one JSON object for each.")
    parser.add_argument("--pictures", required=True, help="list of what is read and made of it, as fsam writes it")
    parser.add_argument("--batch", type=int, required=True, help="pictures of a batch")
    parser.add_argument("--warmup", type=int, default=3, help="batches before those that are measured")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    command.add_options(parser, MODES)
    return command.parse(parser, MODES)


def main():
    options = parse()
    for mode in options.modes:
        print(json.dumps(measure(mode, options)), flush=True)


if __name__ == "__main__":
    main()
