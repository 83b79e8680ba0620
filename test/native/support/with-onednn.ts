// Imported before TensorFlow is: its oneDNN kernels are on, whatever the processor.
process.env['TF_ENABLE_ONEDNN_OPTS'] = '1';
