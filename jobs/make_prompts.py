"""make_prompts.py [--out FILE] [--per-task N] [--seed S]: prompts from the six tasks of the Open LLM Leaderboard (2023).

Rows are read from the Hugging Face data set server (JSON, nothing but Python's standard library is needed) and chosen by the
seed: the same seed and data give the same file. FILE.sources.md beside it names data sets, licences and the file's SHA-256.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import urllib.parse
from pathlib import Path

import hub_fetch

SERVER = "https://datasets-server.huggingface.co"
PAGE = 100  # rows that the server gives at most


def question(row):
    return f"Question: {row['question'].strip()}\nAnswer:"


def hellaswag(row):
    return f"{row['activity_label']}: {row['ctx'].strip()}"


def mmlu(row):
    choices = "".join(f"{letter}. {choice}\n" for letter, choice in zip("ABCD", row["choices"]))
    return f"{row['question'].strip()}\n{choices}Answer:"


def truthfulqa(row):
    return f"Q: {row['question'].strip()}\nA:"


def winogrande(row):
    return row["sentence"].split("_")[0].strip()


# task: data set, configuration, split, licence as its repository has it, what becomes of a row
TASKS = {
    "arc": ("allenai/ai2_arc", "ARC-Challenge", "test", "CC BY-SA 4.0", question),
    "hellaswag": ("Rowan/hellaswag", "default", "validation", "MIT", hellaswag),
    "mmlu": ("cais/mmlu", "all", "test", "MIT", mmlu),
    "truthfulqa": ("truthfulqa/truthful_qa", "generation", "validation", "Apache-2.0", truthfulqa),
    "winogrande": ("allenai/winogrande", "winogrande_xl", "validation", "CC BY", winogrande),
    "gsm8k": ("openai/gsm8k", "main", "test", "MIT", question),
}


def page(hub, dataset, config, split, offset):
    query = {"dataset": dataset, "config": config, "split": split, "offset": offset, "length": PAGE}
    with hub.open("/rows?" + urllib.parse.urlencode(query), dataset) as response:
        return json.load(response)


def prompts_of(hub, task, wanted, seed):
    """The number of rows, and `wanted` of them (all, if there are fewer) in their order as (index, text)."""
    dataset, config, split, _, text_of = TASKS[task]
    first = page(hub, dataset, config, split, 0)
    total = first["num_rows_total"]
    chosen = sorted(random.Random(f"{seed} {task}").sample(range(total), min(wanted, total)))
    pages = {0: first}
    found = []
    for index in chosen:
        start = index // PAGE * PAGE
        if start not in pages:
            pages = {start: page(hub, dataset, config, split, start)}
        row = next(r["row"] for r in pages[start]["rows"] if r["row_idx"] == index)
        found.append((index, text_of(row)))
    return total, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/paper-prompts.jsonl"))
    parser.add_argument("--per-task", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    args = parser.parse_args()
    hub = hub_fetch.Hub()
    hub.endpoint, hub.token = os.environ.get("HF_DATASETS_SERVER", SERVER).rstrip("/"), ""
    lines, sources = [], []
    try:
        for task, (dataset, config, split, licence, _) in TASKS.items():
            total, found = prompts_of(hub, task, args.per_task, args.seed)
            lines += [json.dumps({"id": f"{task}-{i}", "text": t}, ensure_ascii=False) + "\n" for i, t in found]
            sources.append(f"| {task} | {dataset} | {config}, {split} | {total} | {len(found)} | {licence} |\n")
            print(f"prompts: {task}: {len(found)} of {total} rows of {dataset} ({licence})", flush=True)
    except hub_fetch.Failure as error:
        print(f"prompts: {error}", file=sys.stderr)
        return 69
    text = "".join(lines).encode()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_name(args.out.name + ".part")
    part.write_bytes(text)
    part.replace(args.out)
    args.out.with_name(args.out.name + ".sources.md").write_text(
        f"{len(lines)} prompts, seed {args.seed}, SHA-256 `{hashlib.sha256(text).hexdigest()}`.\n\n"
        "| task | data set | configuration, split | rows | taken | licence |\n|---|---|---|---|---|---|\n"
        + "".join(sources)
    )
    print(f"prompts: {args.out}, {len(lines)} prompts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
