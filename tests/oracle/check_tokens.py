"""A longhand SmolLM2 tokenizer in Python against the ids of a corpus.jsonl.

python check_tokens.py DIR        DIR holds tokenizer.json and corpus.jsonl
"""

import json
import sys
import unicodedata
from pathlib import Path

import regex

from tokens import SMALL, byte_map

GPT2 = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", regex.V1)


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


def bpe(word, ranks):
    symbols = list(word)
    while len(symbols) > 1:
        rank, at = min((ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(symbols, symbols[1:])))
        if rank == 1 << 30:
            break
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
    return symbols


class Smol:
    def __init__(self, path):
        data = json.loads(path.read_text(encoding="utf-8"))
        self.vocab = data["model"]["vocab"]
        pairs = [m.split(" ") if isinstance(m, str) else m for m in data["model"]["merges"]]
        self.ranks = {tuple(pair): i for i, pair in enumerate(pairs)}
        self.added = {t["content"]: t["id"] for t in data["added_tokens"]}
        longest_first = sorted(self.added, key=len, reverse=True)
        self.cut = regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")
        self.map = byte_map()

    def encode(self, text):
        ids = []
        for stretch in self.cut.split(text):
            if stretch in self.added:
                ids.append(self.added[stretch])
                continue
            for piece in digits_alone(stretch):
                for word in GPT2.findall(piece):
                    # A byte without a token takes no part in merges: it is dropped before.
                    mapped = [self.map[b] for b in word.encode("utf-8")]
                    ids += [self.vocab[s] for s in bpe([c for c in mapped if c in self.vocab], self.ranks)]
        return ids


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SMALL
    tokenizer, wrong = Smol(folder / "tokenizer.json"), []
    with open(folder / "corpus.jsonl", encoding="utf-8", newline="\n") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        if tokenizer.encode(row["text"]) != row["ids"]:
            wrong.append(row["text"])
    print(f"{folder}: {len(rows)} strings, {sum(len(r['ids']) for r in rows)} ids, {len(wrong)} different")
    for text in wrong[:20]:
        print(ascii(text))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
