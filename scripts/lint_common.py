# SPDX-License-Identifier: Apache-2.0
"""What the lint scripts share: the files of the tree, results remembered by content, and work in
parallel. A remembered result is only ever a success: what failed is checked again."""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"


def source_files(*suffixes):
    """Files of the tree with one of the suffixes: what git knows or would add, without build/."""
    found = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        names = found.stdout.split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    names = [name for name in names if name and not name.startswith(("build/", ".git/"))]
    return sorted(name for name in set(names)
                  if (not suffixes or name.endswith(suffixes)) and (ROOT / name).is_file())


def digest(*parts):
    """A hash of texts and of the contents of files (given as pathlib paths, or `Path` objects)."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode()
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()[:32]


def remembered(kind, name, key):
    """The text remembered for this name and key, or None."""
    path = CACHE / kind / name.replace("/", "__")
    try:
        stored, _, text = path.read_text().partition("\n")
    except OSError:
        return None
    return text if stored == key else None


def remember(kind, name, key, text=""):
    path = CACHE / kind / name.replace("/", "__")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(f"{key}\n{text}")
    part.replace(path)


def run(command, timeout=1800):
    """(status, output) of a command that runs in the root of the project."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return 1, f"{command[0]}: still running after {timeout} seconds"
    except OSError as error:
        return 1, f"{command[0]}: {error.strerror}"
    return done.returncode, done.stdout


def in_parallel(work, items, jobs=None):
    """Results of work(item), in the order of items."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 2) as pool:
        return list(pool.map(work, items))
