"""VGG networks, as src/models/vgg.ts has them."""

from torch import nn

from .blocks import convolution, initialised, relu

# Convolutions of each stage by depth, and channels of a stage by the first one's.
VGGS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
VGG_WIDTHS = (1, 2, 4, 8, 8)


class Vgg(nn.Module):
    """For images of 32 pixels, which five poolings make one; a classifier of three small layers."""

    def __init__(self, depth, normalised, classes, channels, width=64, dropout=0.5):
        super().__init__()
        self.features = nn.Sequential()
        inputs = channels
        for count, factor in zip(VGGS[depth], VGG_WIDTHS):
            for _ in range(count):
                outputs = width * factor
                self.features.append(convolution(inputs, outputs, 3, bias=True))
                if normalised:
                    self.features.append(nn.BatchNorm2d(outputs))
                self.features.append(relu())
                inputs = outputs
            self.features.append(nn.MaxPool2d(2))
        layers = (nn.Dropout(dropout), nn.Linear(inputs, inputs), relu())
        again = (nn.Dropout(dropout), nn.Linear(inputs, inputs), relu())
        self.classifier = nn.Sequential(*layers, *again, nn.Linear(inputs, classes))
        initialised(self, "fan_out")

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))
