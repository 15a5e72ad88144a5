"""The modules of a clocked circuit, each a few families of reactions in its phase."""

from __future__ import annotations

from crnsim.activations import Activation, Layer, Rails, Slope
from crnsim.activations.layer import gated
from crnsim.circuits.arguments import times
from crnsim.circuits.clocked.phases import Phases
from crnsim.circuits.oscillator import before

SIGN = {("p", "p"): "p", ("p", "m"): "m", ("m", "p"): "m", ("m", "m"): "p"}
OPPOSITE = {"p": "m", "m": "p"}
#: Samples that are stored: features, and targets; what marks the sample of an iteration, and the one after it.
FEATURES, TARGETS, HERE, NEXT = "D", "F", "S", "Snext"
#: Rails of what the error of an epoch adds up to, of that of the last whole epoch, and of one sample's; and the two
#: species of the decision, whose sum is 1.
EPOCH, LAST_EPOCH, SAMPLE, GO_ON, HALT = "J", "L", "K", "Run", "Halt"
#: The count of iterations.
TURNS = "Turns"


def assignment(at: Phases, signal: Rails, depth: int) -> None:
    """X0 relaxes to the features of the sample, T to its targets."""
    for letter, rails, store, dim in (
        ("j", signal.signed(), FEATURES, "n0"),
        ("i", Rails("Tp", "Tm").signed(), TARGETS, f"n{depth}"),
    ):
        for rail, name, _ in rails:
            at.network.add_species(f"{store}{rail}", "samples", dim)
            at.network.add_species(name, dim)
            made = f"{HERE}[s] + {store}{rail}[s,{letter}]"
            at.set("assign", "assignment", [(made, "k")], f"{name}[{letter}]")


def samples(at: Phases, count: int) -> None:
    """Pass the mark of the sample on, in two steps, and let neighbours not share it.

    What is left behind by a step would add up: of two neighbours the one with more takes all, 2S + S' -> 3S, so that
    what is left behind is always that of one step. Turns counts the steps; nothing reads it.
    """
    net = at.network
    for name in (HERE, NEXT):
        net.add_species(name, "samples")
    net.add_species(TURNS)
    for s in range(count):
        at.add("increment", "samples", f"{HERE}[{s}] -> {NEXT}[{(s + 1) % count}]", "k")
    at.add("apply", "samples", f"{NEXT}[s] -> {HERE}[s] + {TURNS}", "k")
    for s in range(count if count > 2 else count - 1):
        one, other = f"{HERE}[{s}]", f"{HERE}[{(s + 1) % count}]"
        at.add("sum1", "samples", f"2{one} + {other} -> 3{one}", "k")
        at.add("sum1", "samples", f"2{other} + {one} -> 3{other}", "k")


def weights(at: Phases, layer: int) -> None:
    """Weights and biases of a layer, their increments, and the annihilation of their rails."""
    for rail in "pm":
        for name, dims in ((f"W{layer}", (f"n{layer}", f"n{layer - 1}")), (f"B{layer}", (f"n{layer}",))):
            at.network.add_species(f"{name}{rail}", *dims)
            at.network.add_species(f"d{name}{rail}", *dims)
    for name, index in ((f"W{layer}", "[i,j]"), (f"B{layer}", "[i]")):
        at.add("assign", "clear-out", f"{name}p{index} + {name}m{index} -> 0", "kw")


def weighted_sum(at: Phases, layer: int, source: Rails, *, annihilate: bool) -> None:
    """Z relaxes to W X + B."""
    for a in "pm":
        z = f"Z{layer}{a}"
        at.network.add_species(z, f"n{layer}")
        made = [
            (f"W{layer}{sign}[i,j] + {name}[j]", times("k", gain))
            for rail, name, gain in source.signed()
            for sign in "pm"
            if SIGN[sign, rail] == a
        ]
        at.set(f"sum{layer}", "feed-forward", [*made, (f"B{layer}{a}[i]", "k")], f"{z}[i]")
    if annihilate:
        at.add(f"sum{layer}", "feed-forward", f"Z{layer}p[i] + Z{layer}m[i] -> 0", "kz")


def units(at: Phases, unit: Activation, layer: Layer, following: str) -> tuple[Rails, Slope]:
    """Value of the units in the phase of the layer, their slope in the next one, the reset when a sample is loaded."""
    value = unit.add_value(layer)
    layer.gate = at.gate(following)
    slope = unit.add_slope(layer)
    layer.gate = at.gate("assign")
    unit.add_reset(layer)
    return value, slope


def error(at: Phases, output: Rails, depth: int) -> None:
    """E relaxes to output minus target."""
    outputs = {rail: (name, gain) for rail, name, gain in output.signed()}
    for a in "pm":
        at.network.add_species(f"E{a}", f"n{depth}")
        made = [(f"T{OPPOSITE[a]}[i]", "k")]
        if a in outputs:
            made.append((f"{outputs[a][0]}[i]", times("k", outputs[a][1])))
        at.set("error", "judgment", made, f"E{a}[i]")
    at.add("error", "judgment", "Ep[i] + Em[i] -> 0", "ka")


def accounts(at: Phases) -> None:
    """Add |E|^2 of every sample to the account J of the epoch, and keep that of the last whole epoch in L.

    K relaxes to (E+)^2 + (E-)^2 on one rail and to 2 E+ E- on the other, and is used up: J gains just K, however long
    the pulse. J is emptied with the first sample and read with the last one.
    """
    net, first, last = at.network, f"{HERE}[0]", f"{HERE}[{at.network.dims['samples'] - 1}]"
    for name in (SAMPLE, EPOCH, LAST_EPOCH):
        for a in "pm":
            net.add_species(f"{name}{a}")
    squares = [("2Ep[i]", "k"), ("2Em[i]", "k")], [("Ep[i] + Em[i]", "2*k")]
    for a, made in zip("pm", squares, strict=True):
        at.set("square", "judgment", made, f"{SAMPLE}{a}")
        at.add("account", "judgment", f"{SAMPLE}{a} -> {EPOCH}{a}", "k")
        at.add("assign", "judgment", f"{first} + {EPOCH}{a} -> {first}", "k")
        at.add("judge", "judgment", f"{last} + {EPOCH}{a} -> {last} + {EPOCH}{a} + {LAST_EPOCH}{a}", "k")
        at.add("judge", "judgment", f"{last} + {LAST_EPOCH}{a} -> {last}", "k")


def verdict(at: Phases) -> None:
    """With the last sample, decide whether J+ is below J- and the threshold: then Halt takes all from Run.

    First the two compete: Run is made from Halt at kj J+, Halt from Run at kj J- and at kj times the threshold. Then
    the majority takes all, also while the clock waits before the phase `increment`, to which it does not come without
    Run: so what little happens between pulses never turns the decision.
    """
    last = f"{HERE}[{at.network.dims['samples'] - 1}]"
    j = f"{last} + {EPOCH}"
    at.add("judge", "judgment", f"{j}p + {HALT} -> {j}p + {GO_ON}", "kj")
    at.add("judge", "judgment", f"{j}m + {GO_ON} -> {j}m + {HALT}", "kj")
    at.add("judge", "judgment", f"{last} + {GO_ON} -> {last} + {HALT}", "kj_threshold")
    for one, other in ((GO_ON, HALT), (HALT, GO_ON)):
        at.add("decide", "judgment", f"2{one} + {other} -> 3{one}", "kd")
        waiting = gated(f"2{one} + {other} -> 3{one}", before(at.number["increment"]))
        at.network.add_family("judgment", waiting, "kd")


def gradient(at: Phases, layer: int, above: str, slope: Slope) -> None:
    """G relaxes to what has come back times the slope."""
    for a in "pm":
        at.network.add_species(f"G{layer}{a}", f"n{layer}")
        made = [(f"{above}{a}[i] + {name}[i]", times("k", gain)) for name, gain in slope]
        at.set(f"grad{layer}", "backpropagation", made, f"G{layer}{a}[i]")
    at.add(f"grad{layer}", "backpropagation", f"G{layer}p[i] + G{layer}m[i] -> 0", "ka")


def backward(at: Phases, layer: int, above: str) -> None:
    """R relaxes to the transposed weights times the gradient above."""
    for a in "pm":
        at.network.add_species(f"R{layer}{a}", f"n{layer}")
        made = [(f"W{layer + 1}{w}[k,i] + {above}{b}[k]", "k") for w in "pm" for b in "pm" if SIGN[w, b] == a]
        at.set(f"back{layer}", "backpropagation", made, f"R{layer}{a}[i]")
    at.add(f"back{layer}", "backpropagation", f"R{layer}p[i] + R{layer}m[i] -> 0", "ka")


def learning(at: Phases, layer: int, above: str, source: Rails) -> None:
    """Increments relax to -eta G X and are used up: a weight changes by just as much, however long the pulse."""
    for a in "pm":
        made = [
            (f"{above}{b}[i] + {name}[j]", times("k*eta", gain))
            for rail, name, gain in source.signed()
            for b in "pm"
            if SIGN[b, rail] == OPPOSITE[a]
        ]
        at.set("increment", "learning", made, f"dW{layer}{a}[i,j]")
        at.set("increment", "learning", [(f"{above}{OPPOSITE[a]}[i]", "k*eta")], f"dB{layer}{a}[i]")
        for name, index in ((f"W{layer}{a}", "[i,j]"), (f"B{layer}{a}", "[i]")):
            at.add("apply", "learning", f"d{name}{index} -> {name}{index}", "k")


def clear_out(at: Phases, names: list[str]) -> None:
    """Empty arrays of species when the next sample comes."""
    for name in names:
        letters = "ij"[: len(next(s.dims for s in at.network.species if s.name == name))]
        index = f"[{','.join(letters)}]" if letters else ""
        at.add("assign", "clear-out", f"{name}{index} -> 0", "k")
