"""The text that the population is trained on: the King James Bible as Debian ships it (bible-kjv, bible-kjv-text: the text is in
the public domain), its split, and a byte-level BPE tokenizer of 512 tokens.

Every twentieth chapter is held out. A chapter is its verses, one a line; chapters begin with <|endoftext|>.
"""

import hashlib
import random
import re
import subprocess

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

SHA256 = "cd45f0c9cedab8e4439bd6486c8952c77cc8b0ecc5d1f6ae3513f2039f47229d"
START = "<|endoftext|>"


def read_verses(command="bible"):
    """[(book and chapter, text)] of all verses, in order."""
    out = subprocess.run([command, "-f", "gen1:1-rev22:21"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(out).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{command} -f gen1:1-rev22:21 has SHA-256 {digest}, the population was trained on {SHA256}")
    return re.findall(r"^(\S+?):\d+ (.*)$", out.decode("ascii"), re.M)


def split_chapters(verses):
    """Chapters to train on, held-out chapters: lists of lists of verses."""
    chapters = {}
    for chapter, text in verses:
        chapters.setdefault(chapter, []).append(text)
    chapters = list(chapters.values())
    return [c for i, c in enumerate(chapters) if i % 20 != 19], chapters[19::20]


def share_of(chapters, share):
    """The first so many of a fixed shuffle, in the order of the text."""
    chosen = random.Random(0).sample(range(len(chapters)), round(share * len(chapters)))
    return [chapters[i] for i in sorted(chosen)]


def text_of(chapter):
    return "".join(verse + "\n" for verse in chapter)


def train_tokenizer(chapters, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[START],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(text_of, chapters), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A {START} $B", special_tokens=[(START, 0)]
    )
    return tokenizer


def choose_prompts(held_out, n):
    """Beginnings of held-out verses, one of each chosen chapter, cut between words behind three quarters of the verse."""
    rng, prompts = random.Random(1), []
    for chapter in rng.sample([c for c in held_out if max(map(len, c)) > 120], n):
        words = rng.choice([v for v in chapter if len(v) > 120]).split(" ")
        prompts.append(" ".join(words[: 3 * len(words) // 4]))
    return prompts
