# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with the simulated card in one of its slots.

    portcam-sim --vfio-user--> QEMU (no KVM, IOMMU, vfio-user-pci) --> Debian's kernel, vfio-pci --> portcamd, portcam

The machine has a kernel and an initial file system, nothing else. It prints what its checks find to a second
serial port, and there it also asks for what only its host can do: to pull the card, to turn the machine off (a kernel
that waits a minute for a pulled card does not do that itself).
"""

import json
import pathlib
import re
import signal
import subprocess
import time

from image import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "build/vm"
FILES = CACHE / "root"
BUILT = ROOT / "build/tests/vm"
SIM = ROOT / "build/sim/portcam-sim"
IOMMUFD = CACHE / "iommufd"
GUEST = pathlib.Path(__file__).resolve().parent / "guest"
MODULES = ("irqbypass", "vfio", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci",
           "failover", "net_failover", "virtio_net")
WEB_MODULES = ("libcrc32c", "udp_tunnel", "ip6_udp_tunnel", "sctp")
PATIENCE = 600  # seconds until a machine that does not ask to be turned off counts as hanging


class Unavailable(RuntimeError):
    """The packages that the machine is made of cannot be had."""


def fetch():
    """Fetches the packages when they are not in the cache."""
    done = subprocess.run([ROOT / "tests/vm/fetch", CACHE], capture_output=True, text=True, check=False)
    if done.returncode == 69:
        raise Unavailable(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"tests/vm/fetch: status {done.returncode}\n{done.stderr}")


def build_iommufd():
    """Builds the modules for iommufd when they are not in the cache."""
    done = subprocess.run([ROOT / "tests/vm/build-iommufd", CACHE], capture_output=True, text=True, check=False)
    if done.returncode == 69:
        raise Unavailable(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"tests/vm/build-iommufd: status {done.returncode}\n{done.stderr}")


def version(package):
    """NAME/UPSTREAM-VERSION of a fetched package, as servers tell theirs."""
    match = re.search(rf"^{package} ([^-\n]*)", (CACHE / "versions").read_text(), re.MULTILINE)
    return f"{package}/{match[1]}"


def program(path):
    """Words that run a fetched program with the libraries that were fetched with it."""
    libraries = FILES / "usr/lib/x86_64-linux-gnu"
    return [libraries / "ld-linux-x86-64.so.2", "--library-path", f"{libraries}:{libraries}/systemd", FILES / path]


def add_with_libraries(image, name):
    """A fetched program and its libraries, where it looks for them."""
    image.file(name, FILES / name)
    command = program(name)
    listed = subprocess.run([command[0], "--list", *command[1:]], capture_output=True, text=True, check=True).stdout
    for library, path in re.findall(r"^\s*(\S+) => (\S+)", listed, re.MULTILINE):
        image.file(library.removeprefix("/") if library.startswith("/") else f"lib/x86_64-linux-gnu/{library}", pathlib.Path(path))


def make_image(path, iommufd=False, web=False):
    """The initial file system; iommufd: with the modules of build-iommufd where it has them; web: with servers of HTTP and SCTP."""
    image = Image()
    image.file("init", GUEST / "init")
    image.file("bin/busybox", FILES / "usr/bin/busybox")
    for name in ("portcam", "portcamd", "driver_check", "mirror_check", "keep_check"):
        image.file(f"bin/{name}", BUILT / name)
    for part in GUEST.iterdir():
        if part.name != "init":
            image.file(f"guest/{part.name}", part, 0o644)
    image.file("guest/failures", GUEST.parent / "failures", 0o644)
    image.file("guest/balance.json", ROOT / "docs/examples/balance.json", 0o644)
    image.file("guest/shop.json", ROOT / "demo/shop.json", 0o644)
    if web:
        add_with_libraries(image, "usr/sbin/nginx")
        image.file("bin/sctp_echo", BUILT / "sctp_echo")
    image.text("etc/passwd", "root:x:0:0::/:/bin/sh\nportcam:x:1000:1000::/:/bin/sh\n")
    image.text("etc/group", "root:x:0:\nportcam:x:1000:\n")
    for name in MODULES + (WEB_MODULES if web else ()):
        if not iommufd or not (IOMMUFD / f"{name}.ko").exists():
            image.file(f"modules/{name}.ko", next(FILES.glob(f"usr/lib/modules/*/kernel/**/{name}.ko.xz")))
    for module in IOMMUFD.glob("*.ko") if iommufd else ():
        image.file(f"modules/{module.name}", module)
    image.write(path)


class Result:
    """What a machine told: checks {what: passed}, their order, comments before each; the kernel's log."""

    def __init__(self, text, console):
        self.text = text
        self.console = console
        self.checks = {}
        self.told = {}
        self.twice = []
        self.planned = None
        told = []
        for line in text.splitlines():
            if match := re.fullmatch(r"(not )?ok - (.*)", line):
                if match[2] in self.checks:
                    self.twice.append(match[2])
                self.checks[match[2]] = not match[1]
                self.told[match[2]] = "\n".join(told)
                told = []
            elif match := re.fullmatch(r"1\.\.(\d+)", line):
                self.planned = int(match[1])
            else:
                told.append(line)


class Machine:
    """One boot. Part: which file of guest/ runs; iommu: whether the machine has one; others: options of further cards,
    each in a slot of its own; iommufd: whether the kernel has it."""

    def __init__(self, folder, part, iommu=True, engine="rtl", others=(), iommufd=False):
        self.folder = pathlib.Path(folder)
        self.part = part
        self.iommu = iommu
        self.engine = engine
        self.others = others
        self.iommufd = iommufd
        self.processes = {}

    def start(self, name, command):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def card_command(self):
        return [SIM, "--socket", self.folder / "card", "--quiet", "--report-faults", "--engine", self.engine]

    def start_cards(self):
        """Returns when they listen, which they must before QEMU starts."""
        self.start("card", self.card_command())
        for number, options in enumerate(self.others, 1):
            self.start(f"card{number}", [SIM, "--socket", self.folder / f"card{number}", "--quiet", "--report-faults",
                                         "--engine", "model", *options])
        for name in list(self.processes):
            while not (self.folder / name).exists():
                if self.processes[name].poll() is not None:
                    raise RuntimeError((self.folder / f"{name}.log").read_text())
                time.sleep(0.01)

    def card_is_up(self):
        """Between the start of the card and that of the machine."""

    def qemu_arguments(self):
        """What a kind of machine has beyond the common parts."""
        return []

    def slot(self, number, name):
        """QEMU's words for a card below a root port of its own."""
        card = {"driver": "vfio-user-pci", "bus": f"root{number}", "addr": "00.0", "multifunction": number == 0,
                "x-no-posted-writes": True, "x-msg-timeout": 600000,
                "socket": {"path": str(self.folder / name), "type": "unix"}}
        return ["-device", f"pcie-root-port,id=root{number},chassis={number + 1}", "-device", json.dumps(card)]

    def qemu(self):
        kernel = next(FILES.glob("boot/vmlinuz-*"))
        return [
            *program("usr/bin/qemu-system-x86_64"),
            "-L", FILES / "usr/share/seabios", "-L", FILES / "usr/share/qemu",
            "-nodefaults", "-display", "none", "-no-reboot", "-cpu", "max", "-smp", "1", "-m", "256",
            "-M", "q35,accel=tcg,memory-backend=memory",
            "-object", "memory-backend-memfd,id=memory,size=256M,share=on",
            *(["-device", "intel-iommu,intremap=on,caching-mode=on"] if self.iommu else []),
            *self.slot(0, "card"), "-device", "virtio-balloon-pci,bus=root0,addr=00.1",
            *(word for number in range(1, len(self.others) + 1) for word in self.slot(number, f"card{number}")),
            "-kernel", kernel, "-initrd", self.folder / "image",
            "-append", f"console=ttyS0 panic=-1 quiet intel_iommu=on portcam.part={self.part}",
            "-serial", f"file:{self.folder}/console", "-serial", f"file:{self.folder}/results",
            *self.qemu_arguments()]

    def run(self):
        """Boots, waits for the end. What the guest asks for with a line "host: WORD" is done by host_WORD()."""
        make_image(self.folder / "image", self.iommufd, web=self.part == "shop")
        results = self.folder / "results"
        results.touch()
        served = 0
        try:
            self.start_cards()
            self.card_is_up()
            self.start("qemu", self.qemu())
            end = time.monotonic() + PATIENCE
            while "qemu" in self.processes and self.processes["qemu"].poll() is None and time.monotonic() < end:
                asked = re.findall(r"^host: (\w+)\r?$", results.read_text(errors="replace"), re.MULTILINE)
                for word in asked[served:]:
                    getattr(self, f"host_{word}")()
                served = len(asked)
                time.sleep(0.02)
            ended = self.processes["qemu"].poll() if "qemu" in self.processes else "off"
        finally:
            for name in reversed(list(self.processes)):
                self.stop(name)
        text = results.read_text(errors="replace").replace("\r", "")
        console = (self.folder / "console").read_text(errors="replace")
        told = (self.folder / "qemu.log").read_text(errors="replace")
        return Result(text, f"{console}{told}\nQEMU's end: {ended}\n")

    def host_pull(self):
        """The card is pulled out of its slot. Not by ending its process: where the socket closes under a busy guest, QEMU 11.1
        sometimes aborts (error_setv(): Assertion `*errp == NULL')."""
        self.processes["card"].send_signal(signal.SIGUSR2)

    def host_off(self):
        """The machine is turned off."""
        self.stop("qemu")
