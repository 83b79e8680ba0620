// Imported before TensorFlow is: its oneDNN kernels stay off, whose fixed costs of 10 ms a step are all that a tiny network pays.
process.env['TF_ENABLE_ONEDNN_OPTS'] = '0';
