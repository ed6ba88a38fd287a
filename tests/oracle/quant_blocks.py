"""Random GGUF blocks of every quantised type with their exact values: tests/golden/quant_blocks/blocks.gguf.

For each type the file holds the tensor `<type>` (random bytes, scales finite but with both signs,
subnormals, zeros and the largest halves) and `<type>.f32`, the values by the `gguf` package, to be met bit
for bit. A plain numpy transcript of the element formulas, one element at a time, checks the package before
anything is written."""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

N_BLOCK = 16
# type -> (elements a block, bytes a block, byte offsets of the half-precision scales)
TYPES = {
    "Q4_0": (32, 18, (0,)),
    "Q4_1": (32, 20, (0, 2)),
    "Q5_0": (32, 22, (0,)),
    "Q5_1": (32, 24, (0, 2)),
    "Q8_0": (32, 34, (0,)),
    "Q2_K": (256, 84, (80, 82)),
    "Q3_K": (256, 110, (108,)),
    "Q4_K": (256, 144, (0, 2)),
    "Q5_K": (256, 176, (0, 2)),
    "Q6_K": (256, 210, (208,)),
}
# 0, -0, least and largest subnormal, least normal, largest finite, each with both signs
SPECIAL = np.array(
    [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF], np.uint16
)


def random_blocks(rng, size, scales):
    blocks = rng.integers(0, 256, (N_BLOCK, size)).astype(np.uint8)
    for offset in scales:
        half = (
            (rng.standard_normal(N_BLOCK) * 10.0 ** rng.uniform(-5, 1, N_BLOCK)).astype("<f2").view(np.uint16)
        )
        half[: len(SPECIAL)] = rng.permutation(SPECIAL)
        blocks[:, offset : offset + 2] = half.astype("<u2").view(np.uint8).reshape(-1, 2)
    blocks[-1, [i for i in range(size) if not any(i in (o, o + 1) for o in scales)]] = 255
    return blocks


def half(block, offset):
    return np.float32(block[offset : offset + 2].view("<f2")[0])


def simple_element(kind, b, e):
    """Q4_0, Q4_1, Q5_0, Q5_1, Q8_0."""
    d = half(b, 0)
    if kind == "Q8_0":
        return np.float32(b[2 + e].astype(np.int8)) * d
    nibbles = {"Q4_0": 2, "Q4_1": 4, "Q5_0": 6, "Q5_1": 8}[kind]
    q = int(b[nibbles + e]) & 15 if e < 16 else int(b[nibbles + e - 16]) >> 4
    if kind.startswith("Q5"):
        high = int.from_bytes(b[nibbles - 4 : nibbles].tobytes(), "little")
        q |= ((high >> e) & 1) << 4
    if kind.endswith("_1"):
        return np.float32(q) * d + half(b, 2)
    return np.float32(q - (8 if kind == "Q4_0" else 16)) * d


def scale_min(scales, j):
    q = [int(x) for x in scales]
    if j < 4:
        return q[j] & 63, q[j + 4] & 63
    return (q[j + 4] & 15) | ((q[j - 4] >> 6) << 4), (q[j + 4] >> 4) | ((q[j] >> 6) << 4)


def k_element(kind, b, e):
    """Q2_K to Q6_K."""
    f = np.float32
    n, l, j = e >> 7, e & 31, (e >> 5) & 3
    if kind == "Q2_K":
        s = int(b[e >> 4])
        q = (int(b[16 + 32 * n + l]) >> (2 * j)) & 3
        return (half(b, 80) * f(s & 15)) * f(q) - half(b, 82) * f(s >> 4)
    if kind == "Q3_K":
        i = e >> 4
        low = (int(b[96 + (i & 7)]) >> (0 if i < 8 else 4)) & 15
        high = (int(b[96 + 8 + (i & 3)]) >> (2 * (i >> 2))) & 3
        q = ((int(b[32 + 32 * n + l]) >> (2 * j)) & 3) - (0 if (int(b[l]) >> (4 * n + j)) & 1 else 4)
        return (half(b, 108) * f((low | high << 4) - 32)) * f(q)
    if kind == "Q6_K":
        low = (int(b[64 * n + 32 * (j & 1) + l]) >> (4 * (j >> 1))) & 15
        high = (int(b[128 + 32 * n + l]) >> (2 * j)) & 3
        return (half(b, 208) * f(b[192 + (e >> 4)].astype(np.int8))) * f((low | high << 4) - 32)
    s, m = scale_min(b[4:16], e >> 5)
    nibbles = 16 if kind == "Q4_K" else 48
    q = (int(b[nibbles + 32 * (e >> 6) + l]) >> (4 * ((e >> 5) & 1))) & 15
    if kind == "Q5_K":
        q += ((int(b[16 + l]) >> (e >> 5)) & 1) << 4
    return (half(b, 0) * f(s)) * f(q) - (half(b, 2) * f(m))


def transcript(kind, blocks):
    element = k_element if kind.endswith("K") else simple_element
    n = TYPES[kind][0]
    return np.array([[element(kind, block, e) for e in range(n)] for block in blocks], np.float32)


def main():
    folder = Path(__file__).resolve().parent.parent / "golden" / "quant_blocks"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20240710)
    writer = gguf.GGUFWriter(folder / "blocks.gguf", "llama")
    for kind, (_, size, scales) in TYPES.items():
        blocks = random_blocks(rng, size, scales)
        values = gguf.dequantize(blocks, Type[kind]).reshape(N_BLOCK, -1)
        same = (transcript(kind, blocks).view(np.uint32) == values.view(np.uint32)).all()
        assert same and np.isfinite(values).all(), kind
        writer.add_tensor(kind.lower(), blocks, raw_dtype=Type[kind])
        writer.add_tensor(kind.lower() + ".f32", values)
        print(kind, values.shape, "bit for bit", np.abs(values[values != 0]).min(), np.abs(values).max())
    for kind, bits in (("f16", np.arange(0x8000, dtype=np.uint16)), ("bf16", rng.integers(0, 1 << 16, 4096))):
        write_halves(writer, kind, np.asarray(bits, np.uint16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_halves(writer, kind, bits):
    """Every finite half (one sign, every 9th plus all subnormals) or random bfloat16, signs added at
    random.
    """
    if kind == "f16":
        bits = np.concatenate([bits[:1024], bits[1024:0x7C00:9]])
        bits = bits | ((np.arange(len(bits), dtype=np.uint16) % 2) << 15)
        writer.add_tensor("f16", bits.view(np.float16))
        writer.add_tensor("f16.f32", bits.view(np.float16).astype(np.float32))
        return
    bits = bits[(bits & 0x7F80) != 0x7F80]
    values = (bits.astype(np.uint32) << 16).view(np.float32)
    writer.add_tensor("bf16", bits.astype("<u2").view(np.uint8), raw_dtype=Type.BF16)
    writer.add_tensor("bf16.f32", values)


if __name__ == "__main__":
    main()
