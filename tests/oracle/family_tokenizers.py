"""Tokenizers of GPT-2, Qwen2 and Gemma 3: tiny ones trained here, real ones from a GGUF vocabulary.

    python family_tokenizers.py small                        golden/tokenizer_{gpt2_plain,qwen2,gemma3}/
    python family_tokenizers.py real --gguf FILE --out DIR   tokenizer.json and a corpus of 10,000 strings

| family | normalizer             | pre-tokenizer                                | model                         | adds  |
|--------|------------------------|----------------------------------------------|-------------------------------|-------|
| gpt2   |                        | ByteLevel(GPT-2 regex, no prefix space)      | BPE                           |       |
| qwen2  | NFC                    | Split(regex, isolated) + ByteLevel(no regex) | BPE                           |       |
| gemma3 | Replace(" " -> U+2581) | Split(" ", merged with previous)             | BPE, byte fallback, fused unk | <bos> |

A Gemma's merges are made of its scores as transformers converts a SentencePiece model: tokens the user defined come
first. GGUF writes the user's runs of U+2581 as spaces; they are turned back here.
"""

import argparse
import json
import random
import unicodedata
from pathlib import Path

import gguf
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

import token_corpus
from tiny_tokenizers import (
    BYTE,
    GOLDEN,
    MARK,
    all_merges,
    end_gguf,
    sentencepiece,
    template,
    trained,
)
from tokens import CONTROL, NORMAL, USER_DEFINED, split_merge
from tokens import from_gguf as smollm_from_gguf

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(model, family):
    """GPT-2 and Qwen2."""
    tokenizer = Tokenizer(model)
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=family == "gpt2")
    tokenizer.pre_tokenizer = plain
    if family == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(QWEN2), "isolated"), plain]
        )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def small_byte_level(family, special, plain):
    """Tokens in the order of the real files: bytes and merges, then what is added."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    splitter = byte_level(models.BPE(), family).pre_tokenizer
    tokens, merges = trained(splitter, 500, alphabet, len(alphabet))
    tokenizer = byte_level(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges), family)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in plain])
    return tokenizer


def gemma3(kinds, scores):
    """kinds, scores: token -> GGUF token type, score, in the order of the ids."""
    vocab = {t: i for i, t in enumerate(kinds)}
    wanted = {t: score if kinds[t] == NORMAL else 0.0 for t, score in scores.items()}
    model = models.BPE(
        vocab=vocab, merges=all_merges(wanted), unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", MARK)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    added = [
        AddedToken(t, normalized=False, special=kind == CONTROL)
        for t, kind in kinds.items()
        if kind in (CONTROL, USER_DEFINED)
    ]
    tokenizer.add_tokens(added)
    tokenizer.post_processor = template(["<bos>"], [], tokenizer)
    return tokenizer


def small_gemma3():
    """(tokenizer, kinds, scores) in the order of the real file, unk among the control tokens."""
    kinds = {t: CONTROL for t in ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]}
    kinds["[multimodal]"] = USER_DEFINED
    kinds |= {f"<unused{i}>": CONTROL for i in range(3)} | {
        "<start_of_turn>": CONTROL,
        "<end_of_turn>": CONTROL,
    }
    kinds |= {"\n" * n: USER_DEFINED for n in range(1, 5)} | {MARK * n: USER_DEFINED for n in range(2, 8)}
    kinds |= {t: USER_DEFINED for t in ["<table>", "</table>", "<b>"]}
    kinds |= {f"<0x{b:02X}>": BYTE for b in range(256)}
    pieces = [t for t, score in sentencepiece(420).items() if score < 0 and t not in kinds and t != "\t"]
    kinds |= {t: NORMAL for t in pieces} | {"\t" * n: USER_DEFINED for n in range(1, 4)}
    kinds["<unused3>"] = CONTROL
    scores = {t: -1000.0 if kind in (CONTROL, USER_DEFINED) else 0.0 for t, kind in kinds.items()}
    scores |= {t: -float(i) for i, t in enumerate(pieces)}
    return gemma3(kinds, scores), kinds, scores


def gguf_of_byte_level(path, tokenizer, family):
    data = json.loads(tokenizer.to_str())
    kinds = {t["content"]: CONTROL if t["special"] else USER_DEFINED for t in data["added_tokens"]}
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    writer = gguf.GGUFWriter(path, family)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre({"gpt2": "gpt-2"}.get(family, family))
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(t, NORMAL) for t in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))
    if family == "qwen2":
        writer.add_add_bos_token(False)
    end_gguf(writer)


def gguf_of_gemma3(path, kinds, scores):
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([t.replace(MARK, " ") if kind == USER_DEFINED else t for t, kind in kinds.items()])
    writer.add_token_scores(list(scores.values()))
    writer.add_token_types(list(kinds.values()))
    ids = {t: i for i, t in enumerate(kinds)}
    writer.add_bos_token_id(ids["<bos>"])
    writer.add_eos_token_id(ids["<eos>"])
    writer.add_unk_token_id(ids["<unk>"])
    writer.add_pad_token_id(ids["<pad>"])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    end_gguf(writer)


def from_gguf(path):
    """The tokenizer of a real file: Qwen2, GPT-2, Gemma 3, SmolLM2."""
    reader = gguf.GGUFReader(path)
    get = lambda key: reader.fields[f"tokenizer.ggml.{key}"].contents()  # noqa: E731
    if get("pre") == "smollm":
        return smollm_from_gguf(path)
    tokens, kinds = get("tokens"), get("token_type")
    if get("model") == "llama":
        assert not get("add_space_prefix") and get("add_bos_token")
        tokens = [t.replace(" ", MARK) if kind == USER_DEFINED else t for t, kind in zip(tokens, kinds)]
        return gemma3(dict(zip(tokens, kinds)), dict(zip(tokens, get("scores"))))
    family = {"gpt-2": "gpt2"}.get(get("pre"), get("pre"))
    assert family in ("gpt2", "qwen2"), family
    vocab = {t: i for i, t in enumerate(tokens)}
    tokenizer = byte_level(models.BPE(vocab=vocab, merges=[split_merge(m) for m in get("merges")]), family)
    # Rows beyond the tokenizer's own tokens are padding of the embedding: unused tokens cut no text.
    tokenizer.add_tokens(
        [
            AddedToken(t, normalized=False, special=kind == CONTROL)
            for t, kind in zip(tokens, kinds)
            if kind in (CONTROL, USER_DEFINED)
        ]
    )
    return tokenizer


# What NFC composes, reorders, leaves alone, and takes apart.
COMPOSING = [
    "e\u0301", "o\u0308\u0301", "a\u0323\u0302", "a\u0302\u0323", "u\u031b\u0301", "s\u0323\u0307",
    "s\u0307\u0323", "\u1e69", "\u1e9b\u0323", "\u212b", "\u2126", "\u212a", "\u0344", "\u0308\u0301",
    "\u0340", "\u0374", "\u037e", "\u1100\u1161", "\u1100\u1161\u11a8", "\uac00\u11a8", "\uac01\u11a8",
    "\u1112\u1175\u11c2", "\u0958", "\u0915\u093c", "\u09c7\u09be", "\u0b47\u0b57", "\u0dd9\u0dcf\u0dca",
    "\u1025\u102e", "\u3046\u3099", "\u304b\u3099", "\u2adc", "a\u0327\u0301", "a\u0315\u0300\u05ae\u0301",
    "c\u0327\u0301", "\u00c7\u0301", "\u0041\u030a\u0301", "q\u0307\u0323", "e\u034f\u0301",
    "e\u200d\u0301", "\u0301", "\u0301\u0327", "\u0627\u0653", "\u06d5\u0654", "\U0001d15e",
    "\U000110a5\U000110ba", "\uf900", "\ufa0e", "\U0002f800", "\ufb1d", "\ufb2a", "\u1fee", "\u1fef",
    "n\u0303", "A\u0328\u0301",
]  # fmt: skip
EXTRA = [
    "<bos>",
    "<eos> a",
    "<unk>",
    "<unused1>",
    "<table>x</table>",
    "<tool_call>",
    "<start_of_turn>user\n",
    "  ",
    "   a",
]


def decomposed(rng):
    """A sentence in NFD, or in parts of it, its marks sometimes out of order."""
    text = unicodedata.normalize("NFD", rng.choice(token_corpus.SENTENCES))
    at = rng.randrange(len(text))
    piece = list(text[at : at + rng.randint(2, 30)])
    if rng.random() < 0.4:
        piece.insert(rng.randrange(len(piece)), rng.choice(token_corpus.MARKS))
    return "".join(piece)


def strings(count, seed, longest):
    """A corpus of strings up to `longest` characters, a third of it about NFC and about names of special tokens."""
    rng = random.Random(seed + 1)
    parts = [*COMPOSING, " ", "a", "1", "'s", "\n"]
    names = [*token_corpus.SPECIAL, *EXTRA, *EXTRA, " ", "a", "\n\n", "\t\t", "    "]
    short = (t for t in token_corpus.corpus(3 * count, seed) if len(t) <= longest)
    # A doubled U+2581 is a token of its own in a Gemma's tokenizer.json, and two spaces in its GGUF file.
    out = dict.fromkeys([t for t in short if MARK * 2 not in t][: count - count // 3] + COMPOSING + EXTRA)
    while len(out) < count:
        kind = rng.randrange(4)
        pool = names if kind == 1 else parts
        out[decomposed(rng) if kind == 0 else "".join(rng.choices(pool, k=rng.randint(1, 6)))] = None
    return list(out)


def write_corpus(path, tokenizer, texts):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            line = {"text": text, "ids": tokenizer.encode(text).ids}
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def small(out, count):
    im = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    qwen2 = small_byte_level("qwen2", im, ["<tool_call>", "<repo_name>"])
    gpt2 = small_byte_level("gpt2", im[:1], [])
    gemma, kinds, scores = small_gemma3()
    for name, tokenizer in (("gpt2_plain", gpt2), ("qwen2", qwen2), ("gemma3", gemma)):
        folder = out / f"tokenizer_{name}"
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        if name == "gemma3":
            gguf_of_gemma3(folder / "tokenizer.gguf", kinds, scores)
        else:
            gguf_of_byte_level(folder / "tokenizer.gguf", tokenizer, name.removesuffix("_plain"))
        write_corpus(folder / "corpus.jsonl", tokenizer, strings(count, 11, 24))
        print(folder.name, tokenizer.get_vocab_size(), "tokens")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["small", "real"])
    parser.add_argument("--gguf")
    parser.add_argument("--out", type=Path, default=GOLDEN)
    args = parser.parse_args()
    if args.what == "small":
        return small(args.out, 1500)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = from_gguf(args.gguf)
    tokenizer.save(str(args.out / "tokenizer.json"), pretty=False)
    write_corpus(args.out / "corpus.jsonl", tokenizer, strings(10000, 5, 1000))
    print(args.out, tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
