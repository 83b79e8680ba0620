// Imported before TensorFlow is: its oneDNN, and our convolutions, take no later instructions than these.
process.env['ONEDNN_MAX_CPU_ISA'] = 'SSE41';
