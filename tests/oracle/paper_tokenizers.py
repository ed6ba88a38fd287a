"""Tiny tokenizers with the pipelines of further families of the catalogue, and token ids by Hugging Face `tokenizers`.

    python paper_tokenizers.py [KIND ..] [--count N] [--out DIR]     DIR/tokenizer_<kind>/, default ../golden

| kind      | of                      | normalizer        | pre-tokenizer                                        | model, added tokens            | adds          |
|-----------|-------------------------|-------------------|------------------------------------------------------|--------------------------------|---------------|
| neox      | GPT-NeoX, Pythia, MPT,  | NFC               | ByteLevel(regex)                                     | BPE; runs of 2..24 spaces      |               |
|           | OLMo                    |                   |                                                      | (normalized), `|||IP_..|||`    |               |
| phi       | Phi 1, 1.5, 2 (CodeGen) |                   | ByteLevel(regex)                                     | BPE; runs of spaces, of tabs   |               |
| falcon    | Falcon                  |                   | Punctuation(contiguous), ByteLevel(regex),           | BPE; `>>TITLE<<` .. are special|               |
|           |                         |                   | Digits(contiguous), Split([0-9][0-9][0-9])           |                                |               |
| bloom     | BLOOM                   |                   | Split(nested class), ByteLevel(no regex)             | BPE; <unk> <s> </s> <pad>      |               |
| opt       | OPT                     |                   | ByteLevel(regex)                                     | BPE; <s> <pad> </s> <unk>      | </s> before   |
| stablelm2 | StableLM 2              |                   | Split(regex, removed, inverted), ByteLevel(no regex) | BPE, ignore_merges             |               |
| t5        | T5                      | Precompiled       | WhitespaceSplit, Metaspace(always)                   | Unigram; <extra_id_n>          | </s> after    |
| t5_new    | T5, written anew        | Precompiled,      | Metaspace(always)                                    | Unigram; <extra_id_n> (lstrip) | </s> after    |
|           |                         | Strip, Replace    |                                                      |                                |               |
"""

import argparse
import io
import json
import random
import tempfile
from pathlib import Path

import sentencepiece
import sentencepiece.sentencepiece_model_pb2 as spm_pb2
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
from family_tokenizers import COMPOSING, QWEN2
from tiny_tokenizers import GOLDEN, MARK, TEXT, end_gguf, special, start_gguf, template, trained

BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
# What NFKC and SentencePiece's own rules do, some of each kind: a tenth of their table would be 30 kB here.
RULES = {
    "\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u2003": " ", "\u3000": " ", "\u1680": " ", "\u0085": " ",
    "\u200b": " ", "\ufeff": " ", "\u0001": "", "\u001f": "", "\u007f": "", "\u00ad": "",
    "\ufb01": "fi", "\u00bd": "1\u20442", "\u00b2": "2", "\u2460": "1", "\u2163": "IV", "\u2026": "...", "\u2122": "TM",
    "\uff12": "2", "\uff13": "3", "\uff41": "a", "\uff76": "\u30ab", "\uff76\uff9e": "\u30ac", "\uff9e": "\u3099",
    "e\u0301": "\u00e9", "o\u0308": "\u00f6", "a\u0323": "\u1ea1", "a\u0323\u0302": "\u1ead", "u\u031b": "\u01b0",
    "\u304b\u3099": "\u304c", "\u212b": "\u00c5", "\u1100\u1161": "\uac00", "\u1100\u1161\u11a8": "\uac01",
    "\uac00\u11a8": "\uac01", "\U0001d7d8": "0", "\U0001d518": "U", "\u0344": "\u0308\u0301", "\u017f": "s",
}  # fmt: skip


def byte_level_bpe(split, size, first=(), **options):
    tokens, merges = trained(split, size, BYTES, len(BYTES))
    tokens = [*first, *tokens]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, **options))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def plain():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def with_split(*split):
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(*split), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def neox():
    tokenizer = byte_level_bpe(plain(), 480, ["<|endoftext|>", "<|padding|>"])
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens([special(t) for t in ["<|endoftext|>", "<|padding|>"]])
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    tokenizer.add_tokens(
        [AddedToken(t, normalized=False) for t in ["|||IP_ADDRESS|||", "|||EMAIL_ADDRESS|||"]]
    )
    return tokenizer


def phi():
    tokenizer = byte_level_bpe(plain(), 480)
    tokenizer.add_special_tokens([special("<|endoftext|>")])
    runs = [" " * n for n in range(31, 1, -1)] + ["\t" * n for n in range(9, 1, -1)]
    tokenizer.add_tokens([AddedToken(run, normalized=True) for run in runs])
    return tokenizer


def falcon():
    names = [">>TITLE<<", ">>ABSTRACT<<", ">>INTRODUCTION<<", ">>QUESTION<<", ">>ANSWER<<", "<|endoftext|>"]
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation("contiguous"),
            plain(),
            pre_tokenizers.Digits(individual_digits=False),
            pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
        ]
    )
    tokenizer = byte_level_bpe(split, 500, names)
    tokenizer.add_special_tokens([special(name) for name in names])
    return tokenizer


def bloom():
    names = ["<unk>", "<s>", "</s>", "<pad>"]
    tokenizer = byte_level_bpe(with_split(Regex(BLOOM), "isolated"), 500, names)
    tokenizer.add_special_tokens([special(name) for name in names])
    return tokenizer


def opt():
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = byte_level_bpe(plain(), 480, names)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=True) for name in names])
    tokenizer.post_processor = template(["</s>"], [], tokenizer)
    return tokenizer


def stablelm2():
    split = with_split(Regex(QWEN2), "removed", True)
    tokenizer = byte_level_bpe(split, 500, ignore_merges=True)
    tokenizer.add_special_tokens(
        [special(t) for t in ["<|endoftext|>", "<|fim_prefix|>", "<|im_start|>", "<|im_end|>"]]
    )
    return tokenizer


def sentencepiece_unigram():
    """[(piece, score)] and the compiled rules of a SentencePiece model trained here."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"
        code = lambda text: " ".join(f"{ord(c):X}" for c in text)  # noqa: E731
        rules.write_text("".join(f"{code(a)}\t{code(b)}\n" for a, b in RULES.items()), encoding="utf-8")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT * 5), model_writer=model, model_type="unigram", vocab_size=560,
            normalization_rule_tsv=str(rules), character_coverage=0.98, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
            num_threads=1, hard_vocab_limit=False, minloglevel=2,
        )  # fmt: skip
    proto = spm_pb2.ModelProto.FromString(model.getvalue())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    return pieces, proto.normalizer_spec.precompiled_charsmap


def t5_base(before=0):
    pieces, charsmap = sentencepiece_unigram()
    extra = [f"<extra_id_{n}>" for n in range(9, -1, -1)]
    tokenizer = Tokenizer(models.Unigram([*pieces, *((t, 0.0) for t in extra)], unk_id=2))
    tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="always")
    tokenizer.add_special_tokens([special(t) for t in ["<pad>", "</s>", "<unk>"]])
    tokenizer.add_special_tokens([special(t, lstrip=before > 0) for t in extra])
    tokenizer.post_processor = template([], ["</s>"], tokenizer)
    return tokenizer, normalizers.Precompiled(charsmap)


def t5():
    tokenizer, charsmap = t5_base()
    tokenizer.normalizer = charsmap
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(MARK, "always")]
    )
    return tokenizer


def t5_new():
    tokenizer, charsmap = t5_base(1)
    tokenizer.normalizer = normalizers.Sequence(
        [charsmap, normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), MARK)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(MARK, "always")
    return tokenizer


KINDS = {f.__name__: f for f in (neox, phi, falcon, bloom, opt, stablelm2, t5, t5_new)}
# What tokenizer.ggml.pre calls it, where a GGUF file can say the same.
PRE = {"neox": "olmo", "phi": "phi-2", "falcon": "falcon", "bloom": "bloom", "stablelm2": "stablelm2"}
EXTRA = [
    "<|padding|>", "|||IP_ADDRESS|||", ">>TITLE<<", ">>QUESTION<<", "<s>", "</s>", "<pad>", "<unk>", " <unk>", "<extra_id_0>",
    " <extra_id_7> ", "<extra_id_99>", " " * 30, " " * 70, "\t" * 12, " \t  \t\t", "\u00a0\u00a0", "123456", "1234567 89",
    "\u0661\u0662\u0663", "x\u00b2\u00b3", "\uff12\uff13\uff12", "$1,234.56", "!?...", "\u0964\u06d4\u060c", "(|)",
    "a.b,c!d", "\u2460\u2163", "\u00bd", "  a  b  ", "a\u200bb", "\ufb01n", "\uff76\uff9e", "\r\n\r\n", "e\u0301\u0301",
    MARK, " " + MARK, "\u0153\u0102\u00a3",
]  # fmt: skip


def write_gguf(path, data, pre):
    writer, _ = start_gguf(path, data, "gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    end_gguf(writer)


def write_corpus(path, tokenizer, count):
    """Short strings of the corpus, one in five made of special tokens, runs and characters that the rules change."""
    rng = random.Random(23)
    texts = [t for t in token_corpus.corpus(3 * count, 29) if len(t) <= 70][: count - count // 5]
    pool = [*EXTRA, *EXTRA, *COMPOSING, *RULES, " ", "a", "the", "\n", "7"]
    texts += [*EXTRA, "ab" * 400, " " * 300, "7" * 200]
    texts += ["".join(rng.choices(pool, k=rng.randint(2, 6))) for _ in range(count // 5)]
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
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--out", type=Path, default=GOLDEN)
    args = parser.parse_args()
    for kind in args.kinds or KINDS:
        folder = args.out / f"tokenizer_{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = KINDS[kind]()
        (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        if kind in PRE:
            write_gguf(folder / "tokenizer.gguf", json.loads(tokenizer.to_str()), PRE[kind])
        write_corpus(folder / "corpus.jsonl", tokenizer, args.count)
        print(folder.name, tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
