// The rows of metrics.csv: everything measured that is the same for the same command.

/** One epoch. Accuracies in percent; absent values (an optimizer with one pass only) are empty fields. */
export interface MetricsRow {
  readonly epoch: number;
  readonly step: number;
  readonly learning_rate: number;
  readonly train_loss: number;
  readonly train_accuracy: number;
  readonly perturbed_loss: number | null;
  readonly perturbed_accuracy: number | null;
  readonly test_loss: number;
  readonly test_accuracy: number;
  readonly best_test_accuracy: number;
  /** Mean over the epoch's steps of the L2 norm of the gradient at w. */
  readonly gradient_norm: number;
  /** Mean over the epoch's steps of the cosine of the climb direction and the gradient at w. */
  readonly perturbation_cosine: number | null;
}
