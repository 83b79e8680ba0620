"""Reads a run's TensorBoard event files with TensorBoard itself and holds them against its metrics.csv.

    bin/fsam train --config configs/smoke.yaml --set logging.tensorboard=true --out RUN
    python scripts/check_tensorboard.py RUN    (needs tensorboard)
"""

import csv
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

TAGS = {
    "learning_rate": "learning_rate",
    "train_loss": "train/loss",
    "train_accuracy": "train/accuracy",
    "train_accuracy_clean": "train/accuracy_clean",
    "perturbed_loss": "perturbed/loss",
    "perturbed_accuracy": "perturbed/accuracy",
    "test_loss": "test/loss",
    "test_accuracy": "test/accuracy",
    "best_test_accuracy": "test/best_accuracy",
    "gradient_norm": "train/gradient_norm",
    "perturbation_cosine": "perturbed/cosine",
}


def points(events, tag):
    """The curve `tag` as (epoch, value)."""
    if tag not in events.Tags()["scalars"]:
        return []
    return [(event.step, event.value) for event in events.Scalars(tag)]


def main():
    run = Path(sys.argv[1])
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    rows = list(csv.DictReader((run / "metrics.csv").open()))
    wrong = 0
    for column, tag in TAGS.items():
        wanted = [(int(row["epoch"]), float(row[column])) for row in rows if row[column] != ""]
        got = points(events, tag)
        right = len(got) == len(wanted) and all(
            a == b and abs(x - y) <= 1e-6 * max(1, abs(y)) for (a, x), (b, y) in zip(got, wanted)
        )
        wrong += not right
        print(f"{tag}: {len(got)} points, {'as in metrics.csv' if right else f'wanted {wanted}, got {got}'}")
    sys.exit(wrong > 0)


main()
