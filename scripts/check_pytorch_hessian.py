"""Checks the largest eigenvalues that `fsam analyze hessian` gives against PyTorch and another eigensolver.

    bin/fsam train --config quickstart --out RUN
    bin/fsam analyze hessian --run RUN
    python scripts/check_pytorch_hessian.py RUN --data data/fashion-mnist-tiny

RUN is a run of a resnet18 on a set of IDX files, small enough that all of its training images are the sample, without label noise.
This script loads its newest checkpoint into the ResNet-18 of pytorch/networks.py, multiplies by the Hessian of the mean loss over all
images by double backward, in float64, and hands that to SciPy's ARPACK. Exits with 0 where every eigenvalue agrees within 0.1 %.
Needs PyTorch and three small packages: pip install torch numpy scipy safetensors
"""

import argparse
import csv
import gzip
import pathlib
import sys
import time

try:
    import numpy as np
    import torch
    from scipy.sparse.linalg import LinearOperator, eigsh
except ImportError as error:
    sys.exit(f"{error.name} is not installed for this Python; in a virtual environment: pip install torch numpy scipy safetensors")

from check_pytorch_weights import find_checkpoint, load_model

TOLERANCE = 1e-3
# Of Fashion-MNIST: those that fsam normalises by.
MEAN, STD = 0.286, 0.353


def read_idx(path):
    with gzip.open(path) as file:
        raw = file.read()
    dimensions = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def wanted(run):
    """The eigenvalues of the Hessian over the largest sample that hessian.csv has, largest first, and how many images that was."""
    with open(run / "analysis" / "hessian.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["matrix"] == "hessian" and row["quantity"] == "eigenvalue" and row["name"].startswith("top ")]
    samples = max(int(row["samples"]) for row in rows)
    return [float(row["value"]) for row in rows if int(row["samples"]) == samples], samples


class Hessian:
    """Of the mean loss over all images, as a function of vectors; counts its products."""

    def __init__(self, model, images, labels, batch):
        self.model, self.batches = model.double(), list(zip(images.split(batch), labels.split(batch)))
        self.total, self.products = len(labels), 0
        self.parameters = list(model.parameters())
        self.size = sum(p.numel() for p in self.parameters)

    def times(self, vector):
        self.products += 1
        if self.products % 10 == 0:
            print(f"{self.products} products", file=sys.stderr, flush=True)
        v = torch.from_numpy(np.ascontiguousarray(vector).reshape(-1))
        result = torch.zeros(self.size, dtype=torch.float64)
        for images, labels in self.batches:
            loss = torch.nn.functional.cross_entropy(self.model(images), labels)
            gradient = torch.autograd.grad(loss, self.parameters, create_graph=True)
            flat = torch.cat([g.reshape(-1) for g in gradient])
            product = torch.autograd.grad(flat @ v, self.parameters)
            result += len(labels) / self.total * torch.cat([p.reshape(-1) for p in product])
        return result.numpy()


def main():
    parser = argparse.ArgumentParser(description="Checks the eigenvalues of `fsam analyze hessian` against PyTorch.")
    parser.add_argument("run", type=pathlib.Path, help="run folder, with its analysis")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of train-images-idx3-ubyte.gz and its labels")
    parser.add_argument("--batch", type=int, default=250, help="images a batch")
    options = parser.parse_args()

    values, samples = wanted(options.run)
    images = read_idx(options.data / "train-images-idx3-ubyte.gz")
    labels = torch.from_numpy(read_idx(options.data / "train-labels-idx1-ubyte.gz").astype(np.int64))
    if len(labels) != samples:
        sys.exit(f"{options.data}: has {len(labels)} images, the analysis took {samples}: wanted all of them, by --samples {len(labels)}")
    pixels = (torch.from_numpy(images.astype(np.float64))[:, None] / 255 - MEAN) / STD
    hessian = Hessian(load_model(find_checkpoint(options.run)), pixels, labels, options.batch)
    start = time.time()
    operator = LinearOperator((hessian.size, hessian.size), matvec=hessian.times, dtype=np.float64)
    found = np.sort(eigsh(operator, k=len(values), which="LA", tol=1e-6, return_eigenvectors=False))[::-1]
    print(f"{hessian.products} products over {samples} images in {time.time() - start:.0f} s")
    differences = [abs(a - b) / abs(b) for a, b in zip(values, found)]
    for i, (ours, theirs, difference) in enumerate(zip(values, found, differences)):
        print(f"top {i + 1}  fsam {ours:.7g}  PyTorch {theirs:.7g}  relative difference {difference:.1e}")
    agrees = max(differences) <= TOLERANCE
    print("the same eigenvalues" if agrees else "NOT the same eigenvalues")
    sys.exit(0 if agrees else 1)


if __name__ == "__main__":
    main()
