"""A noisy run can be rebuilt from what is public: rate constants, the order of samples, and the text of keys."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import crnsim
from crnsim import Noise
from crnsim.errors import InputError

POT = crnsim.onepot((2, 3, 1))


def normals(count: int, *words: str) -> np.ndarray:
    """The first standard normals of a stream, by the description in docs/noise.md alone, with NumPy's Philox."""
    digest = hashlib.blake2b("\x1f".join(words).encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype="<u8")
    # NumPy's generator counts up before it draws.
    raw = np.random.Philox(key=key, counter=2**256 - 1).random_raw(4 * (count // 4 + 1))
    whole = (raw >> np.uint64(11)).astype(float)
    u, v = (whole[0::2] + 0.5) * 2.0**-53, whole[1::2] * 2.0**-53
    radius = np.sqrt(-2 * np.log(u))
    return np.stack([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)], axis=1).ravel()[:count]


def test_keys_are_the_text_that_the_docs_say():
    noisy = crnsim.rate_constants(POT, "xor", running_time=2.0, noise=Noise(rates=0.3), replicate=4, seed=7)
    quiet = crnsim.rate_constants(POT, "xor", running_time=2.0)
    network = POT.network
    for name, family, first in zip(
        network.family_names, network.families, network.first_reactions, strict=True
    ):
        words = ("int:7", "str:xor", "str:2-3-1", "int:4", "str:rate noise", f"str:{name}")
        factor = np.exp(0.3 * normals(family.size, *words) - 0.3**2 / 2)
        part = slice(first, first + family.size)
        # Logarithm and cosine may differ in the last bits.
        np.testing.assert_allclose(noisy[part], quiet[part] * factor, rtol=1e-13)


@pytest.mark.parametrize("mode", ["static", "per_presentation"])
def test_rate_constants_are_those_that_a_run_computed_with(mode):
    noise = Noise(rates=0.2, rates_mode=mode)
    result = crnsim.train(
        POT, "xor", running_time=2.0, epochs=1, noise=noise, replicates=2, seed=5, record=True
    )
    data = crnsim.load_dataset("xor", replicate=0, seed=5)
    order = crnsim.sample_order("xor", epochs=1, replicate=0, seed=5)[0]
    state = POT.start(crnsim.algebraic.initial_weights((2, 3, 1), seed=5, dataset="xor", replicate=0))
    changes = POT.network.stoichiometry()
    for number, sample in enumerate(order):
        rates = crnsim.rate_constants(
            POT, "xor", running_time=2.0, noise=noise, replicate=0, seed=5, presentation=number
        )
        for column, value in zip(
            (*POT.rail_rows(POT.inputs)[0], *POT.rail_rows(POT.targets)[0]),
            (*data.x_train[sample], *data.y_train[sample]),
            strict=True,
        ):
            state[column] = max(value, 0.0)
        for column, value in zip(POT.rail_rows(POT.targets)[1], data.y_train[sample], strict=True):
            state[column] = max(-value, 0.0)
        found = solve_ivp(
            lambda _t, y, k=rates: changes @ POT.network.fluxes(y, k), (0, 2.0), state, "LSODA",
            rtol=1e-9, atol=1e-12,
        )  # fmt: skip
        state = found.y[:, -1]
    trained = result.weights.isel(point=0, checkpoint=-1).values
    # Error control at 1e-3 is kept well; another draw would be off by tenths.
    np.testing.assert_allclose(POT.weight_values(state[None])[0], trained, atol=3e-3)


def test_replicates_presentations_and_phases_have_their_own():
    about = {"running_time": 2.0, "noise": Noise(rates=0.2, rates_mode="per_presentation")}
    draws = [
        crnsim.rate_constants(POT, "xor", **about, **more)
        for more in ({}, {"replicate": 1}, {"presentation": 1}, {"learning": False}, {"seed": 1})
    ]
    assert len({draw.tobytes() for draw in draws}) == len(draws)
    np.testing.assert_array_equal(draws[0], crnsim.rate_constants(POT, "xor", **about))
    quiet = crnsim.rate_constants(POT, "xor", running_time=2.0)
    assert quiet.shape == (POT.network.n_reactions,)


def test_mistakes_are_named():
    for more, said in (
        ({"replicate": -1}, "replicate is -1"),
        ({"presentation": 1.5}, "presentation is 1.5"),
    ):
        with pytest.raises(InputError, match=said):
            crnsim.rate_constants(POT, "xor", running_time=2.0, **more)
    with pytest.raises(InputError, match="does not learn"):
        crnsim.rate_constants(crnsim.feedforward((2, 1, 1)), "xor", running_time=1.0)
