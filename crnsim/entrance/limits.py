"""Limits of what is accepted, each with its reason; the same at every entrance: file, command line and Python."""

from __future__ import annotations

#: Seeds fill one signed word of 64 bits: so they are stored in NetCDF, and read back from JSON.
LARGEST_SEED = 2**63 - 1
#: Whole numbers that count something. Half of what a signed 64-bit counter holds is out of anybody's reach, but sums
#: and products of two counts must fit too.
LARGEST_COUNT = 10**9
#: Steps of one run: a counter of 64 bits takes it, and at 1 us a step it is twelve days.
MOST_STEPS = 10**12
#: Points of a sweep unless its file says more (``chunks.max_points``): at 2 ms each, the cheapest, three hours of one
#: core; the plan alone takes a second and 60 MB for 10^5.
MOST_POINTS = 5_000_000
#: What a sweep file may raise that to.
MOST_POINTS_EVER = 10**9
#: Passes over a training set; the loss of each is kept.
MOST_EPOCHS = 10**6
#: Units of one layer, and layers: a layer of this many already has 10^8 weights and does not fit a laptop.
MOST_UNITS, MOST_LAYERS = 10_000, 100
#: Durations, in units of 1/k. Below it nothing happens, above it no step size is left in double precision.
SHORTEST_TIME, LONGEST_TIME = 1e-9, 1e12
#: Events (changes of concentrations by noise) in one presentation.
MOST_EVENTS = 10**6
#: Minutes of a chunk: a tenth of a second of work is less than starting costs, a year is longer than any queue gives.
LEAST_MINUTES, MOST_MINUTES = 1e-3, 525_600.0
#: Worker processes, or cores, of one command.
MOST_WORKERS = 1024
#: Rate constants and concentrations: their products with each other and with counts stay finite.
LARGEST_RATE = LARGEST_CONCENTRATION = 1e100
#: Parameters of activations: with less, squares and reciprocals leave double precision.
SMALLEST_PARAMETER = 1e-30
#: Relative tolerances: above it any answer is right.
LARGEST_TOLERANCE = 1.0
#: Magnitudes of noise: standard deviations whose squares are summed, in logarithms or beside features of about 1.
LARGEST_NOISE = 1e6
#: Molecules of one kind on one side of a reaction. Mass action of higher order has no meaning in chemistry, and the
#: powers overflow.
LARGEST_COEFFICIENT = 20
#: Characters of a name that becomes part of a file's name (255 bytes on most systems) or of generated code.
LONGEST_NAME = 60
#: Characters of a line of text that a user gives: a title, an equation, a path.
LONGEST_TEXT = 4000
#: Bytes of a file that is read whole: a sweep file, one in JSON that crnsim writes, a table, weights or a plan.
LARGEST_SWEEP_FILE, LARGEST_SMALL_FILE, LARGEST_TABLE, LARGEST_PLAN = 4 << 20, 16 << 20, 1 << 30, 2 << 30
#: Bytes that one call may take for the arrays that it can foresee, unless ``CRNSIM_MAX_GB`` says more.
MOST_GIGABYTES = 16.0
