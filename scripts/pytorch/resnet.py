"""Residual networks, for small images and for large ones, as src/models/resnet.ts and imagenet-resnet.ts have them."""

from torch import nn
from torch.nn import functional as F

from .blocks import BLOCKS, convolution, convolutions, initialised, relu

# The kind of residual block by depth, and blocks in each stage.
RESNETS = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}


class Residual(nn.Module):
    """relu(F(x) + shortcut(x)), F = convolutions, each with its norm, and ReLUs between them."""

    def __init__(self, block, inputs, channels, stride):
        super().__init__()
        self.residual_function = nn.Sequential()
        for made in convolutions(block, inputs, channels, stride):
            if len(self.residual_function) > 0:
                self.residual_function.append(relu())
            self.residual_function.extend([made, nn.BatchNorm2d(made.out_channels)])
        self.outputs = made.out_channels
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != self.outputs:
            self.shortcut.extend([convolution(inputs, self.outputs, 1, stride), nn.BatchNorm2d(self.outputs)])

    def forward(self, x):
        return F.relu(self.residual_function(x) + self.shortcut(x), inplace=True)


class ResNet(nn.Module):
    """For small images: 3x3 stem, no max-pooling, strides 1 2 2 2. Images [N C H W] to logits [N K], as all of them."""

    def __init__(self, depth, classes, channels, width=64):
        super().__init__()
        block, stages = RESNETS[depth]
        self.conv1 = nn.Sequential(convolution(channels, width, 3), nn.BatchNorm2d(width), relu())
        inputs = width
        for stage, count in enumerate(stages):
            blocks = nn.Sequential()
            for index in range(count):
                blocks.append(Residual(block, inputs, width * 2**stage, 2 if stage > 0 and index == 0 else 1))
                inputs = blocks[-1].outputs
            self.add_module(f"conv{stage + 2}_x", blocks)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


class ImagenetBlock(nn.Module):
    """As Residual, by torchvision's names."""

    def __init__(self, block, inputs, channels, stride):
        super().__init__()
        self.depth = len(BLOCKS[block])
        for i, made in enumerate(convolutions(block, inputs, channels, stride), start=1):
            self.add_module(f"conv{i}", made)
            self.add_module(f"bn{i}", nn.BatchNorm2d(made.out_channels))
        self.outputs = made.out_channels
        self.downsample = None
        if stride != 1 or inputs != self.outputs:
            self.downsample = nn.Sequential(convolution(inputs, self.outputs, 1, stride), nn.BatchNorm2d(self.outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.depth:
                y = F.relu(y, inplace=True)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ImagenetResNet(nn.Module):
    """For large images: 7x7 stem with stride 2, max-pooling."""

    def __init__(self, depth, classes, channels, width=64):
        super().__init__()
        block, stages = RESNETS[depth]
        self.conv1 = convolution(channels, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for stage, count in enumerate(stages):
            blocks = nn.Sequential()
            for index in range(count):
                blocks.append(ImagenetBlock(block, inputs, width * 2**stage, 2 if stage > 0 and index == 0 else 1))
                inputs = blocks[-1].outputs
            self.add_module(f"layer{stage + 1}", blocks)
        self.fc = nn.Linear(inputs, classes)
        initialised(self, "fan_out")

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))
