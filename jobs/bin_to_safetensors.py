"""bin_to_safetensors.py FOLDER: pytorch_model*.bin of a folder as safetensors, beside it; needs neither torch nor trust.

A .bin file is a pickle, and a pickle can run any programme. Here it may name nothing but what puts tensors together; every
other name is refused, and those that are allowed are stand-ins of this file. Both layouts of torch.save are read: the archive
(zip) since PyTorch 1.6, and the sequence of pickles before it.
"""

import io
import json
import math
import os
import pickle
import re
import struct
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path

CHUNK = 1 << 22
# torch's name -> (name in safetensors, bytes of an element)
TYPES = {
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
}
UNITS = {1: "B", 2: "H", 4: "I", 8: "Q"}  # memoryview's names by size
LEGACY_MAGIC, LEGACY_VERSION = 0x1950A86A20F9469CFC6C, 1001


class Refused(Exception):
    """The file is no plain set of tensors, or it is broken."""


class StorageType:
    def __init__(self, name):
        self.dtype, self.bytes = TYPES[name]


class Storage:
    """Where the elements lie: an entry of the archive, or a place in the file."""

    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        sizes = (offset, *shape, *stride)
        if (
            not isinstance(storage, Storage)
            or not all(type(n) is int and n >= 0 for n in sizes)
            or len(shape) != len(stride)
        ):
            raise Refused("a tensor's description is not one")
        last = offset + sum((n - 1) * s for n, s in zip(shape, stride))
        if 0 not in shape and last >= storage.count:
            raise Refused(f"a tensor of shape {list(shape)} reaches beyond its {storage.count} elements")
        if math.prod(shape) > storage.count:
            raise Refused(f"a tensor of shape {list(shape)} repeats its {storage.count} elements")
        self.storage, self.offset, self.shape, self.stride = storage, offset, tuple(shape), tuple(stride)

    @property
    def count(self):
        return math.prod(self.shape)

    def is_contiguous(self):
        expected = 1
        for n, s in reversed(list(zip(self.shape, self.stride))):
            if n != 1 and s != expected:
                return False
            expected *= n
        return True


def rebuild_tensor(storage, offset, shape, stride, *_):
    return Tensor(storage, offset, shape, stride)


def rebuild_parameter(data, *_):
    return data


ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): StorageType(name) for name in TYPES},
}


class Unpickler(pickle.Unpickler):
    storages = None

    def find_class(self, module, name):
        if (module, name) not in ALLOWED:
            raise Refused(f"its pickle asks for {module}.{name}, which no plain set of tensors needs")
        return ALLOWED[module, name]

    def persistent_load(self, given):
        if not (
            isinstance(given, tuple) and len(given) >= 5 and given[0] == "storage" and isinstance(given[1], StorageType)
        ):
            raise Refused("its pickle refers to something that is no storage")
        _, kind, key, _, count = given[:5]
        if len(given) > 5 and given[5] is not None:
            raise Refused("it holds a view of a storage, as only very old files do")
        if not isinstance(key, str) or type(count) is not int or count < 0:
            raise Refused("a storage's description is not one")
        return self.storages.setdefault(key, Storage(kind, key, count))


def load(file, storages):
    unpickler = Unpickler(file)
    unpickler.storages = storages
    try:
        return unpickler.load()
    except Refused:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise Refused(f"its pickle is broken: {error}") from None


class Archive:
    """The layout since PyTorch 1.6: <name>/data.pkl and <name>/data/<key>, stored without compression."""

    def __init__(self, path):
        try:
            self.zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise Refused(f"broken archive: {error}") from None
        pickles = [n for n in self.zip.namelist() if n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Refused(f"{len(pickles)} entries data.pkl in the archive, needs one")
        self.root = pickles[0][: -len("data.pkl")]
        order = self.root + "byteorder"
        if order in self.zip.namelist() and self.zip.read(order) != b"little":
            raise Refused("its numbers are not little-endian")
        self.storages = {}
        self.tensors = load(io.BytesIO(self.zip.read(pickles[0])), self.storages)

    def open(self, storage):
        try:
            info = self.zip.getinfo(f"{self.root}data/{storage.key}")
        except KeyError:
            raise Refused(f"storage {storage.key} is not in the archive") from None
        if info.file_size != storage.count * storage.kind.bytes:
            raise Refused(f"storage {storage.key} has {info.file_size} bytes, needs {storage.count} elements")
        return self.zip.open(info)


class Sequence:
    """The layout before: magic, version, system, tensors, keys (a pickle each), then the storages in the order of the keys."""

    def __init__(self, path):
        self.path, self.storages, self.place = path, {}, {}
        with open(path, "rb") as file:
            if load(file, {}) != LEGACY_MAGIC or load(file, {}) != LEGACY_VERSION:
                raise Refused("not a file of torch.save")
            system = load(file, {})
            if not (isinstance(system, dict) and system.get("little_endian") is True):
                raise Refused("its numbers are not little-endian")
            self.tensors = load(file, self.storages)
            keys = load(file, {})
            size = os.fstat(file.fileno()).st_size
            for key in keys if isinstance(keys, list) else []:
                storage, head = self.storages.get(key), file.read(8)
                if storage is None or len(head) != 8 or struct.unpack("<q", head)[0] != storage.count:
                    raise Refused(f"storage {key} is not where it should be")
                self.place[key] = file.tell()
                file.seek(storage.count * storage.kind.bytes, os.SEEK_CUR)
            if set(self.place) != set(self.storages) or file.tell() > size:
                raise Refused("storages are missing; is the file complete?")

    def open(self, storage):
        file = open(self.path, "rb")
        file.seek(self.place[storage.key])
        return file


def read(path):
    """The tensors of one file by name."""
    with open(path, "rb") as file:
        magic = file.read(2)
    source = Archive(path) if magic == b"PK" else Sequence(path)
    found = source.tensors
    if isinstance(found, dict) and set(found) == {"state_dict"}:
        found = found["state_dict"]
    if not isinstance(found, dict) or not found:
        raise Refused("it holds no dictionary of tensors")
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise Refused(f"entry {str(name)[:100]} is no tensor")
    return source, found


def copy(source, tensor, out):
    size, left = tensor.storage.kind.bytes, tensor.count * tensor.storage.kind.bytes
    with source.open(tensor.storage) as file:
        if tensor.is_contiguous():
            file.seek(tensor.offset * size, os.SEEK_CUR)
            while left:
                block = file.read(min(CHUNK, left))
                if not block:
                    raise Refused("the file ends within a tensor; is it complete?")
                out.write(block)
                left -= len(block)
            return
        data = memoryview(file.read(tensor.storage.count * size)).cast(UNITS[size])
    starts = [tensor.offset]
    for n, stride in zip(tensor.shape[:-1], tensor.stride[:-1]):
        starts = [start + i * stride for start in starts for i in range(n)]
    n, stride = tensor.shape[-1], max(tensor.stride[-1], 1)
    for start in starts:
        out.write(data[start : start + (n - 1) * stride + 1 : stride].tobytes())


def write(path, source, tensors):
    """One safetensors file: 8 bytes of length, the header, the elements without gaps; renamed once it is whole."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    order = sorted(tensors, key=lambda name: (-tensors[name].storage.kind.bytes, name))
    for name in order:
        tensor = tensors[name]
        end = at + tensor.count * tensor.storage.kind.bytes
        header[name] = {"dtype": tensor.storage.kind.dtype, "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            copy(source, tensors[name], out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def fresh_name(name):
    return re.sub(r"^pytorch_model(.*)\.bin", r"model\1.safetensors", name)


def convert(folder, names):
    """The files `names` of the folder (an index first, where there are several) as safetensors: old name -> new name."""
    folder, weight_map, total = Path(folder), {}, 0
    for name in names:
        if name.endswith(".json"):
            continue
        try:
            source, tensors = read(folder / name)
            write(folder / fresh_name(name), source, tensors)
        except Refused as error:
            raise Refused(f"{name}: {error}") from None
        weight_map.update({tensor: fresh_name(name) for tensor in tensors})
        total += sum(t.count * t.storage.kind.bytes for t in tensors.values())
    if len(names) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    return {name: fresh_name(name) for name in names}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    folder = Path(sys.argv[1])
    names = sorted(p.name for p in folder.glob("pytorch_model*.bin"))
    index = "pytorch_model.bin.index.json"
    if not names:
        sys.exit(f"bin_to_safetensors: no pytorch_model*.bin in {folder}")
    try:
        done = convert(folder, [index, *names] if len(names) > 1 else names)
    except Refused as error:
        print(f"bin_to_safetensors: {folder}: {error}", file=sys.stderr)
        return 65
    print(f"bin_to_safetensors: {folder}: {', '.join(v for k, v in done.items() if k != index)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
