"""What one training step costs beside other libraries: forward, backward and update of the same
network, as ratios.

    python tests/bench/training_step.py [--cases small,digits,...] [--rounds 31] [--precisions
    float64,float32]

How the numbers are kept honest: everybody starts from the same weights with the same data, and must
have the weights of the clear functions of helpers.network after three steps, or is not timed;
turning the data into the library's own form is not timed. The process stays on one core, and its
clock is its own CPU time, so other work on the machine does not count. In each round everybody has
a turn, in shuffled order; a ratio is the median of the rounds' ratios. A library that is not
installed is left out. The times of two runs do not compare; their ratios do.
"""

import argparse
import os
import random
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402

from helpers import network  # noqa: E402
from helpers.fast_step import Stepper  # noqa: E402

ETA, HIDDEN = 0.1, "sigmoid"
TURN = 4e-3            # seconds of each turn
TOLERANCE = {"float64": 1e-10, "float32": 3e-5}


class Case(NamedTuple):
    """A network and batch, and how often the fastest library's time and the bare products' time a
    step may take."""

    sizes: tuple
    n_samples: int
    output: str
    budget: float
    of_products: float | None = None


CASES = {
    "2-2-2": Case((2, 2, 2), 1, "softmax", 1.5),
    "4-2-2-1": Case((4, 2, 2, 1), 1, "sigmoid", 1.5),
    "64-32-10": Case((64, 32, 10), 32, "softmax", 1.0),
    "784-128-10": Case((784, 128, 10), 64, "softmax", 1.0, 1.3),
    "deep": Case((64, *[64] * 20, 10), 64, "softmax", 1.0),
}


class Problem(NamedTuple):
    """What everybody is given."""

    W: dict
    b: dict
    X: np.ndarray
    y: np.ndarray
    output: str


def problem(case, precision):
    rng = np.random.default_rng(0)
    W, b = network.initialise(case.sizes, rng)
    b = {l: rng.normal(size=b[l].shape) / 10 for l in b}
    X, labels = (rng.normal(size=(case.n_samples, case.sizes[0])),
                 rng.integers(max(case.sizes[-1], 2), size=case.n_samples))
    y = np.eye(case.sizes[-1])[labels] if case.output == "softmax" else labels[:, None]
    cast = lambda arrays: {l: v.astype(precision) for l, v in arrays.items()}
    return Problem(cast(W), cast(b), X.astype(precision), y.astype(precision), case.output)


# ------------------------------------------------------------------------------------------------ e
#
# Each function makes (step, parameters, wait): a step without arguments, the parameters as (W, b),
# and wait for its end.


def nothing():
    pass


def clear(p):
    """helpers.network as it is taught, every check included."""
    now = {"W": p.W, "b": p.b}

    def step():
        _, a = network.forward(p.X, now["W"], now["b"], HIDDEN, p.output)
        _, dJ_dW, dJ_db = network.backward(p.y, now["W"], a, HIDDEN, p.output)
        now["W"], now["b"] = network.update(now["W"], now["b"], dJ_dW, dJ_db, ETA)
    return step, lambda: (now["W"], now["b"]), nothing


def ours(p):
    """helpers.fast_step."""
    net = Stepper(p.W, p.b, HIDDEN, p.output, eta=ETA, dtype=p.X.dtype)
    X, y = net.prepared(p.X, p.y)
    rows = np.arange(len(X))
    return lambda: net.step_on(X, y, rows), lambda: (net.W, net.b), nothing


def products(p):
    """No contender but a bound: the matrix products that a step cannot do without."""
    rng, n = np.random.default_rng(0), len(p.X)
    random_array = lambda *shape: rng.normal(size=shape).astype(p.X.dtype)
    calls = []
    for l in p.W:
        n_out, n_in = p.W[l].shape
        a, V, delta = random_array(n, n_in), random_array(n_in, n_out), random_array(n, n_out)
        calls += [(a, V, np.empty_like(delta)), (a.T, delta, np.empty_like(V))]
        calls += [(delta, V.T, np.empty_like(a))] if l > 1 else []

    def step():
        for left, right, out in calls:
            np.matmul(left, right, out)
    return step, None, nothing


def torch_loss(p):
    from torch.nn import functional
    return (functional.cross_entropy if p.output == "softmax"
            else functional.binary_cross_entropy_with_logits)


def torch_data(p):
    import torch
    y = torch.tensor(p.y)
    return torch.tensor(p.X), y.argmax(1) if p.output == "softmax" else y


def torch_usual(p):
    """What everybody writes: nn.Sequential, backward(), optim.SGD."""
    import torch
    modules = []
    for l in p.W:
        linear = torch.nn.Linear(*p.W[l].T.shape)
        linear.weight, linear.bias = (torch.nn.Parameter(torch.tensor(p.W[l])),
                                      torch.nn.Parameter(torch.tensor(p.b[l])))
        modules += [linear, torch.nn.Sigmoid()]
    net, loss, (X, y) = torch.nn.Sequential(*modules[:-1]), torch_loss(p), torch_data(p)
    descent = torch.optim.SGD(net.parameters(), lr=ETA)

    def step():
        descent.zero_grad()
        loss(net(X), y).backward()
        descent.step()
    numbers = lambda name: {l: getattr(modules[2 * l - 2], name).detach().numpy() for l in p.W}
    return step, lambda: (numbers("weight"), numbers("bias")), nothing


def torch_parts(p):
    """Weights (n_in, n_out) and biases in turn, and the cost of them."""
    import torch
    flat = [torch.tensor(v) for l in p.W for v in (p.W[l].T.copy(), p.b[l])]
    loss = torch_loss(p)

    def cost(flat, X, y):
        for V, b in zip(flat[:-2:2], flat[1:-2:2]):
            X = torch.sigmoid(torch.addmm(b, X, V))
        return loss(torch.addmm(flat[-1], X, flat[-2]), y)
    numbers = lambda start: {l: flat[2 * l - 2 + start].detach().numpy().T for l in p.W}
    return flat, cost, lambda: (numbers(0), numbers(1))


def torch_lean(p):
    """PyTorch at its leanest without a compiler: autograd.grad, and one call that updates
    everything."""
    import torch
    (flat, cost, parameters), (X, y) = torch_parts(p), torch_data(p)
    for v in flat:
        v.requires_grad_()

    def step():
        gradient = torch.autograd.grad(cost(flat, X, y), flat)
        with torch.no_grad():
            torch._foreach_add_(flat, gradient, alpha=-ETA)
    return step, parameters, nothing


def torch_compile(p):
    """The whole step as one compiled graph."""
    import torch
    torch.compiler.reset()
    (flat, cost, parameters), (X, y) = torch_parts(p), torch_data(p)
    gradient = torch.func.grad(cost)

    @torch.compile
    def compiled(flat, X, y):
        for v, g in zip(flat, gradient(flat, X, y)):
            v.sub_(ETA * g)
    return lambda: compiled(flat, X, y), parameters, nothing


def jax_jit(p):
    """The whole step in one jax.jit, which may reuse the memory of the old weights."""
    import jax
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    X, y = jnp.asarray(p.X), jnp.asarray(p.y)
    now = [[(jnp.asarray(p.W[l].T), jnp.asarray(p.b[l])) for l in p.W]]

    def cost(layers, X, y):
        for V, b in layers[:-1]:
            X = jax.nn.sigmoid(X @ V + b)
        z = X @ layers[-1][0] + layers[-1][1]
        if p.output == "softmax":
            return -(jax.nn.log_softmax(z) * y).sum() / len(z)
        return (jnp.logaddexp(0, z) - y * z).sum() / len(z)

    def update(layers, X, y):
        return jax.tree.map(lambda v, g: v - ETA * g, layers, jax.grad(cost)(layers, X, y))
    compiled = jax.jit(update, donate_argnums=0)

    def step():
        now[0] = compiled(now[0], X, y)
    numbers = lambda part, turn: {l: turn(np.asarray(now[0][l-1][part])) for l in p.W}
    return step, lambda: (numbers(0, np.transpose),
                          numbers(1, np.asarray)), lambda: jax.block_until_ready(now[0])


def autograd_numpy(p):
    """The cost written in NumPy, its gradient by autograd."""
    import autograd
    import autograd.numpy as anp
    flat = [v for l in p.W for v in (p.W[l].T.copy(), p.b[l].copy())]

    def cost(flat):
        a = p.X
        for V, b in zip(flat[:-2:2], flat[1:-2:2]):
            a = 1 / (1 + anp.exp(-(anp.dot(a, V) + b)))
        z = anp.dot(a, flat[-2]) + flat[-1]
        if p.output == "softmax":
            top = (z.max(axis=1, keepdims=True) if isinstance(z, np.ndarray)
                   else anp.max(z, axis=1, keepdims=True))
            return -anp.sum(p.y * (z - top - anp.log(anp.sum(
                anp.exp(z - top), axis=1, keepdims=True)))) / len(p.X)
        return anp.sum(anp.log(1 + anp.exp(z)) - p.y * z) / len(p.X)
    gradient = autograd.grad(cost)

    def step():
        for v, g in zip(flat, gradient(flat)):
            v -= ETA * g
    return step, lambda: ({l: flat[2*l-2].T for l in p.W}, {l: flat[2*l-1] for l in p.W}), nothing


def scikit_learn(p):
    """MLPClassifier.partial_fit, which also computes the loss. With two classes it has one output:
    then it is left out."""
    from sklearn.neural_network import MLPClassifier
    if p.y.shape[1] == 2:
        raise NotImplementedError
    labels = p.y.argmax(axis=1) if p.output == "softmax" else p.y[:, 0].astype(int)
    n_classes = max(p.y.shape[1], 2)
    net = MLPClassifier([len(p.b[l]) for l in p.b][:-1], activation="logistic", solver="sgd",
                        alpha=0, momentum=0,
                        learning_rate_init=ETA, batch_size=len(p.X), shuffle=False)
    net.partial_fit(p.X, labels, classes=np.arange(n_classes))
    for l in p.W:
        net.coefs_[l-1][...], net.intercepts_[l-1][...] = p.W[l].T, p.b[l]
    numbers = lambda arrays, turn: {l: turn(arrays[l-1]) for l in p.W}
    parameters = lambda: (numbers(net.coefs_, np.transpose), numbers(net.intercepts_, np.asarray))
    return lambda: net.partial_fit(p.X, labels), parameters, nothing


PEERS = {"jax": jax_jit, "torch.compile": torch_compile, "torch, lean": torch_lean,
         "torch, usual": torch_usual,
         "autograd": autograd_numpy, "scikit-learn": scikit_learn}
OURS = {"stepper": ours, "clear": clear}


# ------------------------------------------------------------------------------------------------ m


def entrants(p, precision, left_out):
    """{name: (turn, calls)} of all that are there and give the right weights."""
    reference = three_steps(clear(p))
    ready = {}
    for name, make in {**OURS, **PEERS, "products": products}.items():
        try:
            entrant = make(p)
            if entrant[1] is not None:
                require_equal(name, three_steps(entrant), reference, TOLERANCE[precision])
            ready[name] = turn_of(entrant[0], entrant[2])
        except ImportError:
            left_out.add(name)
        except NotImplementedError:
            pass
    return ready


def three_steps(entrant):
    step, parameters, wait = entrant
    for _ in range(3):
        step()
    wait()
    return [np.array(v) for arrays in parameters() for v in arrays.values()]


def require_equal(name, got, expected, tolerance):
    error = max(float(np.abs(v - w).max() / (1 + np.abs(w).max())) for v,
                w in zip(got, expected, strict=True))
    if not error < tolerance:
        raise AssertionError(
            f"{name} has other weights after three steps: relative error {error:.1e}")


def turn_of(step, wait):
    """A function that makes as many steps as fit a turn and returns the CPU seconds of one."""
    def timed(calls):
        step()
        wait()
        start = time.process_time()
        for _ in range(calls):
            step()
        wait()
        return (time.process_time() - start) / calls
    calls = 1
    while (once := min(timed(calls) for _ in range(3))) * calls < TURN:
        calls = max(calls + 1, int(1.2 * TURN / max(once, 1e-7)))
    return lambda: timed(calls)


def race(ready, rounds):
    """{name: the times of all rounds}."""
    order, rng, times = list(ready), random.Random(0), {name: [] for name in ready}
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            times[name].append(ready[name]())
    return times


def ratio(times, name, other):
    return statistics.median(a / b for a, b in zip(times[name], times[other]))


def stay_on_one_core():
    """The core that was idle most over half a second, where the system lets a process choose."""
    if not hasattr(os, "sched_setaffinity"):
        return

    def idle():
        lines = [line.split() for line in Path("/proc/stat").read_text().splitlines()
                 if line.startswith("cpu")]
        return {int(f[0][3:]): int(f[4]) for f in lines if f[0] != "cpu"}
    before = idle()
    time.sleep(0.5)
    after = idle()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0),
                                 key=lambda core: after[core] - before[core])})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES), help="of " + ", ".join(CASES))
    parser.add_argument("--precisions", default="float64,float32")
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    stay_on_one_core()
    warnings.filterwarnings("ignore")
    columns = ["clear", *PEERS]
    left_out = set()
    print(
        "One step of helpers.fast_step: how many times that of ... it takes, and how many times "
        "its own the others take")
    print(f"{'network':12s}{'':9s}{'fastest library':>22s}{'products':>16s}   "
          + "".join(f"{name:>14s}" for name in columns))
    for case_name in options.cases.split(","):
        for precision in options.precisions.split(","):
            case = CASES[case_name]
            times = race(entrants(problem(case, precision), precision, left_out), options.rounds)
            print(row(case_name, precision, case, times, columns), flush=True)
    if left_out:
        print(f"Not installed, and left out: {', '.join(sorted(left_out))}.")


def row(name, precision, case, times, columns):
    peers = [peer for peer in PEERS if peer in times]
    fastest = min(peers, key=lambda peer: statistics.median(times[peer]), default=None)
    beside = ("none" if fastest is None
              else judged(ratio(times, "stepper", fastest), case.budget, fastest))
    bound = judged(ratio(times, "stepper", "products"), case.of_products, "")
    others = "".join(f"{ratio(times, c, 'stepper'):14.2f}" if c in times else f"{'-':>14s}"
                     for c in columns)
    return f"{name:12s}{precision:9s}{beside:>22s}{bound:>16s}   {others}"


def judged(value, budget, of):
    verdict = "" if budget is None else f" {'<=' if value <= budget else 'ABOVE'} {budget}"
    return f"{of} {value:.2f}{verdict}".strip()


if __name__ == "__main__":
    main()
