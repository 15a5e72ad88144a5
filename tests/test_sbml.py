"""SBML: what is written comes back the same, and what each feature means follows from closed forms."""

from __future__ import annotations

import logging
import math
import re

import libsbml
import numpy as np
import pytest
from hypothesis import given
from same import assert_same, networks
from test_crn_text import circuits

import crnsim
from crnsim import CrnsimError, read_crn, read_sbml, to_sbml
from crnsim.interchange import read_network, write_network
from crnsim.interchange.sbml import sbml_identifiers


@given(networks())
def test_any_network_comes_back(network):
    again = read_sbml(to_sbml(network))
    assert_same(again, network)
    assert dict(again.parameters) == dict(network.parameters)


@pytest.mark.parametrize("circuit", list(circuits()), ids=lambda c: f"{c.name}-{c.activation.name}")
def test_every_circuit_comes_back(circuit):
    assert_same(read_sbml(to_sbml(circuit.network)), circuit.network)


@given(networks())
def test_what_is_written_is_valid_without_a_warning(network):
    document = libsbml.readSBMLFromString(to_sbml(network, title="a < b & c"))
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, True)
    document.checkConsistency()
    assert [document.getError(n).getMessage() for n in range(document.getNumErrors())] == []
    ids = [
        one.getId()
        for one in (*document.getModel().getListOfSpecies(), *document.getModel().getListOfParameters())
    ]
    assert len({one.lower() for one in ids}) == len(ids)
    assert not {one.lower() for one in ids} & {"time", "gamma", "pi", "e", "lambda", "pot"}


def test_names_that_other_tools_cannot_take_are_mapped():
    network = read_crn("X[0] + time ->{gamma} x_0 + X_0; gamma = 2; a ->{1} A")
    species, parameters = sbml_identifiers(network)
    assert species == {"X[0]": "X_0", "time": "time_", "x_0": "x_0_", "X_0": "X_0_2", "a": "a", "A": "A_"}
    assert parameters == {"gamma": "gamma_"}
    foreign = read_sbml(
        model(species={"lambda": 1.0, "is": 2.0}, reactions=[("R", {"lambda": 1}, {"is": 1}, "lambda*k")])
    )
    assert foreign.labels == ["lambda_", "is_"]
    assert dict(foreign.aliases) == {"lambda_": "lambda", "is_": "is"}
    # And they have their own names again on the way out, where these are no reserved words.
    assert dict(sbml_identifiers(foreign)[0]) == {"lambda_": "lambda_", "is_": "is_"}


# -- what each feature means ----------------------------------------------------------------------------


def model(
    *,
    species,
    reactions,
    parameters=None,
    compartments=None,
    level=(3, 2),
    assignments=None,
    more="",
    rest=None,
):
    """A document with species by name (a number, or attributes), reactions (name, left, right, law)."""
    document = libsbml.SBMLDocument(*level)
    one = document.createModel()
    one.setId("m")
    for name, size in (compartments or {"cell": 1.0}).items():
        compartment = one.createCompartment()
        compartment.setId(name)
        compartment.setConstant(True)
        if size is not None:
            compartment.setSize(size)
        if level[0] == 3:
            compartment.setSpatialDimensions(3)
    for name, given_about in species.items():
        about = given_about if isinstance(given_about, dict) else {"concentration": given_about}
        made = one.createSpecies()
        made.setId(name)
        made.setCompartment(about.get("compartment", next(iter(compartments or {"cell": 1}))))
        made.setHasOnlySubstanceUnits(about.get("amounts", False))
        made.setBoundaryCondition(about.get("boundary", False))
        made.setConstant(about.get("constant", False))
        if "amount" in about:
            made.setInitialAmount(about["amount"])
        elif "concentration" in about:
            made.setInitialConcentration(about["concentration"])
    for name, value in {"k": 0.5, **(parameters or {})}.items():
        parameter = one.createParameter()
        parameter.setId(name)
        parameter.setConstant(True)
        if value is not None:
            parameter.setValue(value)
    for symbol, formula in (assignments or {}).items():
        assignment = one.createInitialAssignment()
        assignment.setSymbol(symbol)
        assignment.setMath(libsbml.parseL3Formula(formula))
    for reaction in reactions:
        add_reaction(one, level, species, *reaction)
    if rest is not None:
        rest(one)
    return libsbml.writeSBMLToString(document).replace("</model>", f"{more}</model>")


def add_reaction(one, level, species, name, left, right, law, local=None):
    reaction = one.createReaction()
    reaction.setId(name)
    reaction.setReversible(False)
    if level != (3, 2):
        reaction.setFast(False)
    for side, create in ((left, reaction.createReactant), (right, reaction.createProduct)):
        for who, count in side.items() if isinstance(side, dict) else side:
            reference = create()
            reference.setSpecies(who)
            if level[0] == 3:
                reference.setConstant(True)
            if isinstance(count, str):
                reference.setId(count)
            elif count is not None:
                reference.setStoichiometry(count)
    if law is not None:
        kinetic = reaction.createKineticLaw()
        math = libsbml.parseL3Formula(law)
        assert math is not None, libsbml.getLastParseL3Error()
        for who in libsbml_names(math) - {s for s in (*left, *right) if isinstance(s, str)}:
            if who in species:
                reaction.createModifier().setSpecies(who)
        kinetic.setMath(math)
        for who, value in (local or {}).items():
            own = kinetic.createLocalParameter() if level[0] == 3 else kinetic.createParameter()
            own.setId(who)
            own.setValue(value)


def libsbml_names(node):
    names = {node.getName()} if node.isName() else set()
    return names.union(*(libsbml_names(node.getChild(n)) for n in range(node.getNumChildren())))


def at(network, time, **species):
    """Concentrations of species at a time."""
    found = crnsim.simulate(network, [0.0, time], rtol=1e-9).concentration[0, -1]
    return [float(found.sel(species=name)) for name in species or network.labels]


#: Of solutions at rtol 1e-9.
CLOSE = {"rtol": 1e-7, "atol": 1e-9}
DECAY = np.exp(-0.5 * 2)


@pytest.mark.parametrize("level", [(2, 1), (2, 3), (2, 4), (2, 5), (3, 1), (3, 2)])
def test_levels_and_versions(level):
    network = read_sbml(
        model(species={"A": 3.0, "B": 0.0}, reactions=[("R", {"A": 1}, {"B": 1}, "cell*k*A")], level=level)
    )
    np.testing.assert_allclose(at(network, 2.0), [3 * DECAY, 3 - 3 * DECAY], **CLOSE)
    assert [r.label for r in network.reactions()] == ["R"]
    assert dict(network.parameters) == {"k": 0.5}


@pytest.mark.parametrize("size", [0.1, 1.0, 4.0])
def test_a_compartment_of_any_size(size):
    # A law is in amounts per time: with the size in it, concentrations decay at k; without, at k / size.
    network = read_sbml(
        model(species={"A": 3.0}, reactions=[("R", {"A": 1}, {}, "cell*k*A")], compartments={"cell": size})
    )
    np.testing.assert_allclose(at(network, 2.0), [3 * DECAY], **CLOSE)
    network = read_sbml(
        model(species={"A": 3.0}, reactions=[("R", {"A": 1}, {}, "k*A")], compartments={"cell": size})
    )
    np.testing.assert_allclose(at(network, 2.0), [3 * np.exp(-0.5 * 2 / size)], **CLOSE)
    # Two of a kind: d[A]/dt = -2 k [A]^2, so that 1/[A] grows by 2 k t.
    network = read_sbml(
        model(species={"A": 3.0}, reactions=[("R", {"A": 2}, {}, "cell*k*A^2")], compartments={"cell": size})
    )
    np.testing.assert_allclose(at(network, 2.0), [1 / (1 / 3 + 2 * 0.5 * 2)], **CLOSE)


def test_amounts_and_concentrations():
    # An amount of 3 in a size of 4 is a concentration of 0.75.
    network = read_sbml(
        model(
            species={"A": {"amount": 3.0}},
            reactions=[("R", {"A": 1}, {}, "cell*k*A")],
            compartments={"cell": 4.0},
        )
    )
    np.testing.assert_allclose(at(network, 2.0), [0.75 * DECAY], **CLOSE)
    # A species that only has substance units means its amount, and stays one.
    for start in ({"amount": 3.0}, {"concentration": 0.75}):
        network = read_sbml(
            model(
                species={"A": {"amounts": True, **start}},
                reactions=[("R", {"A": 1}, {}, "k*A")],
                compartments={"cell": 4.0},
            )
        )
        np.testing.assert_allclose(at(network, 2.0), [3 * DECAY], **CLOSE)


def test_compartments_of_different_sizes(caplog):
    # The amount of A goes from a size of 1 to a size of 4: what is lost there arrives here.
    sizes = {"small": 1.0, "large": 4.0}
    with caplog.at_level(logging.WARNING, "crnsim"):
        network = read_sbml(
            model(
                species={"A": {"concentration": 3.0}, "B": {"concentration": 0.5, "compartment": "large"}},
                reactions=[("out", {"A": 1}, {"B": 1}, "k*A*small")],
                compartments=sizes,
            )
        )
    assert "joins compartments of different sizes, so that all species are amounts" in caplog.text
    np.testing.assert_allclose(at(network, 2.0), [3 * DECAY, 2.0 + 3 - 3 * DECAY], **CLOSE)
    # A law of concentrations in two places, and a species of one that is a catalyst in the other.
    network = read_sbml(
        model(
            species={"A": {"concentration": 3.0}, "E": {"concentration": 0.5, "compartment": "large"}},
            reactions=[("R", {"A": 1}, {}, "k*A*E*small")],
            compartments=sizes,
        )
    )
    np.testing.assert_allclose(at(network, 2.0, A=0), [3 * np.exp(-0.5 * 0.5 * 2)], **CLOSE)


def test_boundary_and_constant_species():
    for flags in ({"boundary": True}, {"constant": True, "boundary": True}):
        network = read_sbml(
            model(
                species={"S": {"concentration": 2.0, **flags}, "A": 0.0},
                reactions=[("R", {"S": 1}, {"A": 1}, "k*S"), ("D", {"A": 1}, {"S": 1}, "k*A")],
            )
        )
        # dA/dt = k S - k A
        np.testing.assert_allclose(at(network, 2.0, S=0, A=0), [2.0, 2 * (1 - DECAY)], **CLOSE)


def test_local_parameters_hide_those_of_the_model():
    network = read_sbml(
        model(
            species={"A": 3.0, "B": 3.0},
            reactions=[("R", {"A": 1}, {}, "k*A", {"k": 0.25}), ("Q", {"B": 1}, {}, "k*B")],
            parameters={"R_k": 7.0},
        )
    )
    np.testing.assert_allclose(at(network, 2.0), [3 * np.exp(-0.25 * 2), 3 * DECAY], **CLOSE)
    assert dict(network.parameters) == {"R_k": 0.25, "k": 0.5}


def test_parameters_multiplied_into_a_law_stay_what_they_are():
    network = read_sbml(
        model(
            species={"A": 3.0},
            reactions=[("R", {"A": 1}, {}, "2*k*A*f*(cell/2)")],
            parameters={"f": 0.5, "unused": 3.0},
        )
    )
    assert [family.rate for family in network.families] == [("f", "k")]
    assert dict(network.parameters) == {"f": 0.5, "k": 0.5}
    found = crnsim.simulate(network, [0.0, 2.0], rates={"f": [0.5, 1.0]}, rtol=1e-9).concentration[:, -1, 0]
    np.testing.assert_allclose(found, [3 * np.exp(-0.25 * 2), 3 * DECAY], **CLOSE)
    # What is divided or subtracted is a number.
    network = read_sbml(
        model(species={"A": 3.0}, reactions=[("R", {"A": 1}, {}, "A*k/f")], parameters={"f": 2.0})
    )
    assert [family.rate for family in network.families] == [("0.25",)]


def test_initial_assignments():
    network = read_sbml(
        model(
            species={"A": {}, "B": {"concentration": 9.0}},
            reactions=[("R", {"A": "n"}, {"B": 1}, "k*A^2")],
            parameters={"k": None, "p": 2.0},
            assignments={"A": "2*p*k", "k": "p/4 + ln(exponentiale)*0 - 0", "n": "p", "B": "A/cell"},
        )
    )
    # k = 1/2, A = 2, two of A react: 1/A grows by 2 k t.
    np.testing.assert_allclose(at(network, 2.0), [1 / (0.5 + 2 * 0.5 * 2), 2 + 0.5 * (2 - 0.4)], **CLOSE)


def test_a_reversible_law_is_two_reactions():
    network = read_sbml(
        model(
            species={"A": 3.0, "B": 1.0},
            reactions=[("R", {"A": 1}, {"B": 1}, "cell*(k*A - kr*B)")],
            parameters={"kr": 0.25},
            compartments={"cell": 2.0},
        )
    )
    assert [str(r) for r in network.reactions()] == ["A ->{0.5} B", "B ->{0.25} A"]
    # Relaxation at k + kr towards kr / (k + kr) of the total.
    rest = 4 * 0.25 / 0.75
    np.testing.assert_allclose(at(network, 2.0, A=0), [rest + (3 - rest) * np.exp(-0.75 * 2)], **CLOSE)


def test_stoichiometry_and_repeated_species():
    for left in ({"A": 2}, [("A", 1), ("A", 1)]):
        network = read_sbml(model(species={"A": 3.0, "B": 0.0}, reactions=[("R", left, {"B": 3}, "k*A*A")]))
        remaining = 1 / (1 / 3 + 2 * 0.5 * 2)
        np.testing.assert_allclose(at(network, 2.0), [remaining, 3 * (3 - remaining) / 2], **CLOSE)
    # One where it is left out, in Level 2.
    network = read_sbml(model(species={"A": 3.0}, reactions=[("R", {"A": None}, {}, "k*A")], level=(2, 4)))
    np.testing.assert_allclose(at(network, 2.0), [3 * DECAY], **CLOSE)
    text = model(species={"A": 3.0}, reactions=[("R", {"A": 7.0}, {}, "k*A^2")], level=(2, 4))
    text = text.replace(
        '<speciesReference species="A" stoichiometry="7"/>',
        '<speciesReference species="A"><stoichiometryMath><math xmlns="http://www.w3.org/1998/Math/MathML"><apply>'
        "<plus/><cn> 1.5 </cn><ci> k </ci></apply></math></stoichiometryMath></speciesReference>",
    )
    assert "stoichiometryMath" in text
    np.testing.assert_allclose(at(read_sbml(text), 2.0), [1 / (1 / 3 + 2 * 0.5 * 2)], **CLOSE)


@pytest.mark.parametrize(
    "law",
    [
        "k*A*E",
        "E*(A*k)",
        "A/(1/(k*E))",
        "-(-k)*E*A",
        "k*E*A^3/A^2",
        "((k + k)*A*E + k*0*E)/2",
        "k*A*E*(1 + A)/(A + 1)",
        "k*E*(A + 1) - E*k",
        "pow(A, 1)*E*sqrt(k*k)",
        "k*A*E*2^3/8",
        "k*(A^2 - 1)*E/(A - 1) - k*E",
        "1e-2*A*50*E",
        "A*E/(k + 1.5)",
        "A*E*sqrt(k*0.5)",
        "A*E*k^(2*k)",
        "A*E*exp(-ln(2*k)) * k",
    ],
)
def test_mass_action_in_disguise(law):
    if "sqrt" in law:
        law = law.replace("k*k", "0.25")
    network = read_sbml(model(species={"A": 3.0, "E": 2.0}, reactions=[("R", {"A": 1}, {}, law)]))
    assert [str(reaction).split("->")[1] for reaction in network.reactions()] == ["{0.5} E"]
    np.testing.assert_allclose(at(network, 1.0, A=0), [3 * np.exp(-0.5 * 2)], **CLOSE)


def test_a_long_sum_is_a_sum():
    law = " + ".join(["k*A"] * 600)
    network = read_sbml(model(species={"A": 3.0}, reactions=[("R", {"A": 1}, {}, law)]))
    assert [str(reaction) for reaction in network.reactions()] == ["A ->{300} 0"]


def test_what_changes_nothing_is_left_out():
    network = read_sbml(
        model(
            species={"A": 3.0, "W": {"concentration": 1.0, "boundary": True, "constant": True}},
            reactions=[("R", {"A": 1}, {}, "k*A"), ("N", {}, {"W": 1}, "k")],
        )
    )
    assert [reaction.label for reaction in network.reactions()] == ["R"]


def test_names_of_the_document_are_taken():
    network = read_crn("reaction_1 ->{network} pot; network = 2; init reaction_1 1")
    assert_same(read_sbml(to_sbml(network)), network)


def test_the_last_digit_of_a_rate_is_kept():
    rates = [9.417913750649878e-09, 1.2345678901234568e17, 7.3e-71, 2.3e88]
    network = read_crn("\n".join(f"A ->{{{rate!r}}} B" for rate in rates))
    assert read_sbml(to_sbml(network)).rate_constants().tolist() == rates


def test_a_law_of_several_products_is_several_reactions():
    network = read_sbml(model(species={"A": 3.0, "E": 2.0}, reactions=[("R", {"A": 1}, {}, "k*A*(1 + E)")]))
    assert sorted(str(reaction) for reaction in network.reactions()) == ["A + E ->{0.5} E", "A ->{0.5} 0"]
    np.testing.assert_allclose(at(network, 1.0, A=0), [3 * np.exp(-1.5)], **CLOSE)


def with_event(one):
    event = one.createEvent()
    event.setId("tick")
    event.setUseValuesFromTriggerTime(True)
    trigger = event.createTrigger()
    trigger.setMath(libsbml.parseL3Formula("time > 1"))
    trigger.setPersistent(True)
    trigger.setInitialValue(True)


def with_rule(one):
    rule = one.createRateRule()
    rule.setVariable("A")
    rule.setMath(libsbml.parseL3Formula("k"))


def with_function(one):
    function = one.createFunctionDefinition()
    function.setId("f")
    function.setMath(libsbml.parseL3Formula("lambda(x, x)"))


def with_constraint(one):
    one.createConstraint().setMath(libsbml.parseL3Formula("A > 1"))


def with_factor(one):
    one.setConversionFactor("k")


PLAIN = {"species": {"A": 3.0, "B": 0.0, "E": 1.0}}


def refused(words, law="k*A", **about):
    about = PLAIN | {"reactions": [("R", {"A": 1}, {"B": 1}, law)]} | about
    with pytest.raises(CrnsimError) as caught:
        read_sbml(model(**about))
    said = str(caught.value)
    assert words in said
    assert said.startswith("text: line ")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ("k*A/(1+A)", "reaction R: its rate k * A / (1 + A) is no mass action: it divides by a sum"),
        ("k*A/E", "is no mass action: it divides by E"),
        ("k*sqrt(A)", "has sqrt(A) in it"),
        ("k*A^0.5", "has the exponent 0.5"),
        ("k^A", "has an exponent that is no number"),
        ("k*exp(A)", "has exp(A) in it"),
        ("k*A*time", "depends on the time"),
        ("delay(A, 1)", "has a delay in it"),
        ("piecewise(A, A > 1, 2)", "in it"),
        ("k*Q", "Q"),
        ("k*E", "it would use up A at a rate that does not depend on it"),
        ("k*A - k*E", "it would use up B at a rate that does not depend on it"),
        ("k*A/0", "divides by zero"),
        ("k*A^50", "has the exponent 50"),
        ("(A+B+E+k)^30*A", "multiplied out"),
        (None, "reaction R has no rate law"),
        ("k*A*ln(-1)", "which is no number"),
        ("k*A/(k - 0.5)", "divides by zero"),
        ("A*((((1.5^40)^40)^40)^40)", "out of range"),
        ("R*A", "R"),
    ],
)
def test_laws_that_are_no_mass_action_are_refused_by_name(law, words):
    refused(words, law)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (with_event, "event tick: events are not read"),
        (with_rule, "rate rule A: rules are not read"),
        (with_function, "function definition f"),
        (with_constraint, "constraint"),
        (with_factor, "conversion factor"),
    ],
)
def test_what_else_there_is_in_sbml_is_refused_by_name(rest, words):
    refused(words, rest=rest)


def test_other_models_that_are_not_read():
    refused("stoichiometry of A is 1.5; it must be a whole number", reactions=[("R", {"A": 1.5}, {}, "k*A")])
    refused("stoichiometry of A is not given", reactions=[("R", {"A": None}, {}, "k*A")])
    refused("parameter k has no value", parameters={"k": None})
    refused("goes round", parameters={"p": None, "q": None}, assignments={"p": "q", "q": "p"}, law="p*A")
    refused("species A starts at -1", species={"A": -1.0, "B": 0.0, "E": 1.0})
    refused("compartment cell has the size 0", compartments={"cell": 0.0})
    fast = (
        model(**PLAIN, reactions=[("R", {"A": 1}, {"B": 1}, "k*A")], level=(2, 4))
        .replace('id="R" reversible="false"', 'id="R" reversible="false" fast="true"')
        .replace(' fast="false"', "")
    )
    with pytest.raises(CrnsimError, match="reaction R is fast"):
        read_sbml(fast)


def test_what_is_not_given_is_said(caplog):
    with caplog.at_level(logging.WARNING, "crnsim"):
        network = read_sbml(
            model(
                species={"A": 3.0, "B": {}},
                reactions=[("R", {"A": 1}, {"B": 1}, "k*A*cell")],
                compartments={"cell": None},
            )
        )
    assert "not given in the model: size of cell is 1, start of B is 0" in caplog.text
    np.testing.assert_allclose(at(network, 2.0), [3 * DECAY, 3 - 3 * DECAY], **CLOSE)


ODD_MATHS = [
    ("<apply><divide/></apply>", "in it"),
    ("<apply><divide/><ci>k</ci></apply>", "in it"),
    ("<apply><minus/></apply>", "in it"),
    ("<apply><minus/><cn>9</cn><cn>2</cn><cn>3</cn></apply>", "in it"),
    ("<apply><power/><ci>k</ci></apply>", "in it"),
    ('<cn type="e-notation">1<sep/>10000000</cn>', "out of range"),
    ('<cn type="e-notation">1<sep/>-10000000</cn>', "so close to 0"),
    ('<cn type="e-notation">1<sep/>2.5</cn>', "no number of the type e-notation"),
    ("<cn>1e-400</cn>", "'1e-400' in a formula is so close to 0 that it would be taken for 0"),
    ('<cn type="integer">1.5</cn>', "'1.5' in a formula is no number of the type integer"),
    ('<cn type="integer" base="16">1F</cn>', "'1F' in a formula is no decimal number"),
    ('<cn type="rational">1.5<sep/>2</cn>', "no number of the type rational"),
    ("<cn>0x10</cn>", "no number of the type real"),
    ("<cn> 1 .5 </cn>", "no number of the type real"),
    ("<cn></cn>", "no number of the type real"),
    ('<cn type="rational">1<sep/>0</cn>', "divides by zero"),
]


@pytest.mark.parametrize(("math", "words"), ODD_MATHS)
def test_odd_formulas_are_one_line(math, words):
    text = model(**PLAIN, reactions=[("R", {"A": 1}, {}, "k*A")]).replace("<ci> k </ci>", math)
    assert math in text
    with pytest.raises(CrnsimError) as caught:
        read_sbml(text)
    assert words in str(caught.value) or "not valid SBML" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_initial_assignment_of_nothing_is_refused():
    text = model(**PLAIN, reactions=[("R", {"A": 1}, {}, "k*A")], assignments={"Q": "3"})
    with pytest.raises(
        CrnsimError, match=r"line \d+: initial assignment of Q: there is nothing of this name"
    ):
        read_sbml(text)


@pytest.mark.parametrize("law", ["k*A/E", "k*A*E/E^2", "k*A/(E + 1)*5/4", "E^-1*k*A"])
@pytest.mark.parametrize("flag", ["constant", "boundary"])
def test_what_is_divided_by_a_species_that_nothing_changes(law, flag):
    text = model(
        species={"A": 1.0, "E": {"concentration": 4.0, flag: True}}, reactions=[("R", {"A": 1}, {}, law)]
    )
    np.testing.assert_allclose(at(read_sbml(text), 2.0)[0], math.exp(-0.25), **CLOSE)
    for start in ({"concentration": 0.0, flag: True}, 4.0):
        text = model(species={"A": 1.0, "E": start}, reactions=[("R", {"A": 1}, {}, "k*A/E")])
        with pytest.raises(CrnsimError, match="divides by E"):
            read_sbml(text)


def test_a_difference_becomes_one_number(caplog):
    for law in (
        "k*A*(1 - p)",
        "A*(k - p*k)",
        "k*A*(C - 1)*(1 - p)/4",
        "k*A*(p^2 - 1)/(p - 1)*(1 - p)/(1 + p)",
    ):
        text = model(
            species={"A": 1.0, "B": 0.0, "C": {"concentration": 5.0, "boundary": True}},
            parameters={"p": 0.25},
            reactions=[("R", {"A": 1}, {"B": 1}, law)],
        )
        caplog.clear()
        network = read_sbml(text)
        assert network.n_reactions == 1
        np.testing.assert_allclose(network.rate_constants(), [0.375], rtol=1e-12)
        assert "taken as numbers, which nothing can set: " in caplog.text
        assert not network.parameters
    reversed_law = model(
        species={"A": 1.0, "B": 0.0},
        parameters={"p": 2.0},
        reactions=[("R", {"B": 1}, {"A": 1}, "k*A*(1 - p)")],
    )
    assert str(next(read_sbml(reversed_law).reactions())) == "A ->{0.5} B"
    nothing = model(
        species={"A": 1.0, "B": 0.0},
        parameters={"p": 1.0},
        reactions=[("R", {"A": 1}, {"B": 1}, "k*A*(1 - p)")],
    )
    assert read_sbml(nothing).rate_constants().tolist() == [0.0]


def test_a_parameter_that_becomes_a_number_is_one_everywhere():
    text = model(
        species={"A": 1.0, "B": 0.0},
        parameters={"p": 0.25, "q": 0.5},
        reactions=[
            ("R", {"A": 1}, {"B": 1}, "k*A*p/(p + q)"),
            ("S", {"B": 1}, {"A": 1}, "p*B"),
            ("T", {"B": 1}, {}, "k*B"),
        ],
    )
    network = read_sbml(text)
    assert dict(network.parameters) == {"k": 0.5}
    np.testing.assert_allclose(network.rate_constants(), [0.5 / 3, 0.25, 0.5], rtol=1e-15)
    started = model(
        species={"A": 1.0},
        parameters={"p": 0.25},
        reactions=[("R", {"A": 1}, {}, "k*p*A")],
        assignments={"A": "4*p"},
    )
    assert dict(read_sbml(started).parameters) == {"k": 0.5}
    assert read_sbml(started).rate_constants().tolist() == [0.125]


@pytest.mark.parametrize("rate", ["c*b*a", "0.1*0.7*3", "a*b*3", "b*0.1*a*0.7"])
def test_a_product_keeps_its_order(rate):
    network = read_crn(f"c = 1.5; b = 1.7; a = 0.3; A ->{{{rate}}} 0; init A 1")
    again = read_sbml(to_sbml(network))
    assert again.rate_constants().tolist() == network.rate_constants().tolist()


def test_a_compartment_that_does_not_say_its_dimensions_has_a_size():
    text = model(species={"A": 1.0}, compartments={"cell": 5.0}, reactions=[("R", {"A": 1}, {}, "k*A")])
    plain = re.sub(r' spatialDimensions="[^"]*"', "", text)
    assert plain != text
    np.testing.assert_array_equal(read_sbml(plain).rate_constants(), [0.1])
    for odd in ("0.5", "4", "-1", "NaN", "INF"):
        with pytest.raises(CrnsimError, match="dimensions"):
            read_sbml(re.sub(r'spatialDimensions="[^"]*"', f'spatialDimensions="{odd}"', text))


def test_what_says_a_start_twice_is_refused():
    text = model(**PLAIN, reactions=[("R", {"A": 1}, {}, "k*A")], assignments={"A": "3"})
    block = re.search(r"<initialAssignment .*?</initialAssignment>", text, re.DOTALL)[0]
    both = text.replace('initialConcentration="', 'initialAmount="2" initialConcentration="', 1)
    reaction = text.replace('symbol="A"', 'symbol="R"')
    hexadecimal = text.replace('value="0.5"', 'value="0x10"')
    for wrong, words in (
        (text.replace(block, 2 * block), "initial assignment of A: there are two of them|not valid SBML"),
        (both, "an initial amount and a concentration"),
        (reaction, "initial assignment of R: there is nothing of this name that has a value"),
        (hexadecimal, "value is '0x10'; it must be a number"),
    ):
        assert wrong != text
        with pytest.raises(CrnsimError, match=words):
            read_sbml(wrong)


def test_a_stoichiometry_does_not_follow_a_species_that_changes():
    def rest(one):
        reference = one.getReaction("R").getReactant(0)
        math = reference.createStoichiometryMath()
        math.setMath(libsbml.parseL3Formula("1 + A"))

    text = model(species={"A": 1.0}, reactions=[("R", {"A": 1}, {}, "k*A*A")], level=(2, 4), rest=rest)
    with pytest.raises(CrnsimError, match="stoichiometry of A: depends on the species A, which changes"):
        read_sbml(text)


def test_our_note_is_not_followed_where_laws_have_been_changed():
    text = to_sbml(read_crn("k = 3; A ->{k} B; init A 1"))
    local = '<listOfLocalParameters><localParameter id="k" value="7"/></listOfLocalParameters></kineticLaw>'
    network = read_sbml(text.replace("</kineticLaw>", local))
    assert network.rate_constants().tolist() == [7.0]


def test_an_empty_model_is_no_network():
    text = model(species={}, reactions=[])
    with pytest.raises(CrnsimError, match="there is no species in it"):
        read_sbml(text)


def test_comments_change_nothing():
    text = model(**PLAIN, reactions=[("R", {"A": 1}, {}, "k*A")])
    comment = "<!-- " + "long\n" * 200_000 + "-->"
    assert_same(read_sbml(text.replace("<model", f"{comment}<model")), read_sbml(text))


def test_a_negative_parameter_is_named():
    text = model(
        species={"A": 1.0, "B": 0.0}, parameters={"p": -1.0}, reactions=[("R", {"A": 1}, {"B": 1}, "p*A")]
    )
    with pytest.raises(CrnsimError, match=r"\(p is -1\)"):
        read_sbml(text)


def test_a_concentration_that_has_lost_digits_is_written_as_nothing():
    again = read_sbml(to_sbml(read_crn("A ->{1} B; init A 1; init B 1e-310")))
    assert again.state(again.initial).tolist() == [1.0, 0.0]


def test_a_note_of_another_size_is_not_followed():
    network = read_crn("A ->{k} B; k = 1; init A 1")
    for before, after in (
        ('"dims": {}', '"dims": {"n": 500000000}'),
        ('["A", [], false]', '["A", ["n"], false]'),
        ('{"k": []}', '{"k": [30000, 30000]}'),
    ):
        text = to_sbml(network)
        changed = text.replace(before, after).replace(
            '"dims": {}', '"dims": {"n": 500000000}' if '["n"]' in after else '"dims": {}'
        )
        assert changed != text
        assert read_sbml(changed).labels == ["A", "B"]


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model id="m">&b;</model></sbml>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE sbml SYSTEM "http://127.0.0.1:9/x.dtd"><sbml/>"""
COMP = """<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"
xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true"><model id="m"/></sbml>"""
LEVEL_1 = """<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"><model name="m">
<listOfCompartments><compartment name="c"/></listOfCompartments></model></sbml>"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 1: a DOCTYPE, which SBML does not have, is not read"),
        (OUTSIDE, "line 1: a DOCTYPE"),
        ("<sbml>", "line 1: not XML"),
        ("<a/>", "not valid SBML"),
        ("<" + "a><" * 500 + "b/>", "nested more than 200 deep"),
        ('<?xml version="1.0" encoding="utf-16"?><a/>', "encoding is utf-16"),
        (COMP, "the package comp changes what the model means"),
        (LEVEL_1, "Level 1; Levels 2 and 3 are read"),
        (
            '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"/>',
            "there is no model",
        ),
        (model(**PLAIN, reactions=[]).replace('id="E"', 'id="A"'), "not valid SBML"),
        (model(**PLAIN, reactions=[("R", {"A": 1}, {}, "k*A")]).replace('species="A"', 'species="Q"'), "Q"),
    ],
)
def test_hostile_and_broken_documents_are_one_line(text, words):
    with pytest.raises(CrnsimError) as caught:
        read_sbml(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    with (tmp_path / "big.xml").open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(CrnsimError, match=r"big\.xml: 104\.9 MB; at most"):
        read_sbml(tmp_path / "big.xml")
    (tmp_path / "bytes.xml").write_bytes(b"<\xff\xfe")
    with pytest.raises(CrnsimError, match="not a text file in UTF-8"):
        read_sbml(tmp_path / "bytes.xml")
    for source in (None, 3, tmp_path / "none.xml"):
        with pytest.raises(CrnsimError, match=r"source is|no such file"):
            read_sbml(source)


def test_a_note_that_no_longer_fits_is_left_alone():
    network = read_crn("species X[2], Y\nX[0] ->{k} Y\nk = 2\ninit X 1")
    text = to_sbml(network)
    assert read_sbml(text).labels == ["X[0]", "X[1]", "Y"]
    for before, after in (
        ('name="X[1]"', 'name="Z"'),
        ("&quot;n2&quot;: 2", "&quot;n2&quot;: 1"),
        ("dims", "dms"),
    ):
        changed = text.replace(before, after).replace(
            '"n2": 2', '"n2": 1' if after.endswith("1") else '"n2": 2'
        )
        assert changed != text
        assert read_sbml(changed).labels == ["X_0", "Y", "X_1"]


def test_files_by_their_suffix(tmp_path):
    network = read_crn("A + B <->{k}{0.5} 2C\nk = 1e-5\ninit A 1")
    for name in ("net.xml", "net.sbml", "net.crn"):
        write_network(network, tmp_path / name, "a < b")
        assert_same_chemistry(read_network(tmp_path / name), network)


def assert_same_chemistry(network, other):
    assert [str(r) for r in network.reactions()] == [str(r) for r in other.reactions()]
    assert network.state(network.initial).tolist() == other.state(other.initial).tolist()


def test_antimony_where_it_is_installed(tmp_path):
    network = read_crn("A + B <->{k}{0.5} 2C\nk = 1e-5\ninit A 1")
    try:
        import antimony  # noqa: F401
    except ImportError:
        with pytest.raises(CrnsimError, match="pip install antimony"):
            write_network(network, tmp_path / "net.ant", "a title")
        assert not list(tmp_path.iterdir())
        return
    write_network(network, tmp_path / "net.ant", "a title")
    assert_same_chemistry(read_network(tmp_path / "net.ant"), network)
    (tmp_path / "wrong.ant").write_text('model m\n  import "other.ant"\nend\n')
    with pytest.raises(CrnsimError, match=r"wrong\.ant: line 2: import is not read"):
        read_network(tmp_path / "wrong.ant")
