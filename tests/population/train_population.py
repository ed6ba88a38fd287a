"""Trains the population on one thread, scores it, and writes input/trained/, input/trained-models.csv, input/trained-prompts.txt.

    apt-get install bible-kjv bible-kjv-text
    OMP_NUM_THREADS=1 python train_population.py [--only NAME] [--bible COMMAND] [--checkpoints FOLDER]

Models that have a folder and a row are not trained again. Weights are rounded to F16, and scored as rounded. --checkpoints also
keeps the checkpoints of the two series, as folders NAME-stepN with their scores in FOLDER/checkpoints.csv, and of every model it
trains the weights before they are rounded, NAME-float32.
"""

import argparse
import copy
import csv
import math
import time
from pathlib import Path

import torch
from transformers.utils import logging

import kjv_text
from population import BATCH, CHECKPOINTS, CONTEXT, INPUT, POPULATION, VOCABULARY, build

COLUMNS = [
    "model", "family", "lineage", "layers", "width", "parameters", "steps", "text_share", "seed",
    "bits_per_byte", "next_token_accuracy",
]  # fmt: skip
PEAK_RATE, WARMUP, DECAY = 3e-3, 30, 0.1


def read_rows(path):
    return {row["model"]: row for row in csv.DictReader(path.open())} if path.exists() else {}


def write_rows(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def rate(step, steps):
    """Linear warm-up, then a cosine down to a tenth."""
    if step < WARMUP:
        return PEAK_RATE * (step + 1) / WARMUP
    return PEAK_RATE * (0.55 + 0.45 * math.cos(math.pi * (step - WARMUP) / (steps - WARMUP)))


def optimiser_of(net):
    matrices = [p for p in net.parameters() if p.dim() > 1]
    vectors = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def train(model, stream, keep):
    """stream: all tokens in a row. A sequence is <|endoftext|> and CONTEXT - 1 tokens from anywhere."""
    torch.manual_seed(model.seed)
    net = build(model)
    optimiser, draw = optimiser_of(net), torch.Generator().manual_seed(1000 + model.seed)
    for step in range(model.steps):
        if model.series and step in CHECKPOINTS:
            keep(net, step)
        for group in optimiser.param_groups:
            group["lr"] = rate(step, model.steps)
        start = torch.randint(0, len(stream) - CONTEXT, (BATCH,), generator=draw)
        tokens = torch.stack([stream[s : s + CONTEXT - 1] for s in start.tolist()])
        tokens = torch.cat([torch.zeros(BATCH, 1, dtype=torch.long), tokens], 1)
        loss = net(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
    if model.series:
        keep(net, model.steps)
    return net


@torch.no_grad()
def score(net, tokenizer, held_out):
    """Bits per byte and next-token accuracy over the held-out chapters, in windows of CONTEXT - 1 tokens behind <|endoftext|>."""
    bits, right, n_tokens = 0.0, 0, 0
    for chapter in held_out:
        ids = torch.tensor(tokenizer.encode(kjv_text.text_of(chapter)).ids[1:])
        windows = ids.split(CONTEXT - 1)
        batches = [torch.stack(windows[:-1])] if len(windows) > 1 else []
        for batch in [*batches, windows[-1][None]]:
            tokens = torch.cat([torch.zeros(len(batch), 1, dtype=torch.long), batch], 1)
            logits = net(input_ids=tokens).logits[:, :-1].double()
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.flatten(), reduction="sum")
            bits += loss.item() / math.log(2)
            right += (logits.argmax(-1) == batch).sum().item()
            n_tokens += batch.numel()
    n_bytes = sum(len(kjv_text.text_of(chapter)) for chapter in held_out)
    return bits / n_bytes, right / n_tokens


def export(net, tokenizer, folder):
    """A Hugging Face folder as transformers writes it."""
    net.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def finish(net, tokenizer, held_out, folder, model, name, steps):
    """Rounds, scores, exports; the row of the table. The net itself stays as it is."""
    rounded = copy.deepcopy(net).eval()
    for value in rounded.parameters():
        value.data = value.data.half().float()
    bits, accuracy = score(rounded, tokenizer, held_out)
    export(rounded.half(), tokenizer, folder)
    n = sum(p.numel() for p in net.parameters())
    facts = [name, model.family, model.lineage, model.depth, model.width, n, steps, f"{model.share:g}", model.seed]
    return dict(zip(COLUMNS, [*facts, f"{bits:.4f}", f"{accuracy:.4f}"]))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="this model alone; may be repeated")
    parser.add_argument("--bible", default="bible", help="Debian's programme of this name")
    parser.add_argument("--checkpoints", type=Path, help="folder for the checkpoints of the two series")
    parser.add_argument("--out", type=Path, default=INPUT, help="instead of input/")
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    chapters, held_out = kjv_text.split_chapters(kjv_text.read_verses(options.bible))
    tokenizer = kjv_text.train_tokenizer(chapters, VOCABULARY)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "trained-prompts.txt").write_text("".join(p + "\n" for p in kjv_text.choose_prompts(held_out, 24)))
    table = options.out / "trained-models.csv"
    rows = read_rows(table)
    kept_table = options.checkpoints / "checkpoints.csv" if options.checkpoints else None
    for model in POPULATION:
        folder = options.out / "trained" / model.name
        kept = read_rows(kept_table) if kept_table else {}
        wanted = kept_table and model.series and f"{model.name}-step{model.steps}" not in kept
        if options.only and model.name not in options.only or model.name in rows and folder.exists() and not wanted:
            continue

        def keep(net, step):
            if kept_table is None:
                return
            name = f"{model.name}-step{step}"
            kept[name] = finish(net, tokenizer, held_out, options.checkpoints / name, model, name, step)

        start = time.monotonic()
        texts = [tokenizer.encode(kjv_text.text_of(c)).ids for c in kjv_text.share_of(chapters, model.share)]
        net = train(model, torch.tensor([i for ids in texts for i in ids]), keep)
        rows[model.name] = finish(net, tokenizer, held_out, folder, model, model.name, model.steps)
        write_rows(table, [rows[m.name] for m in POPULATION if m.name in rows])
        if kept_table:
            export(net, tokenizer, options.checkpoints / f"{model.name}-float32")
            write_rows(kept_table, kept.values())
        print(f"{model.name}: {time.monotonic() - start:.0f} s, {rows[model.name]}", flush=True)


if __name__ == "__main__":
    main()
