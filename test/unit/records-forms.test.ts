// The same pictures from every form that people hold them in: from TensorFlow, the webdataset package, and
// the system's tar.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { columnsOfSplit } from '../../src/data/records/record-index.js';
import { temporaryFolder } from '../support/folders.js';
import {
  contents,
  folderOf,
  goldenContents,
  goldenRecords,
  goldenTree,
  indexOf,
  picture,
  PICTURES,
  SYNSETS,
} from './records-support.js';

const tar = (...args: string[]): Buffer => execFileSync('tar', args);

/** ILSVRC2012_img_train.tar: an archive of an archive of each class. */
function classArchives(): { outer: string; inner: string } {
  const tree = goldenTree();
  const [outer, inner] = [temporaryFolder(), temporaryFolder()];
  mkdirSync(join(inner, 'train'));
  for (const synset of SYNSETS) {
    tar('cf', join(inner, 'train', `${synset}.tar`), '-C', join(tree, 'train', synset), '.');
  }
  tar('cf', join(outer, 'ILSVRC2012_img_train.tar'), '-C', join(inner, 'train'), '.');
  return { outer, inner };
}

const FORMS: [string, string, () => string][] = [
  ['class folders', 'class folders', goldenTree],
  [
    'TFRecords of TensorFlow',
    'TFRecord',
    () => goldenRecords('train-00000-of-00002', 'train-00001-of-00002'),
  ],
  [
    'TFRecords of TensorFlow Datasets',
    'TFRecord',
    () => goldenRecords('tfds-train.tfrecord-00000-of-00001'),
  ],
  ['archives of webdataset', 'WebDataset', () => goldenRecords('pictures-train-000000.tar')],
  ['ILSVRC2012_img_train.tar', 'class archives', () => classArchives().outer],
  ['that archive unpacked once', 'class archives', () => classArchives().inner],
];

it.each(FORMS)('reads %s', async (_, form, make) => {
  const { train, test, classes } = await indexOf(make());
  expect(train.form).toBe(form);
  expect(test).toBeNull();
  expect(classes).toBe(4);
  expect(contents(train)).toEqual(goldenContents());
  const { width, height, components, kind } = columnsOfSplit(train);
  expect([...width]).toEqual([150, 150, 1, 150]);
  expect([...height]).toEqual([113, 113, 90, 113]);
  expect([...components]).toEqual([3, 1, 3, 3]);
  expect([...kind]).toEqual([1, 1, 1, 1]);
});

describe('archives of the system tar', () => {
  const long = `${'folder/'.repeat(20)}${'long-name-'.repeat(9)}`;
  it.each(['ustar', 'pax', 'gnu', 'v7'])('reads %s', async (format) => {
    // Neither ustar nor v7 has room for names of more than 255 and 100 bytes.
    const key = { ustar: `${'folder/'.repeat(20)}key`, v7: 'key' }[format] ?? long;
    const tree = folderOf({ [`${key}.png`]: picture('png-named.jpg'), [`${key}.cls`]: '0' });
    const folder = temporaryFolder();
    const options = ['--format', format, '--sort=name', '-C', tree];
    tar('cf', join(folder, 'x-train-0.tar'), ...options, '.');
    const { train } = await indexOf(folder);
    expect(contents(train)).toEqual([{ label: 0, bytes: picture('png-named.jpg') }]);
    expect([...columnsOfSplit(train).kind]).toEqual([2]);
  });

  it('reads labels from .json and .txt, names of classes, and other members beside', async () => {
    const tree = folderOf({
      'a.jpg': picture('420.jpg'),
      'a.json': '{"label": 1, "width": 150}',
      'a.txt': 'not looked at',
      'b.JPEG': picture('444.jpg'),
      'b.txt': '2\n',
      'c.jpeg': picture('422.jpg'),
      'c.seg.png': 'a mask',
      'c.cls': '0',
    });
    const folder = temporaryFolder();
    const names = ['a.jpg', 'a.json', 'a.txt', 'b.JPEG', 'b.txt', 'c.jpeg', 'c.seg.png', 'c.cls'];
    tar('cf', join(folder, 'train-0000.tar'), '-C', tree, ...names);
    const wanted = ['422.jpg', '420.jpg', '444.jpg'].map((name, label) => ({
      label,
      bytes: picture(name),
    }));
    expect(contents((await indexOf(folder)).train)).toEqual(wanted);

    writeFileSync(join(tree, 'a.json'), '{"class_name": "n02"}');
    writeFileSync(join(tree, 'b.txt'), 'n03');
    writeFileSync(join(tree, 'c.cls'), 'n01');
    tar('cf', join(folder, 'train-0000.tar'), '-C', tree, ...names);
    const { train, classNames } = await indexOf(folder);
    expect(classNames).toEqual(['n01', 'n02', 'n03']);
    expect(contents(train)).toEqual(wanted);
  });
});

describe('validation', () => {
  it('is read beside train, by folders of classes', async () => {
    const tree = goldenTree();
    mkdirSync(join(tree, 'val', SYNSETS[2]!), { recursive: true });
    writeFileSync(
      join(tree, 'val', SYNSETS[2]!, 'ILSVRC2012_val_00000001.JPEG'),
      picture('444.jpg'),
    );
    const { test } = await indexOf(tree);
    expect(contents(test!)).toEqual([{ label: 2, bytes: picture('444.jpg') }]);
  });

  it.each([
    ['imagenet_2012_validation_synset_labels.txt', `${SYNSETS[3]!}\n${SYNSETS[1]!}\n`],
    [
      'LOC_val_solution.csv',
      `ImageId,PredictionString\nILSVRC2012_val_00000002,${SYNSETS[1]!} 1 2 3 4\nILSVRC2012_val_00000001,${SYNSETS[3]!} 1 2 3 4 \n`,
    ],
  ])('takes the classes of pictures without folders from %s', async (name, text) => {
    const { outer } = classArchives();
    const pictures = folderOf({
      'ILSVRC2012_val_00000001.JPEG': picture('444.jpg'),
      'ILSVRC2012_val_00000002.JPEG': picture('422.jpg'),
    });
    writeFileSync(join(outer, name), text);
    const wanted = [
      { label: 1, bytes: picture('422.jpg') },
      { label: 3, bytes: picture('444.jpg') },
    ];
    tar('cf', join(outer, 'ILSVRC2012_img_val.tar'), '-C', pictures, '.');
    const archive = await indexOf(outer);
    expect(contents(archive.test!)).toEqual(wanted);
    expect(archive.notes).toEqual([`labels: the pictures' classes as in ${join(outer, name)}`]);
    renameSync(join(outer, 'ILSVRC2012_img_val.tar'), join(outer, 'away'));
    renameSync(pictures, join(outer, 'val'));
    mkdirSync(pictures);
    expect(contents((await indexOf(outer)).test!)).toEqual(wanted);
  });
});

describe('labels', () => {
  it('counts from 0 what counts from 1, and says so', async () => {
    const shards = ['train-00000-of-00002', 'train-00001-of-00002'];
    const folder = goldenRecords(...shards);
    const { notes } = await indexOf(folder);
    expect(notes).toEqual([
      `labels: the numbers in ${join(folder, shards[0]!)} count from 1; their names counted from 0 instead`,
    ]);
  });

  /** Archives of one grey picture for each label. */
  function numbered(...labels: (number | string)[]): string {
    const tree = folderOf(
      Object.fromEntries(
        labels.flatMap((label, i) => [
          [`${i}.jpg`, picture('grey.jpg')],
          [`${i}.cls`, String(label)],
        ]),
      ),
    );
    const folder = temporaryFolder();
    tar('cf', join(folder, 'train-0.tar'), '--sort=name', '-C', tree, '.');
    return folder;
  }
  const labelsOf = async (folder: string, classFile?: string) => {
    const { train, classes, notes } = await indexOf(folder, { classFile: classFile ?? null });
    return { labels: [...columnsOfSplit(train).label], classes, notes: notes.length };
  };

  it('takes numbers as they are, unless all from 1 occur', async () => {
    expect(await labelsOf(numbered(0, 2))).toEqual({ labels: [0, 2], classes: 3, notes: 0 });
    expect(await labelsOf(numbered(1, 3))).toEqual({ labels: [1, 3], classes: 4, notes: 0 });
    expect(await labelsOf(numbered(2, 1))).toEqual({ labels: [0, 1], classes: 2, notes: 1 });
  });

  it('takes the number of classes, and their order, from a list', async () => {
    const folder = numbered(1, 2);
    writeFileSync(join(folder, 'classes.txt'), 'cat\ndog\nfrog\n');
    expect(await labelsOf(folder)).toEqual({ labels: [1, 2], classes: 3, notes: 1 });
    const named = join(folder, 'two');
    writeFileSync(named, 'cat\r\ndog\r\n');
    expect(await labelsOf(folder, named)).toEqual({ labels: [0, 1], classes: 2, notes: 2 });

    const tree = goldenTree();
    const lines = SYNSETS.toReversed().map((synset) => `${synset} some fish, or another`);
    writeFileSync(join(tree, 'LOC_synset_mapping.txt'), lines.join('\n'));
    const { train, classNames } = await indexOf(tree);
    expect(classNames).toEqual(SYNSETS.toReversed());
    expect(contents(train).map(({ bytes }) => bytes)).toEqual(
      PICTURES.toReversed().map((name) => picture(name)),
    );
  });
});
