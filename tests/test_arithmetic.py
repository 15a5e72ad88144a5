"""Compiled arithmetic is strict: operations are rounded once, and a product and sum are one where the source says."""

from __future__ import annotations

import re
from functools import cache

import numba
import numpy as np
import pytest
from llvmlite import binding
from numba import njit

from crnsim import Network
from crnsim.kinetics.kernels import compile_network, rates_of_change
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.kinetics.signatures import PREPARE, RIGHT_HAND_SIDE, SOLVE
from crnsim.solvers.ode import steps
from crnsim.solvers.ode.work import new_work
from crnsim.solvers.single import plain_protocol

#: Processors that have fused multiply-add, whatever this one has.
TARGETS = {
    "x86_64-unknown-linux-gnu": ("znver3", "skylake-avx512"),
    "aarch64-unknown-linux-gnu": ("neoverse-n1", "apple-m1"),
}
FUSED = re.compile(r"\bvf[n]?m(?:add|sub)\w*|\bfml[as]\b|\bfn?m(?:add|sub)\b")


@cache
def intermediate(wide: bool) -> dict[str, str]:
    """Optimised LLVM code of every compiled function that does arithmetic on lanes, compiled afresh."""
    # Products that are added up, a pair that is solved together, and a catalyst: little to compile.
    network = Network(dims={"n": 2})
    for name in "ABW":
        network.add_species(name, "n")
    network.add_family("bind", "A[i] + B[i] -> 2B[i]", 2.0)
    network.add_family("feed", "W[j] + B[i] -> W[j] + B[i] + A[i]", 0.5)
    network.add_family("pair", "2A[i] -> A[i]", 1.0)
    kernel = compile_network(network, wide=wide)
    signatures = {"right_hand_side": RIGHT_HAND_SIDE, "prepare": PREPARE, "solve": SOLVE}
    found = {}
    for name, signature in signatures.items():
        found[name] = compiled(getattr(kernel.code, name), signature.args)
    if not wide:
        listed = compile_network(network, listed=True).code
        found |= {
            f"listed {name}": compiled(getattr(listed, name), signature.args)
            for name, signature in signatures.items()
        }
        start = np.zeros((1, network.n_species))
        protocol = plain_protocol(
            start,
            network.rate_constants()[None],
            span=1.0,
            grid=np.ones(1),
            rtol=1e-3,
            atol=1e-6,
            max_steps=9,
        )
        arguments = (numba.typeof(kernel.kinetics), numba.typeof(new_work(kernel, protocol)))
        found |= {
            name: compiled(function, arguments)
            for name, function in zip(steps.NAMES, steps._ATTEMPTS, strict=True)
        }
    return found


def compiled(function, arguments) -> str:
    # With the options of `crnsim.compiled.compiled`, but not from its cache: cached code cannot be looked into.
    fresh = njit(nogil=True, error_model="numpy", _nrt=False)(function)
    fresh.compile(tuple(arguments))
    return fresh.inspect_llvm(fresh.signatures[0])


def assembly(code: str, triple: str, cpu: str) -> str:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        target = binding.Target.from_triple(triple)
    except RuntimeError:
        pytest.skip(f"this LLVM has no target {triple}")
    module = binding.parse_assembly(
        re.sub(r"^target (triple|datalayout) = .*$", "", code, flags=re.MULTILINE)
    )
    module.triple = triple
    return target.create_target_machine(cpu=cpu, opt=3).emit_assembly(module)


@pytest.mark.parametrize("wide", [False, True], ids=["eight runs", "one run"])
def test_no_operation_may_be_reordered_or_fused(wide):
    for code in intermediate(wide).values():
        operations = re.findall(r"= (f(?:add|sub|mul|div|neg)) ([a-z ]*)", code)
        assert len(operations) > 3
        # Flags such as contract, reassoc or fast would stand before the type; fused operations are calls.
        assert {flags.strip() for _, flags in operations} <= {"", "double"}
        assert "llvm.fmuladd" not in code


def test_rates_of_change_are_sums_of_rounded_products():
    for wide in (False, True):
        assert "llvm.fma" not in intermediate(wide)["right_hand_side"]


@pytest.mark.parametrize("triple", TARGETS)
def test_machine_code_has_no_more_fused_operations_than_the_source(triple):
    for cpu in TARGETS[triple]:
        for name, code in intermediate(False).items():
            # The same code with a call of another function in the place of each fused operation has none left.
            text = assembly(code.replace("@llvm.fma.v8f64", "@apart"), triple, cpu)
            assert len(re.findall(r"\bv?f?mul(?:pd)?\b", text)) > 3, (name, cpu)
            assert FUSED.findall(text) == [], (name, cpu)
        # The search finds them where the source has them, or the flag allows them.
        assert FUSED.search(assembly(intermediate(False)["rosw"], triple, cpu))
        allowed = re.sub(r"= (fadd|fsub|fmul) ", r"= \1 contract ", intermediate(False)["right_hand_side"])
        assert FUSED.search(assembly(allowed, triple, cpu))


@pytest.mark.parametrize("wide", [False, True], ids=["eight runs", "one run"])
def test_a_product_is_rounded_before_it_is_added(wide):
    # dX/dt = a - b X with a = 1, b = 1 + e, X = 1 - e and e = 2^-27: b X = 1 - 2^-54 rounds to 1 and leaves nothing,
    # while one rounding of a - b X would leave 2^-54.
    net = Network()
    net.add_species("X")
    net.add_family("in", "0 -> X", 1.0)
    net.add_family("out", "X -> 0", 1.0)
    kernel = compile_network(net, wide=wide)
    e = 2.0**-27
    y, rate, dy = kernel.table(np.zeros(1)), lanes_array(1 if wide else 2), kernel.table(np.zeros(1))
    if wide:
        rate[0, :2] = 1.0, 1.0 + e
        y[0, 0] = 1.0 - e
    else:
        rate[0], rate[1], y[0] = 1.0, 1.0 + e, 1.0 - e
    rates_of_change(kernel.kinetics, y, rate, dy)
    assert dy.shape[1] == LANES
    assert np.all(dy[0] == 0.0)
