# SPDX-License-Identifier: Apache-2.0
"""The file system that the virtual machine starts with: a gzipped cpio archive (newc), made without cpio and root."""

import gzip
import io
import lzma


class Image:
    """Takes files, then write()s them."""

    def __init__(self):
        self.buffer = io.BytesIO()
        self.inode = 0
        self.folders = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        numbers = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
        for part in (head, data):
            self.buffer.write(part + b"\0" * (-len(part) % 4))

    def folder(self, name):
        """A folder and those it is in."""
        if name and name not in self.folders:
            self.folder(name.rpartition("/")[0])
            self.folders.add(name)
            self._entry(name, 0o40755)

    def file(self, name, path, mode=0o755):
        """The file at path, unpacked when its name ends with .xz."""
        self.folder(name.rpartition("/")[0])
        data = path.read_bytes()
        self._entry(name, 0o100000 | mode, lzma.decompress(data) if path.suffix == ".xz" else data)

    def text(self, name, text):
        self.folder(name.rpartition("/")[0])
        self._entry(name, 0o100644, text.encode())

    def write(self, path):
        self.folder("dev")
        self._entry("dev/console", 0o20600, device=(5, 1))
        self._entry("TRAILER!!!", 0)
        path.write_bytes(gzip.compress(self.buffer.getvalue(), 1))
