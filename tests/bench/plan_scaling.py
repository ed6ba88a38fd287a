#!/usr/bin/env python3
"""Plans of large studies on 64 to 4,096 ranks, by `resjac plan` alone: a table, a CSV and a figure.

    python3 tests/bench/plan_scaling.py build/resjac OUT [MACHINE.json]

The models are configurations from tests/model/configs.json, so nothing is fetched. The studies: one 8B and one 70B model; the
paper's 38 models (those marked likely in input/models.csv, without the T5 that are not evaluated); each 1,200 prompts of 128
tokens, once K = 10, 30, 50 without twins, once K = 0.1d with twins. Nodes have 128 cores and 512 GB. A rank has one core; with
models that are 8192 wide only 48 cores of a node are used, because a rank then needs up to 9 GB.
"""
import csv
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANKS = [64, 128, 256, 512, 1024, 2048, 4096]
MEMORY, PROMPTS, TOKENS = 512, 1200, 128


def configurations():
    """The configuration of each model of the catalogue, by name."""
    with open(ROOT / "tests/model/configs.json", encoding="utf-8") as file:
        return {name: entry["config"] for entry in json.load(file) for name in entry["models"]}


def paper_models():
    with open(ROOT / "input/models.csv", encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row["model"] for row in rows if row["paper"].startswith("likely") and row["family"] != "t5"]


def write_study(folder, models, twins, deck_lines):
    configs = configurations()
    lines = ["models:"]
    for name in models:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "config.json").write_text(json.dumps(configs[name]), encoding="utf-8")
        lines.append("  - {path: %s%s}" % (name, ", twin: random-init" if twins else ""))
    prompts = folder / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"ids": list(range(1, TOKENS + 1))}) + "\n" for _ in range(PROMPTS)))
    deck = folder / ("twins.yaml" if twins else "plain.yaml")
    deck.write_text("\n".join(lines + ["prompts: {file: prompts.jsonl}", "output: out.nc"] + deck_lines) + "\n")
    return deck


def plan(resjac, deck, ranks, per_node, machine):
    command = [resjac, "plan", str(deck), "--ranks", str(ranks), "--ranks-per-node", str(per_node),
               "--memory-per-node", str(MEMORY), "--json"] + (["--machine", machine] if machine else [])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1]
    made = json.loads(done.stdout)
    left_out = [m["name"] for m in made["models"] if "left_out" in m]
    return (None, "left out: " + ", ".join(left_out)) if left_out else (made, "")


def draw(folder, names):
    script = ["set terminal svg size 760,420 font 'sans,13'", "set output 'plan-scaling.svg'", "set datafile separator ','",
              "set logscale x 2", "set xlabel 'ranks (cores)'", "set ylabel 'parallel efficiency, %'", "set yrange [0:105]",
              "set key outside right", "set grid ytics lc rgb '#dddddd'"]
    curves = ["'%s.csv' using 1:4 skip 1 with linespoints lw 2 title '%s'" % (n, n.replace("_", " ")) for n in names]
    (folder / "plan-scaling.gp").write_text("\n".join(script + ["plot " + ", \\\n     ".join(curves)]) + "\n")
    subprocess.run(["gnuplot", "plan-scaling.gp"], cwd=folder, check=True)


def main():
    resjac, out = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    machine = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    few, many = ["coupling: {k: [10, 30, 50]}"], ["coupling: {k: [0.1d]}"]
    studies = [("8B", ["Meta-Llama-3-8B"], False, few, 128), ("8B_0.1d_twin", ["Meta-Llama-3-8B"], True, many, 128),
               ("70B", ["Meta-Llama-3-70B"], False, few, 48), ("70B_0.1d_twin", ["Meta-Llama-3-70B"], True, many, 48),
               ("paper", paper_models(), False, few, 48), ("paper_0.1d_twins", paper_models(), True, many, 48)]
    out.mkdir(parents=True, exist_ok=True)
    print("| study | ranks | hours | node-hours | efficiency | of the products' peak | GB a rank |\n|---|---|---|---|---|---|---|")
    for name, models, twins, lines, per_node in studies:
        deck = write_study(out / name, models, twins, lines)
        with open(out / (name + ".csv"), "w", encoding="utf-8") as file:
            file.write("ranks,seconds,node_hours,efficiency_percent,share_of_peak_percent,memory_per_rank_gb\n")
            for ranks in RANKS:
                p, why = plan(resjac, deck, ranks, per_node, machine)
                if p is None:
                    print("| %s | %d | refused: %s |" % (name, ranks, why))
                    continue
                row = (p["seconds"], p["node_hours"], 100 * p["efficiency"], 100 * p["share_of_peak"],
                       1e-9 * p["memory_per_rank_bytes"])
                file.write("%d,%.1f,%.3f,%.2f,%.2f,%.3f\n" % ((ranks,) + row))
                print("| %s | %d | %.2f | %.0f | %.0f %% | %.0f %% | %.1f |" % (name, ranks, row[0] / 3600, *row[1:]))
    draw(out, [s[0] for s in studies])


if __name__ == "__main__":
    main()
