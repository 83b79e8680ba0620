"""Wide residual networks, as src/models/wide-resnet.ts has them."""

from torch import nn

from .blocks import convolution, initialised, relu


def named(**modules):
    """A Sequential of numbered names: _0_convolution is 0_convolution."""
    made = nn.Sequential()
    for name, module in modules.items():
        made.add_module(name.removeprefix("_"), module)
    return made


class WideFirst(nn.Module):
    """The first block of a stage: its norm and ReLU also feed the shortcut."""

    def __init__(self, inputs, outputs, stride, dropout):
        super().__init__()
        self.norm_act = named(_0_normalization=nn.BatchNorm2d(inputs), _1_activation=relu())
        self.block = named(
            _0_convolution=convolution(inputs, outputs, 3, stride),
            _1_normalization=nn.BatchNorm2d(outputs),
            _2_activation=relu(),
            _3_dropout=nn.Dropout(dropout),
            _4_convolution=convolution(outputs, outputs, 3),
        )
        self.downsample = convolution(inputs, outputs, 1, stride)

    def forward(self, x):
        active = self.norm_act(x)
        return self.block(active) + self.downsample(active)


class WideBlock(nn.Module):
    def __init__(self, channels, dropout):
        super().__init__()
        self.block = named(
            _0_normalization=nn.BatchNorm2d(channels),
            _1_activation=relu(),
            _2_convolution=convolution(channels, channels, 3),
            _3_normalization=nn.BatchNorm2d(channels),
            _4_activation=relu(),
            _5_dropout=nn.Dropout(dropout),
            _6_convolution=convolution(channels, channels, 3),
        )

    def forward(self, x):
        return x + self.block(x)


class WideStage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.block = nn.Sequential(*blocks)

    def forward(self, x):
        return self.block(x)


class WideResNet(nn.Module):
    """Pre-activation; a stage has (depth - 4) / 6 blocks in the paper, and one more in the authors' code."""

    def __init__(self, depth, widening, classes, channels, width=16, dropout=0.0, stage_blocks="code"):
        super().__init__()
        blocks = (depth - 4) // 6 + (stage_blocks == "code")
        self.f = named(_0_convolution=convolution(channels, width, 3))
        inputs = width
        for stage, factor in enumerate((1, 2, 4), start=1):
            outputs = factor * widening * width
            first = WideFirst(inputs, outputs, 1 if stage == 1 else 2, dropout)
            others = [WideBlock(outputs, dropout) for _ in range(blocks - 1)]
            self.f.add_module(f"{stage}_block", WideStage([first, *others]))
            inputs = outputs
        self.f.add_module("4_normalization", nn.BatchNorm2d(inputs))
        self.f.add_module("5_activation", relu())
        self.f.add_module("6_pooling", nn.AdaptiveAvgPool2d(1))
        self.f.add_module("7_flattening", nn.Flatten())
        self.f.add_module("8_classification", nn.Linear(inputs, classes))
        initialised(self, "fan_in")

    def forward(self, x):
        return self.f(x)
