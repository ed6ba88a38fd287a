"""Seeds of the fuzz targets: small good files, and known attacks on each format, one a file.

Usage: python3 tests/fuzz/make_seeds.py, beside tests/golden. Writes tests/fuzz/seeds/<format>/<name>; `valid-` must be accepted,
`refused-` must not. Seeds of other names (`crash-..`: what fuzzing found) are left alone."""

import base64
import json
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
WIDE = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}
MOST = (1 << 64) - 1


def text(t):
    t = t.encode() if isinstance(t, str) else t
    return struct.pack("<Q", len(t)) + t


def item(kind, value):
    return text(value) if kind == STRING else struct.pack("<" + WIDE[kind], value)


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + item(kind, value)


def array(name, kind, values, n=None):
    count = len(values) if n is None else n
    return text(name) + struct.pack("<IIQ", ARRAY, kind, count) + b"".join(item(kind, v) for v in values)


def tensor(name, dims, kind, offset, n_dims=None):
    head = text(name) + struct.pack("<I", len(dims) if n_dims is None else n_dims)
    return head + b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", kind, offset)


def gguf(keys=(), tensors=(), data=b"", version=3, n_keys=None, n_tensors=None, align=32):
    n_keys = len(keys) if n_keys is None else n_keys
    n_tensors = len(tensors) if n_tensors is None else n_tensors
    head = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + b"".join(keys) + b"".join(tensors)
    return head + b"\0" * (-len(head) % align) + data


ARCH = key("general.architecture", STRING, "llama")
ONE = tensor("a", [2], 0, 0)


def one(**change):
    """A file of one tensor, F32 [2], with its two floats."""
    given = {"name": "a", "dims": [2], "kind": 0, "offset": 0, **change}
    return gguf([ARCH], [tensor(**given)], bytes(64))


def gguf_seeds():
    every = [
        array("k", kind, ["a", ""] if kind == STRING else [1, 0]) if many else key("k", kind, "a" if kind == STRING else 1)
        for many in (False, True)
        for kind in (*WIDE, STRING)
    ]
    for i, k in enumerate(every):
        yield f"valid-value-{i:02d}", gguf([ARCH, k], [ONE], bytes(8))
    yield "valid-version-2", gguf([ARCH], [ONE], bytes(8), version=2)
    yield "valid-nothing", gguf()
    for name, kind, block, size in (
        ("q4_0", 2, 32, 18), ("q4_1", 3, 32, 20), ("q5_0", 6, 32, 22), ("q5_1", 7, 32, 24), ("q8_0", 8, 32, 34),
        ("q2_k", 10, 256, 84), ("q3_k", 11, 256, 110), ("q4_k", 12, 256, 144), ("q5_k", 13, 256, 176),
        ("q6_k", 14, 256, 210), ("f16", 1, 1, 2), ("bf16", 30, 1, 2), ("iq2_xxs", 16, 256, 66), ("i64", 27, 1, 8),
    ):  # fmt: skip
        yield f"valid-{name}", gguf([ARCH], [tensor("a", [block, 3], kind, 0)], bytes(range(size)) * 3)
    yield "valid-alignment", gguf([key("general.alignment", U32, 64)], [ONE], bytes(8), align=64)
    yield "valid-two", gguf([ARCH], [tensor("b", [2], 0, 32), ONE], bytes(40))
    yield "refused-empty", b""
    yield "refused-magic", b"GGML" + gguf()[4:]
    yield "refused-magic-only", b"GGUF"
    yield "refused-big-endian", b"GGUF" + struct.pack(">IQQ", 3, 0, 0)
    for version in (0, 1, 4, 1 << 31):
        yield f"refused-version-{version}", gguf(version=version)
    for n in (1, 1 << 16, 1 << 32, 1 << 59, 1 << 63, MOST):
        yield f"refused-n-kv-{n:x}", gguf(n_keys=n)
        yield f"refused-n-tensors-{n:x}", gguf(n_tensors=n)
    for n in (0, 65536, 1 << 32, 1 << 63, MOST - 7, MOST):
        yield f"refused-key-length-{n:x}", gguf([struct.pack("<Q", n) + b"k" * 32])
        yield f"refused-tensor-name-{n:x}", gguf([], [struct.pack("<Q", n) + b"k" * 64])
    for n in (1000, 1 << 32, 1 << 63, MOST - 7, MOST):
        yield f"refused-string-{n:x}", gguf([text("k") + struct.pack("<IQ", STRING, n) + b"value"])
        yield f"refused-array-{n:x}", gguf([array("k", U64, [1], n)])
        yield f"refused-strings-{n:x}", gguf([array("k", STRING, ["a"], n)])
        yield f"refused-bools-{n:x}", gguf([array("k", BOOL, [1], n)])
    yield "refused-array-wraps", gguf([array("k", U64, [1], 1 << 61)])
    nest = text("k") + struct.pack("<I", ARRAY) + struct.pack("<IQ", ARRAY, 1) * 2000
    yield "refused-nested-arrays", gguf([nest])
    for kind in (13, 255, (1 << 32) - 1):
        yield f"refused-value-type-{kind}", gguf([text("k") + struct.pack("<IQ", kind, 0)])
        yield f"refused-item-type-{kind}", gguf([text("k") + struct.pack("<IIQ", ARRAY, kind, 0)])
    yield "refused-bool-2", gguf([text("k") + struct.pack("<IB", BOOL, 2)])
    yield "refused-key-twice", gguf([ARCH, ARCH])
    yield "refused-nul-in-key", gguf([key("a\0b", U8, 1)])
    yield "refused-nul-in-name", one(name="a\0b")
    yield "refused-name-of-64", one(name="n" * 64)
    yield "refused-name-twice", gguf([], [tensor("a", [2], 0, 0), tensor("a", [2], 0, 32)], bytes(64))
    for n in (0, 5, 1 << 31, (1 << 32) - 1):
        yield f"refused-dimensions-{n}", one(dims=[2] * min(n, 5), n_dims=n)
    for dims in ([0], [1 << 63], [MOST], [1 << 32, 1 << 32], [1 << 33, 1 << 31], [1 << 62, 4], [1 << 61, 1, 2, 2],
                 [1 << 62], [3037000500, 3037000500], [1 << 16] * 4, [17]):  # fmt: skip
        yield "refused-shape-" + "x".join(f"{d:x}" for d in dims), one(dims=dims)
    for kind in (4, 5, 9, 15, 31, 33, 36, 40, 43, 1 << 31, (1 << 32) - 1):
        yield f"refused-type-{kind}", one(kind=kind)
    yield "refused-part-of-a-block", one(dims=[31], kind=2)
    yield "refused-row-of-half-a-block", one(dims=[128, 2], kind=12)
    for offset in (1, 31, 64, 1 << 32, 1 << 63, MOST - 31, MOST - 63):
        yield f"refused-offset-{offset:x}", one(offset=offset)
    yield "refused-end-wraps", one(dims=[(1 << 62) - 1], offset=32)
    yield "refused-overlap", gguf([], [tensor("a", [16], 0, 0), tensor("b", [2], 0, 32)], bytes(64))
    yield "refused-same-place", gguf([], [tensor("a", [2], 0, 0), tensor("b", [2], 0, 0)], bytes(64))
    yield "refused-no-data", gguf([], [ONE])
    yield "refused-cut", gguf([ARCH], [ONE], bytes(7))
    for n in (0, 3, 33, (1 << 32) - 1):
        yield f"refused-alignment-{n}", gguf([key("general.alignment", U32, n)], [ONE], bytes(64))
    yield "refused-alignment-2147483648", gguf([key("general.alignment", U32, 1 << 31)], [ONE], bytes(64))
    yield "refused-alignment-u64", gguf([key("general.alignment", U64, 1 << 63)], [ONE], bytes(64))
    yield "refused-alignment-negative", gguf([key("general.alignment", I32, -32)], [ONE], bytes(64))
    yield "refused-alignment-text", gguf([key("general.alignment", STRING, "32")], [ONE], bytes(64))
    yield "refused-split", gguf([key("split.count", U16, 2), key("split.no", U16, 0)], [ONE], bytes(8))
    yield "refused-split-many", gguf([key("split.count", I64, (1 << 63) - 1)], [ONE], bytes(8))
    yield "refused-split-negative", gguf([key("split.count", I32, -1)], [ONE], bytes(8))


def st(header, data=b"", n=None):
    header = json.dumps(header) if not isinstance(header, (str, bytes)) else header
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header) if n is None else n) + header + data


def entry(shape, begin, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors_seeds():
    good = {"a": entry([1], 0, 4)}
    yield "valid-one", st(good, bytes(4))
    yield "valid-padded", st(json.dumps(good) + " " * 400, bytes(4))
    yield "valid-nothing", st({})
    yield "valid-empty-tensors", st({"a": entry([0], 0, 0), "b": entry([1 << 40, 0], 0, 0), **{"c": entry([], 0, 4)}}, bytes(4))
    yield "valid-types", st({"h": entry([1, 2], 0, 4, "F16"), "b": entry([2], 4, 8, "BF16"), "m": entry([4], 8, 12, "BOOL"),
                             "f4": entry([2], 12, 13, "F4"), "__metadata__": {"format": "pt"}}, bytes(13))  # fmt: skip
    yield "refused-empty", b""
    yield "refused-7-bytes", bytes(7)
    for n in (0, 1, 1 << 16, 100_000_001, 1 << 32, 1 << 63, MOST - 7, MOST):
        yield f"refused-header-{n:x}", st(good, bytes(4), n)
    yield "refused-no-json", st("{" * 20)
    yield "refused-array", st("[]")
    yield "refused-bom", st(b"\xef\xbb\xbf{}")
    yield "refused-not-utf8", st(b'{"\xff":1}')
    yield "refused-nul", st(b'{"a\0":1}')
    yield "refused-nul-escaped", st(b'{"a\\u0000":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', bytes(4))
    yield "refused-nul-in-dtype", st(b'{"a":{"dtype":"F32\\u0000","shape":[],"data_offsets":[0,4]}}', bytes(4))
    yield "refused-deep", st('{"a":' + "[" * 3000 + "]" * 3000 + "}")
    yield "refused-deep-objects", st('{"a":' * 500 + "1" + "}" * 500)
    yield "refused-twice", st('{"a":%s,"a":%s}' % ((json.dumps(entry([1], 0, 4)),) * 2), bytes(4))
    yield "refused-bloat", st("{" + ",".join(f'"{i}":0' for i in range(1000)) + "}")
    bad = {
        "hole": ({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, 12),
        "hole-at-start": ({"a": entry([1], 4, 8)}, 8),
        "overlap": ({"a": entry([2], 0, 8), "b": entry([1], 4, 8)}, 8),
        "same-place": ({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, 4),
        "trailing": ({"a": entry([1], 0, 4)}, 5),
        "cut": ({"a": entry([1], 0, 4)}, 3),
        "backwards": ({"a": entry([1], 4, 0)}, 4),
        "negative": ({"a": entry([-1], 0, 4)}, 4),
        "negative-offsets": ({"a": entry([1], -4, 0)}, 4),
        "fraction": ({"a": entry([1.0], 0, 4)}, 4),
        "huge-integer": ('{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}', 4),
        "huge-exponent": ('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4),
        "product": ({"a": entry([1 << 32, 1 << 32], 0, 4)}, 4),
        "product-wraps": ({"a": entry([1 << 33, 1 << 31], 0, 0)}, 0),
        "bits-wrap": ({"a": entry([1 << 61], 0, 0)}, 0),
        "zero-hides-overflow": ({"a": entry([0, 1 << 62, 1 << 62], 0, 0)}, 0),
        "end-beyond": ({"a": entry([1 << 60], 0, 1 << 62)}, 4),
        "size": ({"a": entry([2], 0, 4)}, 4),
        "half-a-byte": ({"a": entry([1], 0, 1, "F4")}, 1),
        "dtype": ({"a": entry([1], 0, 4, "F33")}, 4),
        "dtype-number": ({"a": entry([1], 0, 4, 32)}, 4),
        "no-dtype": ({"a": {"shape": [1], "data_offsets": [0, 4]}}, 4),
        "no-shape": ({"a": {"dtype": "F32", "data_offsets": [0, 4]}}, 4),
        "no-offsets": ({"a": {"dtype": "F32", "shape": [1]}}, 4),
        "three-offsets": ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, 4),
        "nine-dimensions": ({"a": entry([1] * 9, 0, 4)}, 4),
        "entry-null": ({"a": None}, 0),
        "metadata-list": ({"__metadata__": []}, 0),
        "metadata-number": ({"__metadata__": {"a": 1}}, 0),
        "metadata-tf": ({"__metadata__": {"format": "tf"}}, 0),
    }
    for name, (header, n) in bad.items():
        yield f"refused-{name}", st(header, bytes(n))


def index_seeds():
    def index(weight_map):
        return json.dumps({"metadata": {"total_size": 12}, "weight_map": weight_map}).encode()

    yield "valid-two-files", index({"a": "m-1", "b": "m-1", "c": "m-2"})
    yield "valid-one-file", index({"a": "m-1"})
    bad = {
        "missing": {"d": "m-1"}, "elsewhere": {"a": "m-2"}, "no-file": {"a": "m-3"}, "parent": {"a": "../m-1"},
        "dots": {"a": ".."}, "absolute": {"a": "/etc/passwd"}, "empty": {"a": ""}, "number": {"a": 1}, "list": ["m-1"],
        "none": {}, "self": {"a": "model.safetensors.index.json"}, "config": {"a": "config.json"}, "dot": {"a": "."},
        "nul": {"a": "m-1\0"}, "long": {"a": "m" * 5000},
    }  # fmt: skip
    for name, weight_map in bad.items():
        yield f"refused-{name}", index(weight_map)
    def first(no=0, count=2, *more, kind=U16):
        keys = [key("split.no", kind, no), key("split.count", kind, count), *more]
        return gguf(keys, [tensor("a", [2], 0, 0)], bytes(8))

    yield "valid-split", first()
    yield "valid-split-tensors", first(0, 2, key("split.tensors.count", I32, 2))
    yield "valid-split-of-one", first(0, 1)
    yield "valid-split-of-none", first(0, 0)
    for name, set_ in {"number": first(1), "three": first(0, 3), "many": first(0, (1 << 63) - 1, kind=I64),
                       "negative": first(0, -1, kind=I32), "tensors": first(0, 2, key("split.tensors.count", I32, 3)),
                       "text": gguf([key("split.count", STRING, "2")], [ONE], bytes(8)),
                       "twice": gguf([key("split.count", U16, 2)], [tensor("c", [2], 0, 0)], bytes(8))}.items():  # fmt: skip
        yield f"refused-split-{name}", set_
    yield "refused-empty-file", b""
    yield "refused-deep", b'{"weight_map":' + b"[" * 3000 + b"]" * 3000 + b"}"
    yield "refused-twice", b'{"weight_map":{"a":"m-1","a":"m-1"}}'


VOCAB = {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "H": 4, "\u2581": 5, "<0x0A>": 6, "<unk>": 7}


def added(content, **change):
    given = {"id": 9, "content": content, "special": True, "single_word": False, "lstrip": False, "rstrip": False}
    return {**given, "normalized": False, **change}


def tokenizer(model=None, **parts):
    model = {"type": "BPE", "vocab": VOCAB, "merges": ["a b"], **(model or {})}
    return json.dumps({"version": "1.0", "model": model, **parts}).encode()


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def replace(pattern, content):
    return {"type": "Replace", "pattern": {"String": pattern}, "content": content}


def sequence(kind, parts):
    return {"type": "Sequence", kind: parts}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def charsmap(base=256, units=512, texts=b"xy\0 \0"):
    """SentencePiece's rules "a" -> "xy", tab -> " ": a trie over single bytes."""
    unit = [0] * units
    unit[0] = base << 10
    for byte, value in ((ord("a"), 0), (9, 3)):
        unit[(base ^ byte) % units] = byte | 0x100 | base << 10
        unit[byte] = 0x80000000 | value
    return base64.b64encode(struct.pack(f"<I{units}I", 4 * units, *unit) + texts).decode()


def unigram(model=None, rules=None, **parts):
    vocab = [["<unk>", 0.0], ["\u2581", -2.0], ["a", -1.5], ["xy", -3.0], ["\u2581x", -2.5], ["<0x0A>", -9.0]]
    given = {"type": "Unigram", "unk_id": 0, "vocab": vocab, **(model or {})}
    rules = {"type": "Precompiled", "precompiled_charsmap": charsmap() if rules is None else rules}
    steps = sequence("normalizers", [rules, {"type": "Strip", "strip_left": False, "strip_right": True}])
    split = sequence("pretokenizers", [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "\u2581"}])
    return json.dumps({"normalizer": steps, "pre_tokenizer": split, "model": given, **parts}).encode()


def tokenizer_json_seeds():
    single = {"Sequence": {"id": "A", "type_id": 0}}
    bos = {"SpecialToken": {"id": "<unk>", "type_id": 0}}
    template = {"type": "TemplateProcessing", "single": [bos, single], "pair": [],
                "special_tokens": {"<unk>": {"id": "<unk>", "ids": [7], "tokens": ["<unk>"]}}}  # fmt: skip
    yield "valid-plain", tokenizer()
    yield "valid-byte-level", tokenizer(pre_tokenizer=BYTE_LEVEL, post_processor=template)
    yield "valid-byte-fallback", tokenizer({"byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True},
                                           normalizer=sequence("normalizers", [{"type": "Prepend", "prepend": "\u2581"},
                                                                               replace(" ", "\u2581")]))  # fmt: skip
    yield "valid-added", tokenizer(added_tokens=[added("<s>"), added("ab", normalized=True), added("w", single_word=True),
                                                 added(" x", lstrip=True, rstrip=True), added("a\0b"), added("")])  # fmt: skip
    yield "valid-splits", tokenizer(pre_tokenizer=sequence("pretokenizers", [
        split(r"\p{N}{1,3}|\s+(?!\S)|[^\r\n\p{L}]+"), split("(?i:'s|'t)", "MergedWithPrevious", True),
        {"type": "Digits", "individual_digits": True}, BYTE_LEVEL]))  # fmt: skip
    yield "valid-unigram", unigram()
    yield "valid-unigram-bytes", unigram({"byte_fallback": True, "unk_id": None})
    yield "valid-unigram-spelt", unigram({"byte_fallback": True, "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]] +
                                          [[f"<0x{b:02X}>", -9.0] for b in range(256)]})  # fmt: skip
    yield "valid-rules-astray", unigram(rules=charsmap(base=(1 << 21) - 1))  # found out when a text is read
    for name, model in {"unknown": {"unk_id": 6}, "vocab": {"vocab": {}}, "pair": {"vocab": [["a"]]}, "score": {"vocab": [["a", "b"]]}}.items():
        yield f"refused-unigram-{name}", unigram(model)
    for name, rules in {"empty": "", "base64": "A*AA", "short": charsmap()[:40], "no-text": charsmap(texts=b""),
                        "text": charsmap(texts=b"\xff\0"), "open": charsmap(texts=b"xy\0 ")}.items():  # fmt: skip
        yield f"refused-rules-{name}", unigram(rules=rules)
    yield "valid-pairs", tokenizer({"merges": [["a", "b"]], "ignore_merges": True})
    yield "valid-regex-bomb", tokenizer(pre_tokenizer=split("(a+)+$|(x*)*y|([a-z]|[a-z])*!"))
    yield "valid-regex-empty", tokenizer(pre_tokenizer=split("|a*|(?=b)"))
    for name, regex in {"open": "(", "class": "[a", "repeat": "a{1,99999}", "recursion": "(?R)", "lookbehind": "(?<=a*)b",
                        "callout": "(?C1)a", "verb": "(*ACCEPT)a", "escape": "\\", "name": "(?<n>a)\\k<m>",
                        "nested": "(" * 2000 + ")" * 2000, "property": "\\p{Nope}"}.items():  # fmt: skip
        yield f"refused-regex-{name}", tokenizer(pre_tokenizer=split(regex))
    yield "refused-empty", b""
    yield "refused-no-model", b"{}"
    yield "refused-deep", b'{"model":' + b"[" * 3000 + b"]" * 3000 + b"}"
    yield "refused-key-nul", b'{"model":{"vocab":{"a\\u0000":1},"merges":[]}}'
    yield "refused-surrogate", b'{"model":{"vocab":{"\\ud800":1},"merges":[]}}'
    for name, model in {"negative": {"vocab": {"a": -1}}, "huge": {"vocab": {"a": 1 << 31}}, "huge-64": {"vocab": {"a": (1 << 63) - 1}},
                        "fraction": {"vocab": {"a": 1.5}}, "vocab-list": {"vocab": []}, "merge-unknown": {"merges": ["a z"]},
                        "merge-three": {"merges": ["a b c"]}, "merge-one": {"merges": ["ab"]}, "merge-number": {"merges": [1]},
                        "merge-pair-of-three": {"merges": [["a", "b", "c"]]}, "merge-nul": {"merges": ["a b\0"]},
                        "unigram": {"type": "Unigram"}, "dropout": {"dropout": 0.5}}.items():  # fmt: skip
        yield f"refused-{name}", tokenizer(model)
    yield "refused-normalizer", tokenizer(normalizer={"type": "Precompiled"})
    yield "refused-pre-tokenizer", tokenizer(pre_tokenizer={"type": "Nope"})
    yield "refused-template", tokenizer(post_processor={"type": "TemplateProcessing", "single": [bos]})
    yield "refused-added-number", tokenizer(added_tokens=[1])
    yield "refused-added-object", tokenizer(added_tokens={"a": 1})
    many = [replace(" ", "  ") for _ in range(12)]
    yield "growth", tokenizer(normalizer=sequence("normalizers", many))
    yield "replace-nothing", tokenizer(normalizer=replace("", "x"))
    yield "nested-sequences", tokenizer(pre_tokenizer=json.loads('{"type":"Sequence","pretokenizers":[' * 25 + json.dumps(BYTE_LEVEL) + "]}" * 25))


def tokenizer_gguf_seeds():
    def keys(**change):
        given = {"model": (STRING, "gpt2"), "pre": (STRING, "gpt-2"), "tokens": ["a", "b", "ab", "<s>"],
                 "token_type": (I32, [1, 1, 1, 3]), "merges": ["a b"], "bos_token_id": (U32, 3), "add_bos_token": (BOOL, 1),
                 **change}  # fmt: skip
        made = []
        for name, value in given.items():
            full = "tokenizer.ggml." + name
            if isinstance(value, list):
                made.append(array(full, STRING, value))
            elif value is not None:
                made.append((array if isinstance(value[1], list) else key)(full, *value))
        return made

    scored = {"model": (STRING, "llama"), "pre": None, "merges": None, "scores": (F32, [0.0, -1.0, -0.5, 0.0])}
    yield "valid-merges", gguf(keys())
    yield "valid-scores", gguf(keys(**scored))
    yield "valid-no-types", gguf(keys(token_type=None))
    yield "valid-hugging-face", gguf([key("tokenizer.huggingface.json", STRING, tokenizer())])
    bad = {
        "no-model": {"model": None}, "model": {"model": (STRING, "bert")}, "model-number": {"model": (U32, 1)}, "model-long": {"model": (STRING, "x" * 4000)},
        "pre": {"pre": (STRING, "nope")}, "no-pre": {"pre": None}, "default-pre": {"pre": (STRING, "default")},
        "no-tokens": {"tokens": None}, "zero-tokens": {"tokens": []}, "tokens-numbers": {"tokens": (U32, [1, 2])},
        "types": {"token_type": (I32, [1, 1])}, "types-numbers": {"token_type": (F32, [1.0] * 4)},
        "bos": {"bos_token_id": (U32, 4)}, "bos-negative": {"bos_token_id": (I32, -1)}, "bos-u64": {"bos_token_id": (U64, MOST)},
        "no-bos": {"bos_token_id": None}, "add-bos-number": {"add_bos_token": (U8, 1)},
        "merge-one": {"merges": ["ab"]}, "merge-empty": {"merges": [""]}, "merge-space": {"merges": [" "]},
        "merge-unknown": {"merges": ["a z"]}, "special-not-utf8": {"tokens": ["a", "b", "ab", b"\xff"]},
        "nan": {**scored, "scores": (F32, [float("nan")] * 4)}, "infinite": {**scored, "scores": (F32, [float("inf")] * 4)},
        "few-scores": {**scored, "scores": (F32, [0.0])}, "unknown-id": {**scored, "unknown_token_id": (U32, 99)},
    }  # fmt: skip
    for name, change in bad.items():
        yield f"refused-{name}", gguf(keys(**change))
    yield "refused-hugging-face", gguf([key("tokenizer.huggingface.json", STRING, "{")])
    yield "tokens-not-utf8", gguf(keys(tokens=["a", b"\xc3", b"\0", "<s>"], merges=[]))
    yield "tokens-twice", gguf(keys(tokens=["a", "a", "", "<s>"], merges=[]))


CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 16, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "hidden_act": "silu", "vocab_size": 10, "tie_word_embeddings": True, "rope_theta": 10000.0,
}  # fmt: skip


def metadata(path):
    """The keys of a GGUF file but the tokenizer's, and no tensor: what a configuration is read from."""
    data = path.read_bytes()
    n_keys, at, kept = struct.unpack_from("<Q", data, 16)[0], 24, []

    def string(at):
        n = struct.unpack_from("<Q", data, at)[0]
        return data[at + 8 : at + 8 + n], at + 8 + n

    def value(kind, at):
        return string(at)[1] if kind == STRING else at + struct.calcsize("<" + WIDE[kind])

    for _ in range(n_keys):
        start = at
        name, at = string(at)
        kind, at = struct.unpack_from("<I", data, at)[0], at + 4
        n = 1
        if kind == ARRAY:
            kind, n = struct.unpack_from("<IQ", data, at)
            at += 12
        for _ in range(n):
            at = value(kind, at)
        if not name.startswith(b"tokenizer."):
            kept.append(data[start:at])
    return gguf(kept)


def whole():
    """A whole llama of one block, width 8, two heads."""
    sizes = {"block_count": 1, "embedding_length": 8, "attention.head_count": 2, "feed_forward_length": 8, "context_length": 64}
    keys = [ARCH, *(key("llama." + k, U32, v) for k, v in sizes.items()), key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)]
    block = {"attn_norm": [8], "ffn_norm": [8], **{k: [8, 8] for k in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")}}
    shapes = {"token_embd": [8, 4], "output_norm": [8], **{"blk.0." + k: v for k, v in block.items()}}
    tensors, offset = [], 0
    for name, dims in shapes.items():
        n = dims[0] * (dims[1] if len(dims) > 1 else 1)
        tensors.append(tensor(name + ".weight", dims, 0 if len(dims) == 1 else 1, offset))
        offset += 4 * n if len(dims) == 1 else 2 * n
        offset += -offset % 32
    return gguf(keys, tensors, bytes(offset))


def config_seeds():
    def config(**change):
        return json.dumps({**CONFIG, **change}).encode()

    def scaling(**given):
        return config(rope_scaling=given)

    yield "valid-llama", config()
    yield "valid-llama3", scaling(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                  original_max_position_embeddings=32)  # fmt: skip
    yield "valid-yarn", scaling(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
    yield "valid-longrope", scaling(rope_type="longrope", short_factor=[1.0, 1.0], long_factor=[2.0, 3.0],
                                    original_max_position_embeddings=32, factor=2.0)  # fmt: skip
    bad = {
        "model-type": {"model_type": "nope"}, "model-type-number": {"model_type": 1}, "no-model-type": {"model_type": None},
        "model-type-nul": {"model_type": "llama\0"},
        "zero-layers": {"num_hidden_layers": 0}, "negative": {"hidden_size": -8}, "huge": {"hidden_size": 1 << 40},
        "fraction": {"hidden_size": 8.5}, "text": {"hidden_size": "8"}, "heads": {"num_attention_heads": 3},
        "kv-heads": {"num_attention_heads": 4, "num_key_value_heads": 3}, "more-kv-heads": {"num_key_value_heads": 4},
        "eps-negative": {"rms_norm_eps": -1e-5}, "activation": {"hidden_act": "nope"}, "theta": {"rope_theta": -1.0},
        "head-dim-zero": {"head_dim": 0}, "head-dim-odd": {"head_dim": 3},
        "rope-type": {"rope_scaling": {"rope_type": "nope", "factor": 2.0}}, "rope-list": {"rope_scaling": [1]},
        "factor-zero": {"rope_scaling": {"rope_type": "linear", "factor": 0}},
        "factor-text": {"rope_scaling": {"rope_type": "linear", "factor": "2"}},
        "longrope-short": {"rope_scaling": {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0] * 2}},
        "longrope-none": {"rope_scaling": {"rope_type": "longrope"}},
    }  # fmt: skip
    for name, change in bad.items():
        yield f"refused-{name}", config(**change)
    yield "refused-empty", b""
    yield "refused-deep", b'{"model_type":' + b"[" * 3000 + b"]" * 3000 + b"}"
    yield "most-layers", config(num_hidden_layers=1 << 24)
    sizes = {"block_count": 1, "embedding_length": 8, "attention.head_count": 2, "attention.head_count_kv": 1,
             "feed_forward_length": 16, "context_length": 64}  # fmt: skip
    pairs = [key("llama." + k, U32, v) for k, v in sizes.items()]
    eps = key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)
    yield "valid-gguf", gguf([ARCH, *pairs, eps], [tensor("token_embd.weight", [8, 2], 0, 0)], bytes(64))
    yield "valid-gguf-whole", whole()
    golden = {path.parent.name: path for path in sorted((HERE.parent / "golden").glob("*/model*.gguf"))}
    for name, path in golden.items():
        yield f"valid-gguf-{name}", metadata(path)
    yield "gguf-arrays", gguf([ARCH, array("llama.attention.head_count", U32, [2]), *pairs[:2], *pairs[3:], eps])
    yield "refused-gguf-architecture", gguf([key("general.architecture", STRING, "nope")])
    yield "refused-gguf-no-keys", gguf([ARCH])
    yield "refused-gguf-nan", gguf([ARCH, *pairs, key("llama.attention.layer_norm_rms_epsilon", F32, float("nan"))])


def deck_seeds():
    good = "models: [{path: a.gguf}]\nprompts: {file: p.txt}\noutput: out.nc\n"
    yield "valid-least", good
    yield "valid-most", (
        "models:\n  - {path: ./a.gguf, name: A, benchmark_name: a, twin: random-init, series: s, step: 1.5}\n"
        "  - {path: '${FUZZ}.gguf', name: B}\n"
        "prompts: {file: ~/p.txt, max_tokens: 7, overlong: truncate-left, special_tokens: none}\n"
        "tokens: {mode: depth, at: last}\ncoupling: {k: [1, 0.5d], norm: 1}\nsvd: {method: full, tolerance: auto}\n"
        "arithmetic: double\nlast_block: skip\nlayout: {unit_prompts: 2, memory_per_rank: 1.5G, threads: 1}\n"
        "weights: {access: read}\nstore: {per_prompt: all, merge: all}\nprovenance: minimal\nseed: 1\noutput: o/x.nc\n")  # fmt: skip
    yield "valid-team", good + "layout: {team: 8, stages: 2, grid: 2x2}\nstore: {alignment: [a, 3]}\n"
    yield "valid-stages", good + "layout: {team: 2, stages: 2}\nstore: {alignment: [b]}\n"
    yield "valid-tokens", good + "tokens: {mode: [depth, self, influence], at: [0, 1, -1], layers: [1, -1]}\ncoupling: {vju: true}\n"
    yield "valid-tokens-all", good + "tokens: {mode: fixed_input, at: all, layers: all}\n"
    yield "valid-tokens-last", good.replace("a.gguf", "a.gguf, stack: decoder") + "tokens: {mode: [fixed_output], at: last}\n"
    yield "valid-scores", good + ("coupling: {k: [3]}\nscores: {table: s.csv, columns: [v1, v2], resamples: 1000, "
                                  "primary: excess_coupling_k3_offdiag}\n")  # fmt: skip
    yield "valid-glob", good.replace("path: a.gguf", "glob: '*.gguf'")
    bad = {
        "empty": "", "comment": "# nothing", "scalar": "x", "list": "[]", "tab": "a:\t- b\n\tc: d", "open": "{", "quote": "a: 'b",
        "twice": good + "seed: 1\nseed: 2\n", "unknown": good + "sed: 1\n", "nul": good + 'seed: "\\0"\n',
        "nul-in-path": good.replace("p.txt", '"p\\0.txt"'), "control": "a: \x01", "two-documents": "a: 1\n---\n---\n: :",
        "undefined-alias": "a: *b", "self-alias": "models: &a [*a]\nprompts: {file: p}\noutput: o\n",
        "self-mapping": "prompts: &p {file: *p}\n", "key-list": "? [a]\n: b\n", "key-mapping": "? {a: b}\n: c\n",
        "laughs": "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]\n" for i in range(9)),
        "deep": "[" * 3000, "deep-mappings": "{a: " * 500, "deep-block": "- " * 2000, "tag": "!!python/object:os.system {}",
        "variable": good.replace("p.txt", "$NOT_SET_AT_ALL"), "open-variable": good.replace("p.txt", "'${FUZZ'"),
        "long-variable": good.replace("p.txt", "$" + "X" * 300), "long-path": good.replace("p.txt", "p" * 5000),
        "no-match": good.replace("path: a.gguf", "glob: 'nothing*'"), "k-zero": good + "coupling: {k: [0]}\n",
        "k-huge": good + "coupling: {k: [99999999999]}\n", "k-nan": good + "coupling: {k: [nan]}\n",
        "k-hex": good + "coupling: {k: [0x1p3x]}\n", "k-many": good + f"coupling: {{k: {list(range(1, 66))}}}\n",
        "k-twice": good + "coupling: {k: [1, 1]}\n", "memory": good + "layout: {memory_per_rank: 1e999T}\n",
        "memory-negative": good + "layout: {memory_per_rank: -4G}\n", "seed": good + "seed: 99999999999999999999\n",
        "team": good + "layout: {team: 5, grid: 2x2}\n", "team-stages": good + "layout: {team: 5, stages: 2}\n",
        "grid": good + "layout: {grid: 2x2x2}\n", "grid-huge": good + "layout: {grid: 99999x99999}\n",
        "grid-zero": good + "layout: {grid: 0x1}\n", "alignment": good + "store: {alignment: 1}\n",
        "alignment-long": good + f"store: {{alignment: [{'a' * 200}]}}\n", "columns": good + "scores: {columns: [a]}\n",
        "scores": good + "scores: {table: s.csv}\n", "section": good + "weights: {stage_to: x}\n", "token-layers": good + "tokens: {layers: [1]}\n",
        "token-layer-0": good + "tokens: {mode: self, layers: [0]}\n", "token-twice": good + "tokens: {mode: self, at: [1, 1]}\n",
        "token-modes": good + "tokens: {mode: []}\n", "token-mode-twice": good + "tokens: {mode: [self, self]}\n",
        "primary": good + "scores: {table: s.csv, columns: [a], primary: nope}\n",
        "not-utf8": good.encode() + b"seed: \xff\n", "utf16": good.encode("utf-16"), "long-key": good + "k" * 900 + ": 1\n",
    }  # fmt: skip
    for name, value in bad.items():
        yield f"refused-{name}", value
    yield "k-hexadecimal", good + "coupling: {k: [0x1p3, 0x.8d]}\n"


def csv_seeds():
    """Tables of scores: byte order mark, quotes, both line ends, missing cells; and what is refused."""
    yield "valid-plain", "model,lineage,v1\na,L,1\nb,,\n"
    yield "valid-quoted", b"\xef\xbb\xbf\r\n\"model\",\"v,1\"\r\n\"a, \"\"b\"\"\n\",1e3\r\nc, NA \r\n"
    bad = {
        "empty": "", "blank": "\n\n", "no-model": "name,v1\na,1\n", "twice": "model,v1\na,1\na,2\n",
        "columns-twice": "model,v1,v1\n", "short": "model,v1\na\n", "long": "model,v1\na,1,2\n",
        "open-quote": 'model,v1\na,"1\n', "after-quote": 'model,v1\n"a"b,1\n', "inner-quote": 'model,v1\na"b,1\n',
        "carriage-return": "model,v1\ra,1\r", "nul": "model,v1\na\0,1\n", "text": "model,v1\na,1x\n",
        "infinite": "model,v1\na,1e999\n", "no-name": "model,v1\n,1\n", "long-name": "model,v1\n" + "a" * 200 + ",1\n",
        "many-columns": "," * 10001, "lopsided": "," * 500 + "\nx" * 500,
    }  # fmt: skip
    for name, value in bad.items():
        yield f"refused-{name}", value


def prompts_seeds():
    yield "valid-text", "the cat sat\n\u65e5\u672c\r\nlast"
    yield "valid-json", '{"ids": [1, 5, 7, 9, 11, 13]}\n{"text": "a", "id": "x"}\n{"ids": [0], "id": "x"}\r\n'
    bad = {
        "empty": "", "line": "a\n\nb\n", "both": '{"ids": [1], "text": "a"}\n', "neither": "{}\n", "open": '{"ids": [1\n',
        "no-ids": '{"ids": []}\n', "negative": '{"ids": [-1]}\n', "huge": '{"ids": [2147483648]}\n', "fraction": '{"ids": [1.0]}\n',
        "huge-64": '{"ids": [9223372036854775808]}\n', "ids-text": '{"ids": "1"}\n', "text-list": '{"text": ["a"]}\n',
        "no-text": '{"text": ""}\n', "id-long": '{"text": "a", "id": "%s"}\n' % ("i" * 200), "id-nul": '{"text": "a", "id": "\\u0000"}\n',
        "id-number": '{"text": "a", "id": 1}\n', "twice": '{"text": "a", "text": "b"}\n', "list": '{"text": "a"}\n[1]\n',
        "deep": '{"text": %s' % ("[" * 3000), "carriage-return": "\r\n", "surrogate": '{"text": "\\ud800"}\n',
    }  # fmt: skip
    for name, value in bad.items():
        yield f"refused-{name}", value
    yield "text-nul", b"a\0b\n\xff\n"


def manifest_seeds():
    unit = {"model": "m", "file": "m-unit0-0123.nc", "key": "0" * 64, "grid": [1, 2]}

    def manifest(**change):
        return json.dumps({"format": 1, "keep": 1, "annex": "", "units": [{**unit, **change}]})

    yield "valid-one", manifest()
    yield "valid-none", '{"units": []}'
    yield "valid-no-grid", manifest(grid=None)
    yield "valid-grid-huge", manifest(grid=[1 << 40, -1])
    bad = {
        "empty": "", "list": "[]", "no-units": "{}", "units": '{"units": {}}', "null": '{"units": [null]}', "number": '{"units": [1]}',
        "path": manifest(file="../x.nc"), "absolute": manifest(file="/etc/passwd"), "parent": manifest(file=".."),
        "nul": manifest(file="a\0b"), "long": manifest(file="f" * 5000), "model-path": manifest(model="a/b"),
        "model-long": manifest(model="m" * 200), "key-long": manifest(key="0" * 65), "key-number": manifest(key=1),
        "no-file": '{"units": [{"model": "m"}]}', "twice": '{"units": [], "units": []}', "deep": '{"units": ' + "[" * 3000,
    }  # fmt: skip
    for name, value in bad.items():
        yield f"refused-{name}", value


def main():
    formats = {
        "gguf": gguf_seeds, "safetensors": safetensors_seeds, "index": index_seeds, "tokenizer_json": tokenizer_json_seeds,
        "tokenizer_gguf": tokenizer_gguf_seeds, "config": config_seeds, "csv": csv_seeds, "deck": deck_seeds,
        "prompts": prompts_seeds, "manifest": manifest_seeds,
    }  # fmt: skip
    for name, seeds in formats.items():
        folder = HERE / "seeds" / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if not old.name.startswith("crash-"):
                old.unlink()
        count = 0
        for seed, data in seeds():
            (folder / seed).write_bytes(data.encode() if isinstance(data, str) else data)
            count += 1
        print(f"{name}: {count} seeds, {sum(f.stat().st_size for f in folder.iterdir())} bytes")


if __name__ == "__main__":
    main()
