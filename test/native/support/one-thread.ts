// Imported before TensorFlow is: it computes on one thread. A process that opens and closes many compiled
// engines crashes now and then, less often so; no command has more than one.
process.env['TF_NUM_INTRAOP_THREADS'] = '1';
