"""Small photographs-like pictures in every JPEG form met in ImageNet, and what Pillow makes of them.

    python make-pictures.py OUT      # Pillow 12.0 (horizontal pass first), numpy

Writes OUT/*.jpg and OUT/pictures.json: for each file size, mode, sha256 of the decoded RGB rows, and for boxes
[top, left, height, width] the sha256 of the box resized to 64x64 (bilinear, antialias: what torchvision's RandomResizedCrop
gives on a PIL image), with its mean; and of Resize(72) + CenterCrop(64). Pillow 13 resizes vertically first where height > out and
height - out > 2 (width - out), which moves single values by 1: not followed here.
"""
import hashlib, json, sys
import numpy as np
from PIL import Image, __version__ as pillow

def u(k, i):
    x = (np.uint64(2654435761) * i + np.uint64(0x9E3779B9) * np.uint64(k)) & np.uint64(0xFFFFFFFF)
    for s, m in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(s); x = (x * np.uint64(m)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return x / 2.0**32 - 0.5

def picture(k, w, h):
    y, x = np.mgrid[0:h, 0:w]
    out = np.zeros((h, w, 3))
    for c in range(3):
        f = u(k, np.arange(c * 8, c * 8 + 8, dtype=np.uint64))
        out[..., c] = 128 + 70 * np.sin(x * (0.02 + 0.2 * (f[0] + .5)) + 6 * f[1]) * np.cos(y * (0.02 + 0.2 * (f[2] + .5)) + 6 * f[3]) + 40 * ((x * (f[4] > 0) + y) % 37 < 9)
    out += 30 * u(k + 1, np.arange(out.size, dtype=np.uint64)).reshape(out.shape)
    return np.clip(out, 0, 255).astype(np.uint8)

sha = lambda a: hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()
out = sys.argv[1]
W, H = 150, 113
rgb = Image.fromarray(picture(7, W, H))
files = {}
def save(name, im, **k): im.save(f"{out}/{name}", "JPEG", quality=88, **k)
save("420.jpg", rgb, subsampling=2)
save("422.jpg", rgb, subsampling=1)
save("444.jpg", rgb, subsampling=0)
save("progressive.jpg", rgb, subsampling=2, progressive=True)
save("tall.jpg", Image.fromarray(picture(17, 61, 190)), subsampling=2)
save("wide.jpg", Image.fromarray(picture(27, 201, 40)), subsampling=2)
save("grey.jpg", Image.fromarray(picture(37, W, H)).convert("L"))
save("cmyk.jpg", Image.fromarray(picture(47, W, H)).convert("CMYK"))
exif = Image.Exif(); exif[0x0112] = 6
save("rotated-exif.jpg", rgb, subsampling=2, exif=exif)
save("one-wide.jpg", Image.fromarray(picture(57, 1, 90)), subsampling=2)
Image.fromarray(picture(67, W, H)).save(f"{out}/png-named.jpg", "PNG")
a = np.dstack([picture(77, W, H), np.full((H, W), 200, np.uint8)])
Image.fromarray(a, "RGBA").save(f"{out}/png-alpha-named.jpg", "PNG")
# Four inks, black among them, which Pillow's own conversion to CMYK leaves out; without Adobe's marker; and said to be YCCK.
inks = Image.fromarray(np.dstack([picture(87 + k, W, H)[..., 0] for k in range(4)]), "CMYK")
save("inks.jpg", inks, subsampling=2)
data = open(f"{out}/inks.jpg", "rb").read(); at = data.index(b"Adobe") - 4
open(f"{out}/inks-unmarked.jpg", "wb").write(data[:at] + data[at + 16:])
open(f"{out}/inks-transformed.jpg", "wb").write(data[:at + 15] + b"\x02" + data[at + 16:])
names = ["420", "422", "444", "progressive", "tall", "wide", "grey", "cmyk", "rotated-exif", "one-wide", "png-named", "png-alpha-named", "inks", "inks-unmarked", "inks-transformed"]
rng = np.random.default_rng(5)
report = {"pillow": pillow, "output": 64, "files": []}
for n in names:
    im = Image.open(f"{out}/{n}.jpg"); mode = im.mode; im = im.convert("RGB"); w, h = im.size
    e = {"file": n + ".jpg", "mode": mode, "width": w, "height": h, "rgb": sha(np.asarray(im)), "boxes": []}
    boxes = [[0, 0, h, w]]
    for _ in range(5):
        bh, bw = int(rng.integers(1, h + 1)), int(rng.integers(1, w + 1))
        boxes.append([int(rng.integers(0, h - bh + 1)), int(rng.integers(0, w - bw + 1)), bh, bw])
    for t, l, bh, bw in boxes:
        box = im.crop((l, t, l + bw, t + bh))
        r = np.asarray(box.resize((64, 64), Image.Resampling.BILINEAR))
        e["boxes"].append({"box": [t, l, bh, bw], "sha256": sha(r), "mean": round(float(r.mean()), 6)})
    s = 72 / min(w, h); nw, nh = (72, int(72 * h / w)) if w <= h else (int(72 * w / h), 72)
    r = im.resize((nw, nh), Image.Resampling.BILINEAR); t, l = int(round((nh - 64) / 2.0)), int(round((nw - 64) / 2.0))
    c = np.asarray(r.crop((l, t, l + 64, t + 64)))
    e["evaluation"] = {"resized": [nh, nw], "sha256": sha(c), "mean": round(float(c.mean()), 6)}
    report["files"].append(e)
json.dump(report, open(f"{out}/pictures.json", "w"), indent=1)
print(pillow, len(report["files"]))
