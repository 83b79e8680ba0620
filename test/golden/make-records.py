"""Shards of the golden pictures as others write them: TensorFlow 2.21 and the webdataset package 1.0.

    pip install tensorflow-cpu webdataset
    python test/golden/make-records.py

Writes test/golden/records: train-00000-of-00002, -00001-of-00002 (TensorFlow's script for ImageNet counts labels from
1 and names the synset), tfds.tfrecord-00000-of-00001 (the names of TensorFlow Datasets, labels from 0), and
pictures-train-000000.tar (webdataset's ShardWriter, labels from 0).
"""
import os
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import tensorflow as tf
import webdataset as wds

GOLDEN = Path(__file__).parent
OUT = GOLDEN / "records"
NAMES = ["420", "grey", "one-wide", "progressive"]
SYNSETS = ["n01440764", "n01443537", "n01484850", "n01491361"]
PICTURES = [(GOLDEN / "pictures" / f"{name}.jpg").read_bytes() for name in NAMES]


def text(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value if isinstance(value, bytes) else value.encode()]))


def number(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def example(features):
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


OUT.mkdir(exist_ok=True)
for shard in range(2):
    with tf.io.TFRecordWriter(str(OUT / f"train-{shard:05}-of-00002")) as writer:
        for i in range(shard, len(NAMES), 2):
            writer.write(
                example(
                    {
                        "image/class/label": number(i + 1),
                        "image/class/synset": text(SYNSETS[i]),
                        "image/class/text": text("a fish"),
                        "image/colorspace": text("RGB"),
                        "image/encoded": text(PICTURES[i]),
                        "image/filename": text(f"{SYNSETS[i]}_{i}.JPEG"),
                        "image/height": number(113),
                        "image/object/bbox/xmin": tf.train.Feature(float_list=tf.train.FloatList(value=[0.25, 0.5])),
                    }
                )
            )
with tf.io.TFRecordWriter(str(OUT / "tfds-train.tfrecord-00000-of-00001")) as writer:
    for i, picture in enumerate(PICTURES):
        writer.write(example({"image": text(picture), "label": number(i), "file_name": text(f"{SYNSETS[i]}_{i}.JPEG")}))
with wds.ShardWriter(str(OUT / "pictures-train-%06d.tar"), maxcount=100) as writer:
    for i, picture in enumerate(PICTURES):
        writer.write({"__key__": f"{SYNSETS[i]}_{i}", "jpg": picture, "cls": i})
