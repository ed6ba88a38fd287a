"""Longhand tokenizers in Python against the ids of a corpus.jsonl.

python check_tokens.py [DIR ..]        DIR holds tokenizer.json and corpus.jsonl; without any: those in ../golden

Covers byte-level BPE with the GPT-2 or Qwen2 regular expression, Digits and NFC (SmolLM2, GPT-2, Qwen2), and a BPE on
characters with byte fallback and <bos> (Gemma 3).
"""

import heapq
import json
import sys
import unicodedata
from pathlib import Path

import regex

from tokens import SMALL, byte_map

GPT2 = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", regex.V1)
QWEN2 = regex.compile(
    r"'(?i:s|ſ|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    regex.V1,
)
FOLDERS = [SMALL, *(SMALL.parent / f"tokenizer_{name}" for name in ("gpt2_plain", "qwen2", "gemma3"))]


def digits_alone(text):
    """Runs without numbers, and every number alone."""
    piece = ""
    for char in text:
        if unicodedata.category(char)[0] == "N":
            yield from ([piece, char] if piece else [char])
            piece = ""
        else:
            piece += char
    if piece:
        yield piece


def bpe(symbols, ranks):
    """Merges the pair of the lowest rank, of equal ones the leftmost, until none is left."""
    after = {i: i + 1 for i in range(len(symbols))}
    before = {i + 1: i for i in range(len(symbols))}
    symbols = dict(enumerate(symbols))

    def candidate(i):
        pair = (symbols.get(i), symbols.get(after.get(i)))
        return [(ranks[pair], i, pair)] if pair in ranks else []

    heap = [c for i in symbols for c in candidate(i)]
    heapq.heapify(heap)
    while heap:
        _, i, pair = heapq.heappop(heap)
        if (symbols.get(i), symbols.get(after.get(i))) != pair:
            continue
        right = after[i]
        symbols[i] += symbols.pop(right)
        after[i] = after[right]
        before[after[i]] = i
        for j in (before.get(i), i):
            for c in candidate(j) if j in symbols else []:
                heapq.heappush(heap, c)
    return [symbols[i] for i in sorted(symbols)]


class Longhand:
    def __init__(self, path):
        data = json.loads(path.read_text(encoding="utf-8"))
        self.vocab = data["model"]["vocab"]
        pairs = [m.split(" ") if isinstance(m, str) else m for m in data["model"]["merges"]]
        self.ranks = {}
        for i, pair in enumerate(pairs):
            self.ranks[tuple(pair)] = i
        self.added = {t["content"]: t["id"] for t in data["added_tokens"]}
        longest_first = sorted(self.added, key=len, reverse=True)
        self.cut = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
        self.map = byte_map()
        kinds = [
            step["type"]
            for step in (data["pre_tokenizer"] or {}).get("pretokenizers", [data["pre_tokenizer"]])
        ]
        self.gemma = data["model"].get("byte_fallback", False)
        self.pieces = digits_alone if "Digits" in kinds else lambda text: [text]
        self.words = (QWEN2 if kinds[0] == "Split" else GPT2).findall
        self.form = (data["normalizer"] or {}).get("type")

    def encode(self, text):
        ids = [self.vocab["<bos>"]] if self.gemma else []
        for stretch in self.cut.split(text):
            if stretch in self.added:
                ids.append(self.added[stretch])
            elif self.gemma:
                ids += self.characters(stretch.replace(" ", "\u2581"))
            else:
                ids += self.byte_level(
                    unicodedata.normalize("NFC", stretch) if self.form == "NFC" else stretch
                )
        return ids

    def byte_level(self, text):
        ids = []
        for piece in self.pieces(text):
            for word in self.words(piece):
                # A byte without a token takes no part in merges: it is dropped before.
                mapped = [self.map[b] for b in word.encode("utf-8")]
                ids += [self.vocab[s] for s in bpe([c for c in mapped if c in self.vocab], self.ranks)]
        return ids

    def characters(self, text):
        """A character without a token is spelled by bytes before any merge."""
        symbols = []
        for char in text:
            spelled = [f"<0x{b:02X}>" for b in char.encode("utf-8")]
            symbols += [char] if char in self.vocab else spelled
        return [self.vocab[s] for s in bpe(symbols, self.ranks)]


def main():
    failed = False
    for folder in map(Path, sys.argv[1:] or FOLDERS):
        tokenizer = Longhand(folder / "tokenizer.json")
        with open(folder / "corpus.jsonl", encoding="utf-8", newline="\n") as file:
            rows = [json.loads(line) for line in file]
        wrong = [row["text"] for row in rows if tokenizer.encode(row["text"]) != row["ids"]]
        print(
            f"{folder}: {len(rows)} strings, {sum(len(r['ids']) for r in rows)} ids, {len(wrong)} different"
        )
        for text in wrong[:20]:
            print(ascii(text))
        failed |= bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
