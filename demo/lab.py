# SPDX-License-Identifier: Apache-2.0
"""Real clients and real servers on the two sides of a simulated card.

    client namespace --TAP-- network port [ portcam-sim ] function 1 --TAP-- server namespace
                                               |
                                 vfio-user socket: portcamd, portcam

The three public addresses stand on the server's interface, so that its kernel answers ARP for them, but nothing
listens on their port 80: the nginx processes listen on the server's own address at ports 8081, 8082
and 8083. Only what the card rewrites finds them.

A Lab makes namespaces, processes and one folder, all with its own process id in their names, and takes all
of them away again at the end of its `with` block, also when the block ends with an exception.
"""

import contextlib
import grp
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIM = ROOT / "build/sim/portcam-sim"
PORTCAM = ROOT / "build/cli/portcam"
PORTCAMD = ROOT / "build/cli/portcamd"
CONFIG = ROOT / "demo/shop.json"

CLIENT = "192.0.2.2"
SERVER = "192.0.2.10"
SERVER_MAC = "02:00:00:00:01:01"
CLIENT6 = "2001:db8:1::2"
SERVER6 = "2001:db8:1::10"
PUBLIC6 = "2001:db8:2::1"
PUBLIC = {"198.51.100.1": 8081, "198.51.100.2": 8082, "198.51.100.3": 8083}
PATIENCE = 60  # seconds until something that does not come up counts as broken


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def endings_wait():
    """Ctrl-C and the like are heard at the end of the block: what it makes is known by then."""
    came = []
    old = {number: signal.signal(number, lambda heard, _: came.append(heard)) for number in ENDINGS}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        for number in came:
            os.kill(os.getpid(), number)


class LabError(RuntimeError):
    """Something of the laboratory did not come up; the text tells what and why."""


def why_not():
    """Why there can be no laboratory here; None where there can be one."""
    if os.geteuid() != 0:
        return "network namespaces and TAP interfaces need root"
    if not pathlib.Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun; load it with \"modprobe tun\""
    for tool in ("ip", "nginx", "curl"):
        if not shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
            return f"the program {tool} is not installed"
    name = f"portcam-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    tap = subprocess.run(["ip", "-n", name, "tuntap", "add", "dev", "try", "mode", "tap"],
                         capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", name], check=False)
    return f"no TAP interface can be made: {tap.stderr.strip()}" if tap.returncode else None


def wait_until(true, what, process=None, log=None):
    """Returns when true() is; raises when the process ends first or patience does."""
    end = time.monotonic() + PATIENCE
    while not true():
        text = pathlib.Path(log).read_text(errors="replace")[-2000:] if log else ""
        if process and process.poll() is not None:
            raise LabError(f"{what}: the process ended with {process.returncode}\n{text}")
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {PATIENCE} seconds\n{text}")
        time.sleep(0.02)


def answers(path):
    """Does somebody listen on this UNIX socket?"""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


open_labs = []


def close_all():
    """For a program at its end, deaf to signals: one may have come between a laboratory's block and its clearing away."""
    for laboratory in list(open_labs):
        laboratory.close()


class Lab(contextlib.AbstractContextManager):
    """The laboratory. Engine: rtl, model or lockstep; pages: {path: bytes} that every nginx serves, the page "download" at
    this many bytes a second for each client."""

    def __init__(self, engine="rtl", pages=None, rate="200k"):
        self.engine = engine
        self.pages = pages or {}
        self.rate = rate
        self.folder = None
        self.spaces = []
        self.processes = {}
        self.stats = None  # what the card told at its end

    def make_folder(self):
        with endings_wait():
            open_labs.append(self)
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"portcam-{os.getpid()}-"))

    def __enter__(self):
        try:
            self.make_folder()
            self.client = self.namespace("client")
            self.server = self.namespace("server")
            self.card = self.namespace("card")
            self.start_card()
            self.cable("net0", self.client, [f"{CLIENT}/24", f"{CLIENT6}/64"],
                       routes=["198.51.100.0/24", "2001:db8:2::/64"])
            self.cable("host1", self.server, [f"{SERVER}/24", *(f"{ip}/32" for ip in PUBLIC),
                                              f"{SERVER6}/64", f"{PUBLIC6}/128"], mac=SERVER_MAC)
            for ip, port in PUBLIC.items():
                self.start_nginx(ip, port)
            self.start_daemon()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def close(self):
        """Takes everything away; may be called twice."""
        # A second Ctrl-C must not stop the clearing away.
        old = {number: signal.signal(number, signal.SIG_IGN)
               for number in ENDINGS}
        try:
            for name in list(reversed(self.processes)):
                self.stop(name)
            for space in self.spaces:
                subprocess.run(["ip", "netns", "delete", space], capture_output=True,
                               check=False)
            self.spaces = []
            if self.folder:
                stats = self.folder / "card-stats.json"
                if stats.exists():
                    self.stats = json.loads(stats.read_text())
                shutil.rmtree(self.folder, ignore_errors=True)
            if self in open_labs:
                open_labs.remove(self)
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    # ---- the parts ----

    def namespace(self, role):
        name = f"portcam-{os.getpid()}-{role}"
        self.spaces.append(name)
        subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        return name

    def start(self, name, *command):
        """A process with its own log; it is ended by its process id."""
        with open(self.log(name), "ab") as log, endings_wait():
            self.processes[name] = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)  # Ctrl-C is for the laboratory, which ends them in order
        return self.processes[name]

    def stop(self, name, number=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if not process:
            return None
        if process.poll() is None:
            os.kill(process.pid, number)
        try:
            return process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def log(self, name):
        return self.folder / f"{name}.log"

    def start_card(self):
        path = self.folder / "card.sock"
        self.start("card", "ip", "netns", "exec", self.card, SIM, "--socket", path,
                   "--engine", self.engine, "--net", "tap:net0", "--host", "tap:host1",
                   "--stats", self.folder / "card-stats.json")
        self.wait_for_card()

    def wait_for_card(self):
        """Its socket is there a moment before it listens; then it says so."""
        log = self.log("card")
        wait_until(lambda: f"socket {self.folder}" in log.read_text(), "the simulated card",
                   self.processes["card"], log)

    def cable(self, tap, space, addresses, mac=None, routes=()):
        """Brings one of the card's TAP interfaces to a namespace."""
        def ip(where, *words):
            subprocess.run(["ip", "-n", where, *words], check=True)
        wait_until(lambda: subprocess.run(["ip", "-n", self.card, "link", "show", tap],
                                          capture_output=True, check=False).returncode == 0,
                   f"the interface {tap}")
        ip(self.card, "link", "set", tap, "netns", space)
        if mac:
            ip(space, "link", "set", tap, "address", mac)
        for address in addresses:
            ip(space, "address", "add", address, "dev", tap, *(["nodad"] if ":" in address else []))
        ip(space, "link", "set", tap, "up")
        for route in routes:
            ip(space, "route", "add", route, "dev", tap)

    def start_nginx(self, public, port):
        home = self.folder / f"nginx-{port}"
        (home / "www").mkdir(parents=True)
        for path, content in self.pages.items():
            (home / "www" / path).write_bytes(content)
        (home / "nginx.conf").write_text(f"""
            user root;
            worker_processes 1;
            daemon off;
            pid {home}/pid;
            error_log {home}/error.log;
            events {{ worker_connections 1024; }}
            http {{
                access_log {home}/access.log;
                client_body_temp_path {home}/body;
                proxy_temp_path {home}/proxy;
                fastcgi_temp_path {home}/fastcgi;
                uwsgi_temp_path {home}/uwsgi;
                scgi_temp_path {home}/scgi;
                keepalive_requests 1000000;
                server {{
                    listen {SERVER}:{port} backlog=4096;
                    listen [{SERVER6}]:{port};
                    root {home}/www;
                    location = / {{
                        return 200 "nginx at $server_addr:$server_port for {public}\n";
                    }}
                    location = /server {{ return 200 "$server_addr:$server_port\n"; }}
                    location = /download {{ limit_rate {self.rate}; }}
                }}
            }}""")
        nginx = self.start(f"nginx-{port}", "ip", "netns", "exec", self.server, "nginx",
                           "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log")
        wait_until((home / "pid").exists, f"nginx at port {port}", nginx, self.log(f"nginx-{port}"))

    def start_daemon(self):
        control = self.folder / "portcam.sock"
        group = grp.getgrgid(os.getegid()).gr_name
        daemon = self.start("portcamd", PORTCAMD, "-d", f"vfio-user:{self.folder}/card.sock",
                            "-S", control, "-D", self.folder / "state", "-g", group)
        wait_until(lambda: answers(control), "portcamd", daemon, self.log("portcamd"))

    # ---- what one does in it ----

    def portcam(self, *words, check=True):
        """One command of the operator; its whole answer."""
        done = subprocess.run([PORTCAM, "-S", self.folder / "portcam.sock", *map(str, words)],
                              capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise LabError(f"portcam {' '.join(map(str, words))}: {done.stderr}")
        return done

    def json(self, *words):
        return json.loads(self.portcam("-j", *words).stdout)

    def run(self, space, *words, **options):
        """A program in one of the namespaces."""
        options.setdefault("check", False)
        return subprocess.run(["ip", "netns", "exec", space, *map(str, words)], **options)

    def curl(self, url, *words):
        return self.run(self.client, "curl", "-sS", "--max-time", "60", *words, url,
                        capture_output=True, text=True)

    def finish(self):
        """Ends everything in order; what the card told at its end."""
        self.close()
        if not self.stats:
            raise LabError("the simulated card told nothing at its end")
        return self.stats
