# SPDX-License-Identifier: Apache-2.0
"""Induction, one assertion after another: after K good clocks, from any state, it holds in the next.

The circuit (ASCII AIGER: assertions are bad states, assumptions constraints) is written out for K + 1
clocks as clauses, with what is equal or constant once, and z3 asked for each assertion by itself.
"""

import subprocess
import time


class Clauses:
    """Numbers 1 and up are variables, negative ones their opposites; 1 is true."""

    def __init__(self):
        self.count = 1
        self.list = [(1,)]
        self.ands = {}

    def new(self):
        self.count += 1
        return self.count

    def both(self, one, other):
        pair = (min(one, other), max(one, other))
        if -1 in pair or one == -other:
            return -1
        if 1 in pair:
            return other if one == 1 else one
        if one == other:
            return one
        if pair not in self.ands:
            self.ands[pair] = self.new()
            self.list += [(-self.ands[pair], one), (-self.ands[pair], other),
                          (self.ands[pair], -one, -other)]
        return self.ands[pair]


def read(path):
    """(inputs, latches, bad states, constraints, ands) of a circuit."""
    lines = path.read_text().splitlines()
    _, inputs, latches, outputs, ands, bad, constraints = [
        int(word) for word in (lines[0].split()[1:] + ["0", "0"])[:7]]
    rows = [[int(word) for word in line.split()] for line in
            lines[1:1 + inputs + latches + outputs + bad + constraints + ands]]
    parts = []
    for count in (inputs, latches, outputs, bad, constraints, ands):
        parts.append(rows[:count])
        rows = rows[count:]
    return parts[0], parts[1], parts[3], parts[4], parts[5]


def unroll(path, depth):
    """The clauses of depth + 1 clocks, of which all but the last are good, and its bad states."""
    inputs, latches, bad, constraints, ands = read(path)
    clauses = Clauses()
    state = {latch[0]: clauses.new() for latch in latches}
    for clock in range(depth + 1):
        nets = {0: -1, **state}

        def net(literal, nets=nets):
            return -nets[literal - 1] if literal & 1 else nets[literal]

        for row in inputs:
            nets[row[0]] = clauses.new()
        for out, one, other in ands:
            nets[out] = clauses.both(net(one), net(other))
        clauses.list += [(net(row[0]),) for row in constraints]
        wrong = [net(row[0]) for row in bad]
        if clock == depth:
            return clauses, wrong
        clauses.list += [(-literal,) for literal in wrong]
        state = {latch[0]: net(latch[1]) for latch in latches}
    return clauses, []


def prove(path, depth, seconds):
    """Returns whether each assertion holds, and what was said of each."""
    clauses, wrong = unroll(path, depth)
    names = [line.split("\\")[1] for line in path.with_suffix(".il").read_text().splitlines()
             if line.startswith("  cell $assert")]
    text = "".join(" ".join(map(str, clause)) + " 0\n" for clause in clauses.list)
    said, failed = [], not wrong
    for name, literal in zip(names, wrong):
        began = time.monotonic()
        if literal == -1:
            said.append(f"{name}: holds by itself")
            continue
        problem = path.with_suffix(".cnf")
        problem.write_text(f"p cnf {clauses.count} {len(clauses.list) + 1}\n{text}{literal} 0\n")
        result = subprocess.run(["z3", "-dimacs", f"-T:{seconds}", str(problem)], text=True,
                                capture_output=True, check=False)
        holds = "UNSATISFIABLE" in result.stdout
        failed = failed or not holds
        answer = "holds" if holds else result.stdout.split("\n")[0] or "no answer"
        said.append(f"{name}: {answer} ({time.monotonic() - began:.1f} s)")
    return not failed and len(names) == len(wrong), "\n".join(said)
