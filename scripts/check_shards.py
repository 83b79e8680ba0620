"""Reads shards that fsam wrote with Python's tensorflow or webdataset, and compares them with the class folders they are of.

    pip install tensorflow-cpu webdataset
    fsam data shard --from FOLDER --to SHARDS --format tfrecord --shards 4
    python scripts/check_shards.py FOLDER SHARDS

Every picture must be there once, in the right split, with its bytes and its label; prints how many were compared, or
what differs first, and exits with 1.
"""

import glob
import hashlib
import os
import sys

SPLITS = {"train": ["train"], "validation": ["val", "validation"]}


def digest(picture):
    return hashlib.sha256(picture).hexdigest()


def in_folders(folder, names):
    """(label, digest) of every picture, sorted."""
    root = next((p for p in (os.path.join(folder, name) for name in names) if os.path.isdir(p)), None)
    if root is None:
        return []
    classes = sorted(os.listdir(os.path.join(folder, "train")))
    paths = glob.glob(os.path.join(root, "*", "*"))
    return sorted((classes.index(path.split(os.sep)[-2]), digest(open(path, "rb").read())) for path in paths)


def in_tfrecords(paths):
    import tensorflow as tf

    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/class/label": tf.io.FixedLenFeature([], tf.int64),
        "image/height": tf.io.FixedLenFeature([], tf.int64),
        "image/width": tf.io.FixedLenFeature([], tf.int64),
    }
    records = []
    for raw in tf.data.TFRecordDataset(paths):
        example = tf.io.parse_single_example(raw, features)
        picture = example["image/encoded"]
        size = (int(example["image/height"]), int(example["image/width"]))
        assert tf.io.decode_image(picture).shape[:2] == size, "image/height or image/width is wrong"
        records.append((int(example["image/class/label"]), digest(picture.numpy())))
    return sorted(records)


def in_archives(paths):
    import webdataset as wds

    samples = wds.WebDataset(paths, shardshuffle=False)
    return sorted(
        (int(sample["cls"]), digest(sample["jpg"] if "jpg" in sample else sample["png"])) for sample in samples
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, shards = sys.argv[1:]
    for split, names in SPLITS.items():
        wanted = in_folders(folder, names)
        paths = sorted(glob.glob(os.path.join(shards, f"{split}-*-of-*")))
        if not wanted and not paths:
            continue
        found = in_archives(paths) if paths and paths[0].endswith(".tar") else in_tfrecords(paths)
        if found != wanted:
            first = next((pair for pair in zip(found, wanted) if pair[0] != pair[1]), None)
            sys.exit(f"{split}: {len(found)} records, wanted {len(wanted)}; first difference: {first}")
        print(f"{split}: {len(found)} records in {len(paths)} shards agree")


main()
