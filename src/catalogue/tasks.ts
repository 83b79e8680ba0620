// One row for each task: what is measured of it, in columns and in words, and what makes an epoch the
// best. How the numbers are computed stands in src/tasks.

/** A percentage is of what is measured, times 100; a perplexity e to the power of it. */
export type Unit = 'number' | 'percent' | 'perplexity';

/** What a network reads. */
export type Reads = 'images' | 'tokens';

/** What not every run has, and what is measured of it alone. */
export type Trait = 'climb' | 'labelNoise' | 'validation';

/** What some data sets have of an evaluation, and others not. */
export type DataSetTrait = 'topFive';

/** The column of what is descended, which every task has. */
export const TRAIN_LOSS = 'train_loss';

/** What a number of training steps is called. */
export interface TrainingWords {
  /** In sentences: `training loss`. */
  readonly name: string;
  /** In TensorBoard; what stands before the slash is its group on the console. */
  readonly tag: string;
  readonly unit: Unit;
  /** Whether the line of an epoch shows it. */
  readonly console: boolean;
  /** On the progress bar of an epoch, under this name: the mean so far. */
  readonly running?: string;
  /** Left out: every run has it. */
  readonly needs?: Trait;
}

interface EvaluationWords {
  /** In sentences; left out: as its column is called. */
  readonly name?: string;
  readonly unit: Unit;
  /** Of several: `accuracies`. */
  readonly plural: string;
  /** Left out: every data set of the task has it. */
  readonly of?: DataSetTrait;
  /** Left out: the line of an epoch shows it. */
  readonly console?: false;
  /** Whether reports tell it beside what runs are judged by. */
  readonly reported?: true;
}

/** T, E and S: the names of its measures. */
export interface TaskRow<
  T extends string = string,
  E extends string = string,
  S extends string = string,
> {
  readonly reads: Reads;
  /** What one is called that is learnt from; several of them. */
  readonly examples: string;
  /**
   * Of the passes of training steps, by column of metrics.csv, over the examples of an epoch.
   */
  readonly training: Readonly<Record<T | typeof TRAIN_LOSS, TrainingWords>>;
  /**
   * Of a whole set: `accuracy` has the columns `validation_accuracy` and `test_accuracy`, after those
   * of training. `train_accuracy`, where training measures it, is the same of its passes.
   */
  readonly evaluation: Readonly<Record<E, EvaluationWords>>;
  /** Of a training step as one thing, by column, over the steps of an epoch; the last columns. */
  readonly steps: Readonly<Record<S, TrainingWords>>;
  /** Of the validation set, or of the test set where there is none. */
  readonly best: { readonly measure: NoInfer<E>; readonly is: 'highest' | 'lowest' };
}

const task = <T extends string, E extends string, S extends string>(
  row: TaskRow<T, E, S>,
): TaskRow<T, E, S> => row;

/** What is descended, at w and at w + eps, whatever the task. */
const LOSSES = {
  [TRAIN_LOSS]: {
    name: 'training loss',
    tag: 'train/loss',
    unit: 'number',
    console: true,
    running: 'loss',
  },
  perturbed_loss: {
    name: 'perturbed loss',
    tag: 'perturbed/loss',
    unit: 'number',
    console: true,
    needs: 'climb',
  },
} as const satisfies Readonly<Record<string, TrainingWords>>;

/** Of a step, whatever the task. */
const STEPS = {
  gradient_norm: {
    name: 'gradient norm',
    tag: 'train/gradient_norm',
    unit: 'number',
    console: false,
  },
  perturbation_cosine: {
    name: 'perturbation cosine',
    tag: 'perturbed/cosine',
    unit: 'number',
    console: false,
    needs: 'climb',
  },
} as const satisfies Readonly<Record<string, TrainingWords>>;

export const TASKS = {
  classification: task({
    reads: 'images',
    examples: 'images',
    training: {
      [TRAIN_LOSS]: LOSSES[TRAIN_LOSS],
      // Against the labels trained on.
      train_accuracy: {
        name: 'training accuracy',
        tag: 'train/accuracy',
        unit: 'percent',
        console: true,
        running: 'accuracy',
      },
      // Against the labels before label noise.
      train_accuracy_clean: {
        name: 'training accuracy against the clean labels',
        tag: 'train/accuracy_clean',
        unit: 'percent',
        console: false,
        needs: 'labelNoise',
      },
      perturbed_loss: LOSSES.perturbed_loss,
      perturbed_accuracy: {
        name: 'perturbed accuracy',
        tag: 'perturbed/accuracy',
        unit: 'percent',
        console: true,
        needs: 'climb',
      },
    },
    evaluation: {
      loss: { unit: 'number', plural: 'losses' },
      accuracy: { unit: 'percent', plural: 'accuracies' },
      // The label is among the five likeliest classes.
      top5_accuracy: {
        name: 'top-5 accuracy',
        unit: 'percent',
        plural: 'top-5 accuracies',
        of: 'topFive',
        console: false,
      },
    },
    steps: STEPS,
    best: { measure: 'accuracy', is: 'highest' },
  }),
  language: task({
    reads: 'tokens',
    examples: 'windows',
    training: LOSSES,
    // All of the next token, told from those before it.
    evaluation: {
      loss: { unit: 'number', plural: 'losses' },
      perplexity: {
        unit: 'perplexity',
        plural: 'perplexities',
        console: false,
        reported: true,
      },
      bits_per_character: {
        name: 'bits per character',
        unit: 'number',
        plural: 'bits per character',
        console: false,
        reported: true,
      },
    },
    steps: STEPS,
    best: { measure: 'loss', is: 'lowest' },
  }),
} as const;

export type TaskName = keyof typeof TASKS;
