"""One training step in PyTorch: SGD or AdamW, alone or under SAM and its relatives, by the rules of src/optim/."""

import contextlib

import torch
from torch.nn import functional as F

OPTIMIZERS = ("sgd", "adamw", "sam", "asam", "fsam", "fasam", "vasso", "gsam", "agsam", "looksam", "msam")
BASES = ("sgd", "adamw")
# The recipe for CIFAR; AdamW's rate and decay, and the adaptive length of the climb, are those usual for them.
RATE = {"sgd": 0.05, "adamw": 1e-3}
DECAY = {"sgd": 1e-3, "adamw": 0.05}
RHO = {False: 0.2, True: 0.5}
TINY = 1e-12
NORMS = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm)


class TrainingStep:
    """Called with a batch; changes the model and returns the loss at w. `options` are those of bench_pytorch.py."""

    def __init__(self, model, options, autocast=None):
        self.model = model
        self.options = options
        self.autocast = autocast or contextlib.nullcontext()
        self.parameters = list(model.parameters())
        self.statistics = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        self.steps = 0
        self.climbs = options.optimizer not in (*BASES, "msam")
        self.friendly = options.optimizer in ("fsam", "fasam")
        self.adaptive = options.optimizer in ("asam", "fasam", "agsam")
        self.averaging = self.friendly or options.optimizer == "vasso"
        self.largest_rho = RHO[self.adaptive] if options.rho is None else options.rho
        self.kept = copies(self.parameters + self.statistics) if self.climbs else []
        norms = {id(p) for m in model.modules() if isinstance(m, NORMS) for p in m.parameters(recurse=False)}
        self.still = [options.perturb != "all" and (id(p) in norms) != (options.perturb == "norms") for p in self.parameters]
        # Of LookSAM: the part of the gradient at w + eps that is orthogonal to the one at w.
        self.orthogonal = None
        self.averages = [] if options.weight_average is None else copies(self.parameters + self.statistics)
        # In the order of the authors' code the first gradient is the first average.
        starts_at_zero = self.friendly and options.ema_order == "paper"
        self.ema = [torch.zeros_like(p) for p in self.parameters] if starts_at_zero else None
        self.base = self.descent(options.base if options.optimizer not in BASES else options.optimizer)

    def descent(self, name):
        options = self.options
        rate = RATE[name] if options.learning_rate is None else options.learning_rate
        settings = {"lr": rate, "fused": True}
        groups = self.groups(DECAY[name] if options.weight_decay is None else options.weight_decay, rate)
        if name == "sgd":
            return torch.optim.SGD(groups, momentum=options.momentum, nesterov=options.nesterov, **settings)
        betas = (options.beta1, options.beta2)
        return torch.optim.AdamW(groups, betas=betas, eps=options.epsilon, **settings)

    def groups(self, weight_decay, rate):
        """The parameters, those that are decayed first; one fused update each."""
        decays = lambda parameter: self.options.decayed == "all" or parameter.ndim > 1
        kinds = (
            ([p for p in self.parameters if decays(p)], weight_decay),
            ([p for p in self.parameters if not decays(p)], 0.0),
        )
        return [{"params": kind, "weight_decay": share, "largest_lr": rate} for kind, share in kinds if kind]

    def __call__(self, images, labels):
        parts = min(self.options.micro_batches, len(images))
        loss, descended, seen, orthogonal = 0, None, None, None
        climbs = self.climbs and (self.options.optimizer != "looksam" or self.steps % self.options.every == 0)
        moved = self.moved_along_momentum() if self.options.optimizer == "msam" else None
        # Each part climbs by itself, from the same w and moving average.
        for x, y in zip(images.tensor_split(parts), labels.tensor_split(parts)):
            share = len(x) / len(images)
            part_loss, gradient = self.gradient(x, y)
            loss = loss + share * part_loss
            if climbs:
                perturbation = self.perturbation(gradient)
                if self.averaging and parts == 1:
                    self.average(gradient)
                elif self.averaging:
                    seen = weighted(seen, gradient, share)
                at_w = gradient if self.options.optimizer in ("gsam", "agsam", "looksam") else None
                del gradient
                gradient = self.gradient_beyond(perturbation, x, y)
                if self.options.optimizer == "looksam":
                    orthogonal = weighted(orthogonal, without(gradient, at_w), share)
                elif at_w is not None:
                    gradient = self.surrogate(at_w, gradient)
            elif self.orthogonal is not None:
                gradient = self.with_orthogonal(gradient)
            descended = weighted(descended, gradient, share)
        if seen is not None:
            self.average(seen)
        if orthogonal is not None:
            self.orthogonal = orthogonal
        if moved is not None:
            descended = self.moved_back(moved, descended)
        for parameter, gradient in zip(self.parameters, descended):
            parameter.grad = gradient
        if self.options.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip_norm, foreach=True)
        self.base.step()
        self.steps += 1
        if self.averages:
            with torch.no_grad():
                now = self.parameters + self.statistics
                torch._foreach_lerp_(self.averages, now, 1 - self.options.weight_average)
        return loss

    def gradient(self, inputs, labels):
        self.base.zero_grad(set_to_none=True)
        with self.autocast:
            # Of images [N K] against [N], of windows [N T V] against [N T].
            logits = self.model(inputs).flatten(0, -2)
            loss = F.cross_entropy(logits, labels.flatten(), label_smoothing=self.options.label_smoothing)
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
        if any(self.still):
            d = [torch.zeros_like(x) if still else x for x, still in zip(d, self.still)]
        if not self.adaptive:
            return torch._foreach_mul(d, self.rho() / (total_norm(d) + TINY))
        relative = torch._foreach_mul(torch._foreach_abs(self.parameters), d)
        along = torch._foreach_mul(torch._foreach_mul(self.parameters, self.parameters), d)
        return torch._foreach_mul(along, self.rho() / (total_norm(relative) + TINY))

    def rho(self):
        if self.options.rho_schedule == "inverse-sqrt":
            return self.largest_rho / (self.steps + 1) ** 0.5
        if self.options.rho_schedule == "rate":
            group = self.base.param_groups[0]
            least = self.options.rho_min
            return least + (self.largest_rho - least) * group["lr"] / group["largest_lr"]
        return self.largest_rho

    def direction(self, g):
        """SAM: g. F-SAM: g less the moving average of gradients, the old one in the order of the authors' code. VaSSO: the new
        average."""
        if not self.averaging or self.ema is None:
            return g
        m = self.ema
        if not self.friendly:
            return torch._foreach_lerp(m, g, self.options.theta)
        if self.options.ema_order == "paper":
            m = torch._foreach_lerp(m, g, 1 - self.options.decay)
        return torch._foreach_sub(g, m, alpha=self.options.sigma)

    @torch.no_grad()
    def average(self, g):
        if self.ema is None:
            self.ema = [gradient.clone() for gradient in g]
        else:
            torch._foreach_lerp_(self.ema, g, 1 - self.options.decay if self.friendly else self.options.theta)

    @torch.no_grad()
    def surrogate(self, g, p):
        """GSAM, of the gradients at w and w + eps."""
        if self.options.minimize == "plain":
            return torch._foreach_add(g, without(p, g), alpha=self.options.alpha)
        return torch._foreach_sub(p, without(g, p), alpha=self.options.alpha)

    @torch.no_grad()
    def with_orthogonal(self, g):
        """LookSAM's steps between climbs."""
        v = self.orthogonal
        return torch._foreach_add(g, torch._foreach_mul(v, self.options.alpha * total_norm(g) / total_norm(v)))

    @torch.no_grad()
    def moved_along_momentum(self):
        """MSAM: w goes rho along the coming step. Gives how far each parameter went, where there is momentum."""
        buffers = [self.base.state[p].get("momentum_buffer") if p in self.base.state else None for p in self.parameters]
        if any(buffer is None for buffer in buffers):
            return None
        moved = torch._foreach_mul(buffers, -self.rho() / total_norm(buffers))
        torch._foreach_add_(self.parameters, moved)
        return moved

    @torch.no_grad()
    def moved_back(self, moved, gradient):
        """Takes the decay where the gradient was taken, too: the descent adds that of w."""
        torch._foreach_sub_(self.parameters, moved)
        decay = self.base.param_groups[0]["weight_decay"]
        decays = [self.options.decayed == "all" or p.ndim > 1 for p in self.parameters]
        return [g + decay * m if decayed else g for g, m, decayed in zip(gradient, moved, decays)]


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


def without(x, y):
    """The part of x that is orthogonal to y."""
    dot = lambda a, b: torch.stack([torch.sum(product) for product in torch._foreach_mul(a, b)]).sum()
    return torch._foreach_sub(x, torch._foreach_mul(y, dot(x, y) / dot(y, y)))


def total_norm(tensors):
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors)))
