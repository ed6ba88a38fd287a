"""Tiny tokenizers of the Llama family's other kinds, trained here, with token ids by Hugging Face `tokenizers`.

    python tiny_tokenizers.py [KIND ..] [--count N] [--seed S] [--out DIR]     DIR/tokenizer_<kind>/, default ../golden

Each folder gets tokenizer.json, corpus.jsonl ("ids" of the default call, "plain" without special tokens) and, where a
GGUF file can say the same, tokenizer.gguf.

| kind      | normalizer          | pre-tokenizer                     | model                         | added around a text |
|-----------|---------------------|-----------------------------------|-------------------------------|---------------------|
| llama3    |                     | Split(cl100k) + ByteLevel         | BPE, ignore_merges            | BOS                 |
| llama2    | Prepend, Replace    |                                   | BPE, byte fallback, fused unk | BOS                 |
| metaspace |                     | Metaspace(first, no split)        | BPE, some byte tokens missing | BOS, EOS            |
| gpt2      |                     | ByteLevel(prefix space)           | BPE, merges as strings        | <s> </s> (RoBERTa)  |
| splits    | Replace(regex)      | Punctuation, Digits, 5 Splits     | BPE, unk not fused            | Bert, then template |
"""

import argparse
import json
import random
from collections import Counter
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
    trainers,
)

import token_corpus
from tokens import CONTROL, NORMAL, USER_DEFINED

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
TEXT = token_corpus.SENTENCES + token_corpus.CODE + ["the and of to in is that it was for " * 3, "    " * 4]
CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UNKNOWN, BYTE = 2, 6
MARK = "\u2581"


def special(content, **flags):
    return AddedToken(content, special=True, normalized=False, **flags)


def trained(pieces, size, alphabet, limit):
    """Vocabulary and merges of a BPE trained on pre-tokenized text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pieces
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, limit_alphabet=limit, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT * 5, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return tokens, [tuple(m if isinstance(m, list) else m.split(" ")) for m in model["merges"]]


def template(before, after, tokenizer):
    pieces = [*before, "$A", *after]
    ids = [(t, tokenizer.token_to_id(t)) for t in {*before, *after}]
    return processors.TemplateProcessing(single=" ".join(pieces), pair="$A $B", special_tokens=sorted(ids))


def llama3():
    """Words without a merge path ("quickbrown") show what ignore_merges does."""
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CL100K), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokens, merges = trained(split, 600, sorted(alphabet), len(alphabet))
    tokens += ["\u0120lazy", "Gr\u00c3\u00b6\u00c3\u0141e", "123", "\u0120\u0120\u0120"]
    tokens = list(dict.fromkeys(tokens))
    vocab = {t: i for i, t in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    names = ["<|begin_of_text|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.add_special_tokens([special(name) for name in names])
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), template(names[:1], [], tokenizer)]
    )
    return tokenizer


def all_merges(scores):
    """Every way to make a token of two, best score first, as transformers converts a SentencePiece model."""
    order = {token: i for i, token in enumerate(scores)}
    merges = []
    for token, score in scores.items():
        pairs = [(token[:k], token[k:]) for k in range(1, len(token))]
        pairs = [p for p in pairs if p[0] in order and p[1] in order]
        merges += [(score, p) for p in sorted(pairs, key=lambda p: (order[p[0]], order[p[1]]))]
    merges.sort(key=lambda m: (m[0], len(m[1][0]), len(m[1][1])), reverse=True)
    return [pair for _, pair in merges]


def sentencepiece(size, missing=()):
    """Tokens and scores in the order of Llama 2: specials, bytes, merged pieces, characters."""
    split = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    # Left to itself the trainer breaks ties between equally frequent characters at random.
    counts = Counter(MARK + " ".join(TEXT).replace(" ", MARK))
    alphabet = sorted(sorted(counts), key=lambda char: -counts[char])[:120]
    tokens, merges = trained(split, size, alphabet, len(alphabet))
    merged = list(dict.fromkeys(a + b for a, b in merges))
    characters = [t for t in tokens if len(t) == 1]
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256) if b not in missing)]
    scores = {t: 0.0 for t in pieces}
    scores.update({t: -float(i + 1) for i, t in enumerate(merged + characters)})
    return scores


def llama2_model(scores, fuse=True):
    vocab = {t: i for i, t in enumerate(scores)}
    plain = {t: s for t, s in scores.items() if s < 0}
    return models.BPE(
        vocab=vocab, merges=all_merges(plain), unk_token="<unk>", fuse_unk=fuse, byte_fallback=True
    )


def llama2():
    tokenizer = Tokenizer(llama2_model(sentencepiece(500)))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.add_special_tokens([special(t) for t in ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]])
    tokenizer.post_processor = template(["<s>"], [], tokenizer)
    return tokenizer


def metaspace():
    missing = [0x01, 0x85, 0x9F, 0xB8, 0xCC, 0xF0]
    tokenizer = Tokenizer(llama2_model(sentencepiece(500, missing)))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.add_special_tokens([special(t) for t in ["<unk>", "<s>", "</s>", "<|im_end|>"]])
    tokenizer.add_special_tokens([special("<|im_start|>", rstrip=True), special("<repo", single_word=True)])
    tokenizer.add_tokens([AddedToken("ha", single_word=True), AddedToken("'s", lstrip=True, rstrip=True)])
    tokenizer.post_processor = template(["<s>"], ["</s>"], tokenizer)
    return tokenizer


def gpt2():
    split = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokens, merges = trained(split, 500, sorted(alphabet), len(alphabet))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *tokens]
    tokenizer = Tokenizer(
        models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = split
    tokenizer.add_special_tokens([special(t) for t in tokens[:4]])
    tokenizer.add_tokens([AddedToken(" " * n) for n in range(2, 9)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False)
    return tokenizer


def splits():
    """Every behaviour of Split, patterns as text and as regex, inverted, and matches of nothing."""
    scores = sentencepiece(450, range(0x80, 0x100))
    tokenizer = Tokenizer(llama2_model(scores, fuse=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(r"\s"), MARK), normalizers.Replace("e", "\u00e9")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split(MARK, "merged_with_next"),
            pre_tokenizers.Split("a", "merged_with_previous"),
            pre_tokenizers.Split(Regex(r"[\p{Lu}\w]{2,3}"), "contiguous", invert=True),
            pre_tokenizers.Split(Regex(r"x*"), "isolated"),
            pre_tokenizers.Split(Regex(r"[^(\S|[uv])]|(?<=i)o|\u0062$"), "removed"),
        ]
    )
    names = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    tokenizer.add_special_tokens([special(t) for t in names])
    tokenizer.post_processor = processors.Sequence(
        [processors.BertProcessing(("</s>", 2), ("<s>", 1)), template(names[3:4], names[4:], tokenizer)]
    )
    return tokenizer


def merges_as_strings(data):
    data["model"]["merges"] = ["#version: 0.2", *(" ".join(m) for m in data["model"]["merges"])]
    del data["model"]["type"]
    data["model"]["continuing_subword_prefix"] = data["model"]["end_of_word_suffix"] = ""


def start_gguf(path, data, model):
    vocab = {**data["model"]["vocab"], **{t["content"]: t["id"] for t in data["added_tokens"]}}
    tokens = sorted(vocab, key=vocab.get)
    kinds = {t["content"]: CONTROL if t["special"] else USER_DEFINED for t in data["added_tokens"]}
    kinds.update({t: BYTE for t in tokens if t.startswith("<0x")})
    if "<unk>" in kinds:
        kinds["<unk>"] = UNKNOWN
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(t, NORMAL) for t in tokens])
    return writer, tokens


def end_gguf(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def gguf_llama3(path, data):
    writer, tokens = start_gguf(path, data, "gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    writer.add_bos_token_id(tokens.index("<|begin_of_text|>"))
    writer.add_eos_token_id(tokens.index("<|endoftext|>"))
    end_gguf(writer)


def gguf_llama2(path, data):
    writer, tokens = start_gguf(path, data, "llama")
    first = tokens.index("<0xFF>")  # the pieces after it come in the order of their scores
    writer.add_token_scores([-max(0.0, float(i - first)) for i in range(len(tokens))])
    writer.add_bos_token_id(tokens.index("<s>"))
    writer.add_eos_token_id(tokens.index("</s>"))
    writer.add_unk_token_id(tokens.index("<unk>"))
    end_gguf(writer)


KINDS = {
    "llama3": (llama3, None, gguf_llama3),
    "llama2": (llama2, None, gguf_llama2),
    "metaspace": (metaspace, None, None),
    "gpt2": (gpt2, merges_as_strings, None),
    "splits": (splits, None, None),
}


def write_corpus(path, tokenizer, count, seed):
    """Short strings: all of the corpus, of which those up to 60 characters are kept."""
    extra = ["<|begin_of_text|>", "<s>a</s>", " <s> a", "<unk>", "a <pad>b", "ha ha", "haha", " ha", "x's 's"]
    names = [*token_corpus.SPECIAL, *extra]
    rng = random.Random(seed)
    texts = [t for t in token_corpus.corpus(3 * count, seed) if len(t) <= 60][: count - count // 5]
    parts = [*names, " ", "a", " b", "\n"]
    texts += ["".join(rng.choices(parts, k=rng.randint(1, 5))) for _ in range(count // 5)]
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in dict.fromkeys(texts):
            line = {"text": text, "ids": tokenizer.encode(text).ids}
            line["plain"] = tokenizer.encode(text, add_special_tokens=False).ids
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=GOLDEN)
    args = parser.parse_args()
    for kind in args.kinds or KINDS:
        make, edit, to_gguf = KINDS[kind]
        folder = args.out / f"tokenizer_{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        data = json.loads(make().to_str())
        if edit:
            edit(data)
        (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if to_gguf:
            to_gguf(folder / "tokenizer.gguf", data)
        write_corpus(folder / "corpus.jsonl", tokenizer, args.count, args.seed)
        print(folder.name, tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
