"""Makes resize.json: what Pillow's bilinear resize gives of images made by the formula of README.md. Needs Pillow and numpy.

Pixel i of image k is floor(256 (u(k, i) + 1/2)), in the order [H W C].
"""

import base64
import json
import pathlib

import numpy as np
from PIL import Image


def pixels(stream, side):
    x = np.arange(side * side * 3, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(stream * 0x9E3779B9 % 2**32)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    u = (x ^ (x >> np.uint32(16))) / 2**32
    return np.floor(256 * u).astype(np.uint8).reshape(side, side, 3)


def case(stream, side, to, every):
    """Every `every`-th byte of the enlarged image."""
    large = np.asarray(Image.fromarray(pixels(stream, side)).resize((to, to), Image.Resampling.BILINEAR))
    return {"image": stream, "from": side, "to": to, "every": every,
            "bytes": base64.b64encode(large.reshape(-1)[::every].tobytes()).decode()}  # fmt: skip


cases = [case(1, 5, 12, 1), case(2, 8, 56, 5), case(3, 32, 224, 101), case(4, 7, 7, 1), case(5, 9, 10, 1)]
path = pathlib.Path(__file__).with_name("resize.json")
path.write_text(json.dumps({"pillow": Image.__version__, "cases": cases}, indent=1) + "\n")
