"""What several networks are made of."""

from torch import nn

# Convolutions of a residual block as (kernel, width factor).
BLOCKS = {"basic": ((3, 1), (3, 1)), "bottleneck": ((1, 1), (3, 1), (1, 4))}


def convolution(inputs, outputs, kernel, stride=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=bias)


def relu():
    return nn.ReLU(inplace=True)


def convolutions(block, inputs, channels, stride):
    """The convolutions of a residual block; the stride is in the first 3x3."""
    made = []
    for kernel, factor in BLOCKS[block]:
        made.append(convolution(inputs, channels * factor, kernel, stride if kernel == 3 else 1))
        inputs = channels * factor
        stride = 1 if kernel == 3 else stride
    return made


def initialised(model, mode):
    """`model` with normal kernels: of deviation sqrt(2 / (K K O)) for fan_out, sqrt(2 / (K K I)) for fan_in."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model
