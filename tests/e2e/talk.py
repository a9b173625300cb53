#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many connections that talk, each end in one process.

    talk.py server ADDRESS PORT...             answers each message with its port and the message
    talk.py client COUNT SEED PAUSE END...     keeps COUNT connections talking to the ends (IP:PORT) by turns

The server prints "ready". So does the client when every connection had an answer; it goes on until its input ends, asks each
connection once more, and prints as JSON what became of them. Meanwhile visitors come and go, connections of two
messages each. A connection is broken when it ends, when its answer comes from another port than before, or when it is
not what was sent.
"""

import asyncio
import collections
import json
import random
import resource
import struct
import sys

SIZE = 200      # bytes of a message
PATIENCE = 60   # seconds until a last answer that does not come counts as none
AT_ONCE = 100   # connections that begin at a time


class Answering(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, port):
        self.port = struct.pack(">H", port)
        self.transport = None
        self.heard = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard += data
        while len(self.heard) >= SIZE:
            self.transport.write(self.port + self.heard[:SIZE])
            self.heard = self.heard[SIZE:]


async def serve(address, ports):
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda port=port: Answering(port), address, port, backlog=4096)
               for port in ports]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


class Broken(Exception):
    """What is wrong with a connection."""


class Talker:
    """The client's side of one connection."""

    def __init__(self, end, number, chance):
        self.end = end
        self.number = number
        self.chance = chance
        self.port = None
        self.messages = 0

    async def open(self):
        address, port = self.end.rsplit(":", 1)
        self.reader, self.writer = await asyncio.open_connection(address, int(port))

    async def ask(self):
        data = struct.pack(">II", self.number, self.messages) + self.chance.randbytes(SIZE - 8)
        self.writer.write(data)
        answer = await self.reader.readexactly(2 + SIZE)
        port = struct.unpack(">H", answer[:2])[0]
        if answer[2:] != data:
            raise Broken("an answer that is not what was sent")
        if self.port not in (None, port):
            raise Broken(f"an answer from port {port} after {self.port}")
        self.port = port
        self.messages += 1

    def close(self):
        self.writer.close()


class Crowd:
    """All connections of the client."""

    def __init__(self, count, seed, pause, ends):
        self.chance = random.Random(seed)
        self.pause = pause
        self.ends = ends
        self.talkers = [Talker(ends[n % len(ends)], n, self.chance) for n in range(count)]
        self.begun = 0
        self.stop = asyncio.Event()
        self.gate = asyncio.Semaphore(AT_ONCE)
        self.broken = []
        self.visits = collections.Counter()
        self.failed_visits = []

    async def talk(self, talker):
        try:
            async with self.gate:
                await talker.open()
                await talker.ask()
            self.begun += 1
            while not self.stop.is_set():
                await asyncio.sleep(self.pause * (0.5 + self.chance.random()))
                await talker.ask()
            await asyncio.wait_for(talker.ask(), PATIENCE)
            talker.close()
        except (OSError, EOFError, Broken, TimeoutError, asyncio.TimeoutError) as error:
            self.broken.append({"number": talker.number, "end": talker.end, "port": talker.port,
                                "messages": talker.messages, "why": f"{type(error).__name__}: {error}"})

    async def visit(self):
        """Two messages and an end."""
        number = 1 << 31
        while not self.stop.is_set():
            visitor = Talker(self.chance.choice(self.ends), number, self.chance)
            number += 1
            try:
                await asyncio.wait_for(visitor.open(), 5)
                await asyncio.wait_for(visitor.ask(), 5)
                await asyncio.wait_for(visitor.ask(), PATIENCE)
                visitor.close()
                self.visits[str(visitor.port)] += 1
            except (OSError, EOFError, Broken, TimeoutError, asyncio.TimeoutError) as error:
                what = type(error).__name__
                self.visits[what] += 1
                self.failed_visits.append({"end": visitor.end, "port": visitor.port, "why": f"{what}: {error}"})
            await asyncio.sleep(0.01)

    async def run(self):
        tasks = [asyncio.create_task(self.talk(talker)) for talker in self.talkers]
        while self.begun + len(self.broken) < len(tasks):
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        tasks.append(asyncio.create_task(self.visit()))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, sys.stdin.read)
        self.stop.set()
        await asyncio.gather(*tasks)
        print(json.dumps({"connections": len(self.talkers), "broken": self.broken,
                          "messages": sum(talker.messages for talker in self.talkers),
                          "ports": collections.Counter(str(talker.port) for talker in self.talkers),
                          "visits": self.visits, "failed_visits": self.failed_visits}), flush=True)


async def talk(count, seed, pause, ends):
    await Crowd(count, seed, pause, ends).run()


def main(words):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if words[0] == "server":
        asyncio.run(serve(words[1], [int(port) for port in words[2:]]))
    else:
        asyncio.run(talk(int(words[1]), int(words[2]), float(words[3]), words[4:]))


if __name__ == "__main__":
    main(sys.argv[1:])
