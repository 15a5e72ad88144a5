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
MOST_EPOCHS = 10**7
#: Units of one layer, and layers: a layer of this many already has 10^8 weights and does not fit a laptop.
MOST_UNITS, MOST_LAYERS = 10_000, 100
#: Durations, in units of 1/k. Below it nothing happens, above it no step size is left in double precision.
SHORTEST_TIME, LONGEST_TIME = 1e-9, 1e12
#: Learning rates (eps times running time): a step below it vanishes in double precision, a larger one diverges.
SMALLEST_LEARNING_RATE, LARGEST_LEARNING_RATE = 1e-15, 1e6
#: Smallest standard deviation of noise but 0: a factor of 1 + sigma is 1 in double precision below it.
SMALLEST_NOISE = 1e-12
#: Tolerances: a relative one below 45 roundings of double precision cannot be met, and squares of the absolute one
#: stay far from the smallest number that there is.
SMALLEST_RTOL, SMALLEST_ATOL, LARGEST_TOLERANCE = 1e-14, 1e-100, 0.1
#: Events (changes of concentrations by noise) in one presentation.
MOST_EVENTS = 10**6
#: Minutes of a chunk: a tenth of a second of work is less than starting costs, a year is longer than any queue gives.
LEAST_MINUTES, MOST_MINUTES = 1e-3, 525_600.0
#: Worker processes, or cores, of one command.
MOST_WORKERS = 1024
#: Rate constants and concentrations: their products with each other and with counts stay finite.
LARGEST_RATE = LARGEST_CONCENTRATION = 1e100
SMALLEST_RATE = 1e-100
#: Parameters of activations: with less, squares and reciprocals leave double precision.
SMALLEST_PARAMETER = 1e-30
#: Magnitudes of noise: standard deviations, of logarithms or beside features of about 1. A factor of e^2 either
#: way is already more than noise; what is larger was meant as a percentage.
LARGEST_NOISE = 2
#: Molecules of one kind on one side of a reaction. Mass action of higher order has no meaning in chemistry, and the
#: powers overflow.
LARGEST_COEFFICIENT = 20
#: Dimensions of an array of species, and index letters of a reaction: each is a loop in compiled code, and Python's
#: parser takes 20 in each other.
MOST_INDICES = 8
#: Reactions that are printed, one a line: they are made before the first is shown, in ten seconds or so.
MOST_PRINTED = 500_000
#: Characters of a name that becomes part of a file's name (255 bytes on most systems) or of generated code.
LONGEST_NAME = 60
#: Characters of a label: those of a data set and an activation stand with the name of a circuit in one file's name, and
#: the name of this machine and a process number are added while it is written.
LONGEST_LABEL = 50
#: Characters of a name such as module:Name, and of a key.
LONGEST_REFERENCE = 200
#: Characters of a line of text that a user gives: a title, an equation, a path.
LONGEST_TEXT = 4000
#: Bytes of a file that is read whole: a sweep file, one in JSON that crnsim writes, a table, weights or a plan.
LARGEST_SWEEP_FILE, LARGEST_SMALL_FILE, LARGEST_TABLE, LARGEST_PLAN = 1 << 20, 16 << 20, 1 << 30, 2 << 30
#: And a network: a million reactions, a line each.
LARGEST_NETWORK_FILE = 64 << 20
#: Values in a sweep file, aliases written out: YAML is read at 40,000 of them a second.
MOST_VALUES = 30_000
#: Levels of lists and settings in each other: a sweep file has six.
DEEPEST = 40
#: Classes of a table: each takes a unit of the output.
MOST_CLASSES = 1000
#: Bytes of a file of images, unpacked: four times that of the largest one of MNIST, and of one on its way from the web.
LARGEST_IMAGES, LARGEST_DOWNLOAD = 256 << 20, 32 << 20
#: Two numbers of a list that are as near each other as this, relatively, are one number written twice.
SAME = 1e-9
#: Bytes that one call may take for the arrays that it can foresee, unless ``CRNSIM_MAX_GB`` says more.
MOST_GIGABYTES = 16.0
#: Bytes of a file of results; what its arrays take in memory is limited by ``CRNSIM_MAX_GB``.
LARGEST_RESULTS = 1 << 40
#: Molecules for a concentration of 1, at least: with fewer, products of them are no numbers.
SMALLEST_VOLUME = 1e-50
