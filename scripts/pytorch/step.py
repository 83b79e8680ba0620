"""One training step in PyTorch: SGD or AdamW, alone or under SAM, ASAM, F-SAM or F-ASAM."""

import contextlib

import torch
from torch.nn import functional as F

OPTIMIZERS = ("sgd", "adamw", "sam", "asam", "fsam", "fasam")
BASES = ("sgd", "adamw")
# The recipe for CIFAR; AdamW's rate and decay, and the adaptive length of the climb, are those usual for them.
RATE = {"sgd": 0.05, "adamw": 1e-3}
DECAY = {"sgd": 1e-3, "adamw": 0.05}
RHO = {False: 0.2, True: 0.5}
TINY = 1e-12


class TrainingStep:
    """Called with a batch; changes the model and returns the loss at w. `options` are those of bench_pytorch.py."""

    def __init__(self, model, options, autocast=None):
        self.model = model
        self.options = options
        self.autocast = autocast or contextlib.nullcontext()
        self.parameters = list(model.parameters())
        self.statistics = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        self.climbs = options.optimizer not in BASES
        self.friendly = options.optimizer in ("fsam", "fasam")
        self.adaptive = options.optimizer in ("asam", "fasam")
        self.rho = RHO[self.adaptive] if options.rho is None else options.rho
        self.kept = copies(self.parameters + self.statistics) if self.climbs else []
        self.averages = [] if options.weight_average is None else copies(self.parameters + self.statistics)
        # In the order of the authors' code the first gradient is the first average.
        starts_at_zero = self.friendly and options.ema_order == "paper"
        self.ema = [torch.zeros_like(p) for p in self.parameters] if starts_at_zero else None
        self.base = self.descent(options.base if self.climbs else options.optimizer)

    def descent(self, name):
        options = self.options
        settings = {"lr": RATE[name] if options.learning_rate is None else options.learning_rate, "fused": True}
        groups = self.groups(DECAY[name] if options.weight_decay is None else options.weight_decay)
        if name == "sgd":
            return torch.optim.SGD(groups, momentum=options.momentum, nesterov=options.nesterov, **settings)
        betas = (options.beta1, options.beta2)
        return torch.optim.AdamW(groups, betas=betas, eps=options.epsilon, **settings)

    def groups(self, weight_decay):
        """The parameters, those that are decayed first; one fused update each."""
        decays = lambda parameter: self.options.decayed == "all" or parameter.ndim > 1
        kinds = (
            ([p for p in self.parameters if decays(p)], weight_decay),
            ([p for p in self.parameters if not decays(p)], 0.0),
        )
        return [{"params": kind, "weight_decay": share} for kind, share in kinds if kind]

    def __call__(self, images, labels):
        parts = min(self.options.micro_batches, len(images))
        loss, descended, seen = 0, None, None
        # Each part climbs by itself, from the same w and moving average.
        for x, y in zip(images.tensor_split(parts), labels.tensor_split(parts)):
            share = len(x) / len(images)
            part_loss, gradient = self.gradient(x, y)
            loss = loss + share * part_loss
            if self.climbs:
                perturbation = self.perturbation(gradient)
                if self.friendly and parts == 1:
                    self.average(gradient)
                elif self.friendly:
                    seen = weighted(seen, gradient, share)
                del gradient
                gradient = self.gradient_beyond(perturbation, x, y)
            descended = weighted(descended, gradient, share)
        if seen is not None:
            self.average(seen)
        for parameter, gradient in zip(self.parameters, descended):
            parameter.grad = gradient
        if self.options.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip_norm, foreach=True)
        self.base.step()
        if self.averages:
            with torch.no_grad():
                now = self.parameters + self.statistics
                torch._foreach_lerp_(self.averages, now, 1 - self.options.weight_average)
        return loss

    def gradient(self, images, labels):
        self.base.zero_grad(set_to_none=True)
        with self.autocast:
            loss = F.cross_entropy(self.model(images), labels, label_smoothing=self.options.label_smoothing)
        loss.backward()
        return loss.detach(), [parameter.grad for parameter in self.parameters]

    @torch.no_grad()
    def gradient_beyond(self, perturbation, images, labels):
        """The gradient at w + eps. The running statistics stay those of the pass at w."""
        now = self.parameters + self.statistics
        torch._foreach_copy_(self.kept, now)
        torch._foreach_add_(self.parameters, perturbation)
        with torch.enable_grad():
            _, gradient = self.gradient(images, labels)
        torch._foreach_copy_(now, self.kept)
        return gradient

    @torch.no_grad()
    def perturbation(self, gradient):
        """eps: rho along d, one global norm over all parameters."""
        d = self.direction(gradient)
        if not self.adaptive:
            return torch._foreach_mul(d, self.rho / (total_norm(d) + TINY))
        relative = torch._foreach_mul(torch._foreach_abs(self.parameters), d)
        along = torch._foreach_mul(torch._foreach_mul(self.parameters, self.parameters), d)
        return torch._foreach_mul(along, self.rho / (total_norm(relative) + TINY))

    def direction(self, g):
        """SAM: g. F-SAM: g less the moving average of gradients, the old one in the order of the authors' code."""
        if not self.friendly or self.ema is None:
            return g
        m = self.ema
        if self.options.ema_order == "paper":
            m = torch._foreach_lerp(m, g, 1 - self.options.decay)
        return torch._foreach_sub(g, m, alpha=self.options.sigma)

    @torch.no_grad()
    def average(self, g):
        if self.ema is None:
            self.ema = [gradient.clone() for gradient in g]
        else:
            torch._foreach_lerp_(self.ema, g, 1 - self.options.decay)


def copies(tensors):
    return [tensor.detach().clone() for tensor in tensors]


def weighted(total, tensors, share):
    """total + share * tensors; the tensors themselves where they are the whole."""
    if share == 1:
        return tensors
    if total is None:
        return torch._foreach_mul(tensors, share)
    torch._foreach_add_(total, tensors, alpha=share)
    return total


def total_norm(tensors):
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
