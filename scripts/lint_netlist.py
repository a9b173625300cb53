# SPDX-License-Identifier: Apache-2.0
"""What a netlist that Yosys wrote as JSON is made of, and its longest path."""

RAM_BITS = {"RAMB36E2": 36864, "RAMB18E2": 18432, "URAM288": 294912}
# The number of LUTs that one distributed memory cell takes.
RAM_LUTS = {"RAM32M16": 8, "RAM64M8": 8, "RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4,
            "RAM64X1D": 2, "RAM32X1D": 2, "RAM256X1D": 8, "RAM512X1S": 8}
REGISTERS = ("FD", "LD", "RAMB", "URAM", "DSP", "BUFG")


def count(netlist):
    """Resources of a netlist by kind."""
    total = {"lut": 0, "ff": 0, "lutram": 0, "carry": 0, "dsp": 0, "ram_kbit": 0.0, "ram": {}}
    for cell in netlist["cells"].values():
        kind = cell["type"]
        if kind in RAM_BITS:
            total["ram"][kind] = total["ram"].get(kind, 0) + 1
            total["ram_kbit"] += RAM_BITS[kind] / 1024
        elif kind.startswith("DSP"):
            total["dsp"] += 1
        elif kind.startswith(("RAM", "SRL")):
            total["lutram"] += RAM_LUTS.get(kind, 1)
        elif kind.startswith("LUT"):
            total["lut"] += 1
        elif kind.startswith("FD"):
            total["ff"] += 1
        elif kind.startswith("CARRY"):
            total["carry"] += 1
    return total


def ends(cell, direction):
    """The bits of a cell's inputs or outputs that are nets."""
    return [bit for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == direction for bit in bits if isinstance(bit, int)]


def depths(netlist):
    """(depth of each cell between registers, the cell before it on its longest path, driver of each
    bit). LUTs, carries, multiplexers and LUT RAMs are a level each."""
    cells = {name: cell for name, cell in netlist["cells"].items()
             if not cell["type"].startswith(REGISTERS)}
    drivers = {bit: name for name, cell in cells.items() for bit in ends(cell, "output")}
    depth, longest, open_cells = {}, {}, set()
    for first in cells:
        stack = [first]
        while stack:
            name = stack[-1]
            if name in depth:
                stack.pop()
                continue
            before = [drivers[bit] for bit in ends(cells[name], "input") if bit in drivers]
            unknown = [cell for cell in before if cell not in depth]
            if unknown:
                if open_cells & set(unknown):
                    raise ValueError("a loop of logic")
                open_cells.add(name)
                stack += unknown
            else:
                longest[name] = max(before, key=depth.get, default=None)
                depth[name] = (depth[longest[name]] if before else 0) + \
                    (0 if cells[name]["type"] in ("INV", "BUF") else 1)
                stack.pop()
    return depth, longest, drivers


def levels(netlist):
    """Cells on the longest path between registers."""
    return max(depths(netlist)[0].values(), default=0)


def names_of_bits(netlist):
    """The shortest name that the text gave to each bit, and its place in it."""
    names = {}
    for name, net in sorted(netlist["netnames"].items(),
                            key=lambda item: (item[0].startswith("$"), len(item[0]))):
        for place, bit in enumerate(net["bits"]):
            names.setdefault(bit, f"{name}[{place}]" if len(net["bits"]) > 1 else name)
    return names


def paths(netlist, least):
    """(levels, where it begins, where it ends) of the longest path to each register and output that
    has at least so many levels, the longest first."""
    depth, longest, drivers = depths(netlist)
    names = names_of_bits(netlist)
    found = {}

    def add(bits, where):
        for bit in bits:
            name = drivers.get(bit)
            if name is not None and depth[name] >= max(least, found.get(where, (0,))[0]):
                first = name
                while longest[first] is not None:
                    first = longest[first]
                inputs = ends(netlist["cells"][first], "input")
                begin = names.get(inputs[0], "?") if inputs else "?"
                found[where] = (depth[name], begin, where)

    for name, cell in netlist["cells"].items():
        if cell["type"].startswith(REGISTERS):
            outputs = ends(cell, "output")
            add(ends(cell, "input"), (names.get(outputs[0], name) if outputs else name).split("[")[0])
    for name, port in netlist["ports"].items():
        if port["direction"] == "output":
            add(port["bits"], f"output {name}")
    return sorted(found.values(), reverse=True)
