"""PyramidNets, as src/models/pyramidnet.ts has them."""

from torch import nn
from torch.nn import functional as F

from .blocks import BLOCKS, convolution, convolutions, initialised


class Pyramidal(nn.Module):
    """F(x) + shortcut(x); the shortcut is pooled where the stride is 2, and has zeros for the channels that it lacks."""

    def __init__(self, block, inputs, channels, stride):
        super().__init__()
        self.depth = len(BLOCKS[block])
        self.bn1 = nn.BatchNorm2d(inputs)
        for i, made in enumerate(convolutions(block, inputs, channels, stride), start=1):
            self.add_module(f"conv{i}", made)
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(made.out_channels))
        self.outputs = made.out_channels
        self.added = self.outputs - inputs
        self.stride = stride

    def forward(self, x):
        y = self.bn1(x)
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i + 1}")(getattr(self, f"conv{i}")(y))
            if i < self.depth:
                y = F.relu(y, inplace=True)
        near = x if self.stride == 1 else F.avg_pool2d(x, 2, ceil_mode=True)
        return y + F.pad(near, (0, 0, 0, 0, 0, self.added))


class PyramidNet(nn.Module):
    """Channels grow by alpha over all blocks, a little in each."""

    def __init__(self, depth, alpha, classes, channels, width=16, block="bottleneck"):
        super().__init__()
        count = (depth - 2) // (3 * len(BLOCKS[block]))
        self.conv1 = convolution(channels, width, 3)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage in range(3):
            blocks = nn.Sequential()
            for index in range(count):
                base = round(width + (stage * count + index + 1) * alpha / (3 * count))
                blocks.append(Pyramidal(block, inputs, base, 2 if stage > 0 and index == 0 else 1))
                inputs = blocks[-1].outputs
            self.add_module(f"layer{stage + 1}", blocks)
        self.bn_final = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)
        initialised(self, "fan_out")

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)))))
        return self.fc(F.relu(self.bn_final(x), inplace=True).mean((2, 3)))
