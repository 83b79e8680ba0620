"""The networks of fsam in PyTorch, as a careful user writes them. The door of this folder.

Names and shapes of parameters are those of src/models/, and so of the authors' code and of torchvision.
"""

import inspect
import re

from .gpt import Gpt
from .pyramidnet import PyramidNet
from .resnet import ImagenetResNet, ResNet
from .vgg import Vgg
from .vit import VisionTransformer
from .wide_resnet import WideResNet

# A pattern of names, and the network with what the name says of it.
FAMILIES = (
    (r"resnet(18|34|50|101|152)", lambda depth: (ResNet, {"depth": int(depth)})),
    (r"imagenet-resnet(18|34|50|101|152)", lambda depth: (ImagenetResNet, {"depth": int(depth)})),
    (r"wrn-(\d+)-(\d+)", lambda depth, widening: (WideResNet, {"depth": int(depth), "widening": int(widening)})),
    (r"vgg(11|13|16|19)(-bn)?", lambda depth, bn: (Vgg, {"depth": int(depth), "normalised": bn is not None})),
    (r"pyramidnet-(\d+)-(\d+)", lambda depth, alpha: (PyramidNet, {"depth": int(depth), "alpha": int(alpha)})),
    (r"vit", lambda: (VisionTransformer, {})),
    (r"gpt", lambda: (Gpt, {})),
    (r"deit-ti", lambda: (VisionTransformer, {"width": 192, "patch": 16, "layers": 12, "heads": 3})),
    (r"deit-s", lambda: (VisionTransformer, {"width": 384, "patch": 16, "layers": 12, "heads": 6})),
    (r"vit-s/(\d+)", lambda patch: (VisionTransformer, {"width": 384, "patch": int(patch), "layers": 12, "heads": 6})),
)


def build(name, classes, channels=None, height=None, context=None, **options):
    """The network called `name`, of images or of windows of tokens; `options` are those of its family: width, dropout, block and so on.

    Raises ValueError for a name or an option that there is not.
    """
    for pattern, make in FAMILIES:
        match = re.fullmatch(pattern, name)
        if match:
            network, settings = make(*match.groups())
            known = inspect.signature(network).parameters
            unknown = [option for option in options if option not in known]
            if unknown:
                raise ValueError(f"{name} has no option {', '.join(unknown)}")
            given = {"channels": channels, "height": height, "context": context}
            settings.update({name: value for name, value in given.items() if name in known})
            return network(**{**settings, **options}, classes=classes)
    raise ValueError(f"got the network {name}, wanted one that `fsam models` lists")


def parameter_count(model):
    return sum(parameter.numel() for parameter in model.parameters())
