"""Token ids of a hard corpus by Hugging Face `tokenizers`.

    python tokens.py small                        golden/tokenizer_smol/: own small vocabulary, 2,000 strings
    python tokens.py real --gguf FILE --out DIR   tokenizer.json from the GGUF vocabulary, 10,000 strings

A SmolLM2 tokenizer: no normalizer, Sequence[Digits(individual), ByteLevel(GPT-2 regex, no prefix space)],
BPE without unknown token (characters missing in the vocabulary are dropped), nothing added at either end.
transformers' own conversion of a GGUF file leaves the Digits step out: the tokenizer is put together here.
"""

import argparse
import json
from pathlib import Path

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import token_corpus

SMALL = Path(__file__).resolve().parent.parent / "golden" / "tokenizer_smol"
SMALL_ADDED = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<repo",
    "<file_sep>",
    "<empty_output>",
]
MISSING_BYTES = [0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xF1, 0xF2]  # as in SmolLM2
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def byte_map():
    """Byte -> its character in a byte-level vocabulary."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(0x100 + i) for i, b in enumerate(others)}}


def dress(tokenizer):
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def special(content):
    return AddedToken(content, normalized=False, special=content != "<repo")


def train_small():
    tokenizer = dress(Tokenizer(models.BPE()))
    alphabet = sorted(char for byte, char in byte_map().items() if byte not in MISSING_BYTES)
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        special_tokens=[special(t) for t in SMALL_ADDED],
        show_progress=False,
    )
    text = (
        token_corpus.SENTENCES + token_corpus.CODE + ["the and of to in is that it was for " * 3, "    " * 4]
    )
    tokenizer.train_from_iterator(text * 5, trainer)
    return tokenizer


def ascii_tokenizer():
    """97 tokens for the tiny model llama_base: two specials, printable ASCII without ^ ` ~, space, th, the,
    " the".
    """
    tokens = [
        "<|endoftext|>",
        "<|im_end|>",
        *(chr(c) for c in range(0x21, 0x7F) if chr(c) not in "^`~"),
        "\u0120",
    ]
    merges = [("t", "h"), ("th", "e"), ("\u0120", "the")]
    tokens += [a + b for a, b in merges]
    tokenizer = dress(Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges)))
    tokenizer.add_special_tokens([special(t) for t in tokens[:2]])
    return tokenizer


def from_gguf(path):
    reader = gguf.GGUFReader(path)
    get = lambda key: reader.fields[f"tokenizer.ggml.{key}"].contents()  # noqa: E731
    assert get("model") == "gpt2" and get("pre") == "smollm"
    tokens, kinds = get("tokens"), get("token_type")
    pairs = [split_merge(m) for m in get("merges")]
    tokenizer = dress(Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=pairs)))
    tokenizer.add_special_tokens([special(t) for t, kind in zip(tokens, kinds) if kind == CONTROL])
    return tokenizer


def split_merge(merge):
    """Two symbols, parted at the first space after the first character."""
    at = merge.index(" ", 1)
    return merge[:at], merge[at + 1 :]


def add_gguf_keys(writer, tokenizer):
    """The vocabulary as GGUF metadata."""
    data = json.loads(tokenizer.to_str())
    vocab = sorted(data["model"]["vocab"].items(), key=lambda item: item[1])
    kinds = {t["content"]: CONTROL if t["special"] else USER_DEFINED for t in data["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([token for token, _ in vocab])
    writer.add_token_types([kinds.get(token, NORMAL) for token, _ in vocab])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)


def write_gguf(path, tokenizer):
    """A GGUF file with the vocabulary and no tensors."""
    writer = gguf.GGUFWriter(path, "llama")
    add_gguf_keys(writer, tokenizer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_corpus(path, tokenizer, count, seed=0):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in token_corpus.corpus(count, seed):
            ids = tokenizer.encode(text).ids
            file.write(
                json.dumps({"text": text, "ids": ids}, ensure_ascii=False, separators=(",", ":")) + "\n"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["small", "real"])
    parser.add_argument("--gguf")
    parser.add_argument("--out", type=Path, default=SMALL)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_small() if args.what == "small" else from_gguf(args.gguf)
    tokenizer.save(str(args.out / "tokenizer.json"), pretty=False)
    if args.what == "small":
        write_gguf(args.out / "tokenizer.gguf", tokenizer)
    write_corpus(args.out / "corpus.jsonl", tokenizer, 2000 if args.what == "small" else 10000)
    print(args.out, tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
