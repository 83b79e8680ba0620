// Imported before TensorFlow is: it computes on one thread. Many compiled engines opened and closed in
// one process corrupt the heap on several threads now and then, which no command does: each has one.
process.env['TF_NUM_INTRAOP_THREADS'] = '1';
