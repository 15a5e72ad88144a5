"""Text of nests of loops over index sets: each concentration is read once, each sum stored once, as far out as can be.

In the `wide` form a table is the vector of all species of one run and the innermost loop takes eight species at a time;
otherwise a row of a table is one species, in eight runs (see `crnsim.kinetics.codegen`).

Nothing that a user has named stands in the text: dimensions and arrays of species go by their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from crnsim.network.families import Family
from crnsim.network.network import Network

_FUNCTION = """

def {name}({arguments}, size, offset, first):
    zero = splat(0.0)
"""

Loops = tuple[str, ...]


class Writer:
    """Text of one function."""

    def __init__(self, network: Network, wide: bool) -> None:
        self.network, self.wide = network, wide
        self.dims = {species.name: species.dims for species in network.species}
        #: Variables that hold the length of a dimension, and the first row of an array of species.
        self.length = {name: f"n{place}" for place, name in enumerate(network.dims)}
        self.first_row = {species.name: f"at{place}" for place, species in enumerate(network.species)}
        self.body: list[str] = []
        self.touched: set[tuple[str, str]] = set()  # (table, array) that hold a value already
        self.zeroed: list[tuple[str, str]] = []  # those that must be set to zero first

    def sizes(self) -> list[str]:
        """Lines that name the lengths of dimensions and the first rows of arrays."""
        lines = [f"    {variable} = size[{place + 1}]" for place, variable in enumerate(self.length.values())]
        return lines + [
            f"    {variable} = offset[{place}]" for place, variable in enumerate(self.first_row.values())
        ]

    def product(self, dims: tuple[str, ...]) -> str:
        """Product of the lengths of dimensions; empty for none."""
        return " * ".join(self.length[d] for d in dims)

    def position(self, start: str, dims: tuple[str, ...], loops: Loops) -> str:
        """Place of an element of an array that is laid out in C order."""
        index = ""
        for loop, dim in zip(loops, dims, strict=True):
            index = f"({index}) * {self.length[dim]} + {loop}" if index else loop
        return f"{start} + {index}" if index else start

    def start(self, table: str, name: str) -> None:
        """Set an array of a table to zero at the head of the function."""
        if (table, name) not in self.touched:
            self.touched.add((table, name))
            self.zeroed.append((table, name))

    def text(self, name: str, arguments: str) -> str:
        """Text of the whole function."""
        zeros = []
        for table, array in self.zeroed:
            count, start = self.product(self.dims[array]) or "1", self.first_row[array]
            if self.wide:
                zeros.append(f"    for at in range(0, {count}, 8):")
                zeros.append(f"        store_part({table}, {start} + at, {count} - at, zero)")
            else:
                zeros.append(f"    for row in range({start}, {start} + {count}):")
                zeros.append(f"        store({table}, row, zero)")
        head = _FUNCTION.format(name=name, arguments=arguments)
        return head + "\n".join(self.sizes() + zeros + self.body) + "\n"


class Nest:
    """Loops over dimensions; in them loads, sums and stores, each at the outermost loop where its indices are known."""

    def __init__(self, writer: Writer, dims: tuple[str, ...]) -> None:
        self.writer, self.dims, self.depth = writer, dims, len(dims)
        self.wide = writer.wide
        self.inner = f"i{self.depth - 1}"
        self.part = f"{writer.length[dims[-1]]} - {self.inner}" if dims else "1"
        self.names: dict[tuple[str, str, Loops], str] = {}
        self.opening: list[list[str]] = [[] for _ in range(self.depth + 1)]
        self.body: list[str] = []
        self.closing: list[list[str]] = [[] for _ in range(self.depth + 1)]
        self.sums: dict[tuple[str, str, Loops], tuple[str, str | None]] = {}

    def _level(self, loops: Loops) -> int:
        return max((int(v[1:]) + 1 for v in loops), default=0)

    def _row(self, name: str, loops: Loops) -> str:
        return self.writer.position(self.writer.first_row[name], self.writer.dims[name], loops)

    def _kind(self, loops: Loops) -> str:
        """How eight species lie in the wide form: ``part`` neighbours, ``one`` for all lanes, or ``stride``."""
        if not self.depth or (loops and loops[-1] == self.inner and self.inner not in loops[:-1]):
            return "part"
        return "stride" if self.inner in loops else "one"

    def _stride(self, dims: tuple[str, ...], loops: Loops) -> str:
        """Distance in memory of two elements that are neighbours in the innermost loop."""
        places = [place for place, loop in enumerate(loops) if loop == self.inner]
        return " + ".join(self.writer.product(dims[place + 1 :]) or "1" for place in places)

    def _read(self, table: str, name: str, loops: Loops) -> str:
        row = self._row(name, loops)
        if not self.wide:
            return f"load({table}, {row})"
        kind = self._kind(loops)
        if kind == "part":
            return f"load_part({table}, {row}, {self.part})"
        if kind == "one":
            return f"broadcast({table}, {row})"
        return f"gather({table}, {row}, {self._stride(self.writer.dims[name], loops)}, {self.part})"

    def write(self, table: str, name: str, loops: Loops, value: str) -> str:
        """Line that sets a value of a table."""
        row = self._row(name, loops)
        if not self.wide:
            return f"store({table}, {row}, {value})"
        kind = self._kind(loops)
        if kind == "part":
            return f"store_part({table}, {row}, {self.part}, {value})"
        if kind == "one":
            return f"store_part({table}, {row}, 1, {value})"
        stride = self._stride(self.writer.dims[name], loops)
        return f"scatter({table}, {row}, {stride}, {self.part}, {value})"

    def value(self, table: str, name: str, loops: Loops) -> str:
        """Variable that holds a value of a table."""
        key = (table, name, loops)
        if key not in self.names:
            self.names[key] = f"v{len(self.names)}"
            self.opening[self._level(loops)].append(f"{self.names[key]} = {self._read(*key)}")
        return self.names[key]

    def store(self, table: str, name: str, loops: Loops, value: str) -> None:
        """Set a value of a table now, and remember it."""
        self.body.append(self.write(table, name, loops, value))
        self.names[table, name, loops] = value

    def rate(self, number: int, family: Family, letters: dict[str, str]) -> str:
        """Rate constants of a family, read where they are used: once each."""
        loops = tuple(letters[i] for i in family.indices)
        place = self.writer.position(f"first[{number}]", family.dims, loops)
        if not self.wide:
            return f"load(rate, {place})"
        if not self.depth or (loops and loops[-1] == self.inner):
            return f"load_part(rate, {place}, {self.part})"
        stride = self._stride(family.dims, loops)
        return f"gather(rate, {place}, {stride}, {self.part})" if stride else f"broadcast(rate, {place})"

    def add(self, table: str, name: str, loops: Loops, amount: str, scale: str | None = None) -> None:
        """Add to a sum that ends in a table."""
        sum_ = self._sum(table, name, loops, scale)
        self.body.append(f"{sum_} = {sum_} {amount}")

    def add_product(
        self, table: str, name: str, loops: Loops, factors: tuple[str, str, int], scale: str
    ) -> None:
        """Add a product, and how often, to a sum that ends in a table."""
        self.body.append(product(self._sum(table, name, loops, scale), *factors))

    def _sum(self, table: str, name: str, loops: Loops, scale: str | None) -> str:
        """Variable of a sum that ends in a table."""
        key = (table, name, loops)
        if key not in self.sums:
            self.sums[key] = (f"d{len(self.sums)}", scale)
            self.opening[self._level(loops)].append(f"{self.sums[key][0]} = zero")
        return self.sums[key][0]

    def _close(self) -> None:
        seen = [(table, name) for table, name, _ in self.sums]
        for (table, name, loops), (sum_, scale) in self.sums.items():
            level = self._level(loops)
            # A sum that is complete at its level and the first of its array needs no zero to be added to.
            whole = set(loops) == {f"i{i}" for i in range(level)} and len(set(loops)) == len(loops)
            fresh = (table, name) not in self.writer.touched and whole and seen.count((table, name)) == 1
            value = f"total({sum_})" if self.wide and self._kind(loops) == "one" else sum_
            if scale:
                value = f"{scale} * {value}"
            if not fresh:
                self.writer.start(table, name)
                read = self._read(table, name, loops)
                value = f"{read} + {value}"
            self.closing[level].append(self.write(table, name, loops, value))
        self.writer.touched |= set(seen)

    def finish(self) -> None:
        """Write the nest into the function."""
        self._close()
        lines = self.writer.body
        for level in range(self.depth + 1):
            pad = "    " * (level + 1)
            lines += [pad + line for line in self.opening[level]]
            if level < self.depth:
                step = ", 8" if self.wide and level == self.depth - 1 else ""
                start = "0, " if step else ""
                lines.append(
                    f"{pad}for i{level} in range({start}{self.writer.length[self.dims[level]]}{step}):"
                )
        lines += ["    " * (self.depth + 1) + line for line in self.body]
        for level in range(self.depth, -1, -1):
            lines += ["    " * (level + 1) + line for line in self.closing[level]]


@dataclass
class IndexSet:
    """Families over the same dimensions, with each one's index letters as loop variables."""

    dims: tuple[str, ...]
    families: list[tuple[int, Family, dict[str, str]]] = field(default_factory=list)


def index_sets(families: list[tuple[int, Family]]) -> list[IndexSet]:
    """Gather families over the same dimensions, so that a nest reads each concentration once."""
    sets: dict[tuple[str, ...], IndexSet] = {}
    for number, family in families:
        distinct = len(set(family.dims)) == len(family.dims)
        key = tuple(sorted(family.dims)) if distinct else ("", *family.dims)
        chosen = sets.setdefault(key, IndexSet(family.dims))
        if distinct:
            letters = {
                i: f"i{chosen.dims.index(d)}" for i, d in zip(family.indices, family.dims, strict=True)
            }
        else:
            letters = {i: f"i{position}" for position, i in enumerate(family.indices)}
        chosen.families.append((number, family, letters))
    return list(sets.values())


def loops_of(indices: tuple[str, ...], letters: dict[str, str]) -> Loops:
    """Loop variables for index letters."""
    return tuple(letters[i] for i in indices)


def times(value: str, count: int) -> str:
    """A term of a sum."""
    sign = "+" if count > 0 else "-"
    return f"{sign} {value}" if abs(count) == 1 else f"{sign} splat({abs(count)}.0) * {value}"


def product(sum_: str, left: str, right: str, count: int) -> str:
    """Line that adds a product, `count` times, to a variable."""
    if abs(count) > 1:
        left = f"splat({abs(count)}.0) * {left}"
    return (
        f"{sum_} = fused({left}, {right}, {sum_})"
        if count > 0
        else f"{sum_} = reduced({sum_}, {left}, {right})"
    )
