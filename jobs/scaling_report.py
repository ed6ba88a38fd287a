#!/usr/bin/env python3
"""scaling_report.py FOLDER: tables and figure of a scaling study that jobs/scaling.sh made, from the jobs' logs.

Writes FOLDER/scaling.md (speed-up, efficiency, time by stage, node-hours, roofline point), FOLDER/scaling.csv and, where gnuplot is there,
FOLDER/scaling.svg. Times are those of the whole job step: start of the programme, reading, measuring and the final file.

With t(n) the time on n ranks and n0 the smallest number of ranks: strong speed-up t(n0)/t(n), efficiency n0 t(n0)/(n t(n));
weak efficiency t(n0)/t(n). Jobs that did not end with exit code 0, or found units done before, are named and left out.
Exit codes: 0 done, 64 command line, 65 no job can be used. Python 3.6 or newer, standard library only.
"""
import csv
import os
import re
import shutil
import subprocess
import sys

JOB = re.compile(r"^batch: job \S+, (\d+) ranks on (\d+) nodes, (\d+(?:\.\d+)?) s, exit (\d+),", re.M)
PLAN = re.compile(r" (\d+) units, (\d+) done before, \d+ to do on (\d+) ranks of ")
STAGE = re.compile(r" INFO (?:\[\d+\] )?(\w+) +(\d+\.\d+) +\d+\.\d+% +(\d+\.\d+) +(\d+\.\d+)$", re.M)
MEMORY = re.compile(r"peak memory of a rank (\d+\.\d+) GB, ")


def read_log(path):
    """One job as a dictionary, or the reason why it cannot be used."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    jobs, plan = JOB.findall(text), PLAN.search(text)
    if len(jobs) != 1 or not plan:
        return "has not ended, or was started %d times" % max(len(jobs), 1)
    ranks, nodes, seconds, code = jobs[0]
    if code != "0":
        return "ended with exit code " + code
    if plan.group(2) != "0":
        return plan.group(2) + " units were done before"
    if plan.group(3) != ranks:
        return "has %s tasks but %s ranks in one run: MPI and Slurm do not know each other (docs/clusters.md)" % (
            ranks, plan.group(3))
    memory, rows = MEMORY.search(text), STAGE.findall(text)
    gigaflops = sum(float(seconds) * float(rate) for _, seconds, rate, _ in rows)
    return {"ranks": int(ranks), "nodes": int(nodes), "seconds": float(seconds), "units": int(plan.group(1)),
            "gigabytes": float(memory.group(1)) if memory else 0.0,
            "rate": gigaflops / max(sum(float(row[1]) for row in rows), 1e-9),
            "intensity": gigaflops / max(sum(float(row[3]) for row in rows), 1e-3),
            "stages": {row[0]: float(row[1]) for row in rows}}


def read_folder(folder):
    """Jobs by kind, in the order of their ranks; the unusable ones are told."""
    study = {"strong": [], "weak": []}
    for name in sorted(os.listdir(folder)):
        match = re.match(r"(strong|weak)-\d+\.log$", name)
        if not match:
            continue
        job = read_log(os.path.join(folder, name))
        if isinstance(job, str):
            print("scaling_report: %s is left out: %s" % (name, job), file=sys.stderr)
        else:
            study[match.group(1)].append(job)
    for kind, jobs in study.items():
        jobs.sort(key=lambda job: job["ranks"])
        for job in jobs:
            gain = jobs[0]["seconds"] / max(job["seconds"], 1e-9)
            share = jobs[0]["ranks"] / job["ranks"]
            job["speedup"] = gain if kind == "strong" else gain / share
            job["efficiency"] = gain * share if kind == "strong" else gain
            job["node_hours"] = job["nodes"] * job["seconds"] / 3600
            job["per_unit"] = job["node_hours"] / max(job["units"], 1)
    return study


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def as_markdown(study):
    parts = ["# Scaling\n"]
    for kind, jobs in study.items():
        if not jobs:
            continue
        parts.append("## %s scaling (%s)\n" % (kind.capitalize(), "%d units of work" % jobs[0]["units"] if kind == "strong"
                                               else "%g units a rank" % (jobs[0]["units"] / jobs[0]["ranks"])))
        parts.append(table(
            ["ranks", "nodes", "units", "time, s", "speed-up", "efficiency", "node-hours", "node-hours per 1000 units",
             "memory of a rank, GB", "GFLOP/s of a rank", "flops a byte read"],
            [[str(j["ranks"]), str(j["nodes"]), str(j["units"]), "%.1f" % j["seconds"], "%.2f" % j["speedup"],
              "%.0f %%" % (100 * j["efficiency"]), "%.4g" % j["node_hours"], "%.4g" % (1000 * j["per_unit"]),
              "%.2f" % j["gigabytes"], "%.1f" % j["rate"], "%.0f" % j["intensity"]] for j in jobs]))
        parts.append("The last two are the point of a roofline whose slope is the file system: set the rate beside the product's of "
                     "`resjac bench`.\n")
        names = [name for name in jobs[0]["stages"] if any(j["stages"].get(name, 0) > 0 for j in jobs)]
        parts.append("Time by stage, mean of the ranks, s; what is missing to the whole is start, waiting and final file.\n")
        parts.append(table(["ranks"] + names + ["sum"], [
            [str(j["ranks"])] + ["%.2f" % (j["stages"].get(name, 0) / j["ranks"]) for name in names]
            + ["%.2f" % (sum(j["stages"].values()) / j["ranks"])] for j in jobs]))
    return "\n".join(parts)


def write_csv(study, path):
    names = sorted({name for jobs in study.values() for job in jobs for name in job["stages"]})
    columns = ["ranks", "nodes", "units", "seconds", "speedup", "efficiency", "node_hours", "gigabytes", "rate", "intensity"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kind"] + columns + ["rank_seconds_" + name for name in names])
        for kind, jobs in study.items():
            for job in jobs:
                writer.writerow([kind] + [job[c] for c in columns] + [job["stages"].get(name, 0) for name in names])


def draw(study, path):
    """Efficiency against ranks, with the ideal, by gnuplot."""
    script = ["set terminal svg size 640,420 font 'sans,12'", "set output 'scaling.svg'", "set logscale x 2",
              "set xlabel 'ranks'", "set ylabel 'efficiency'", "set yrange [0:*]", "set key bottom left", "set grid"]
    plots = ["1 with lines dashtype 2 linecolor rgb '#888888' title 'ideal'"]
    for kind, colour in (("strong", "#0072b2"), ("weak", "#d55e00")):
        if study[kind]:
            script.append("$%s << end" % kind)
            script += ["%d %g" % (job["ranks"], job["efficiency"]) for job in study[kind]] + ["end"]
            plots.append("$%s with linespoints pointtype 7 linecolor rgb '%s' title '%s scaling'" % (kind, colour, kind))
    script.append("plot " + ", ".join(plots))
    subprocess.run(["gnuplot"], input="\n".join(script).encode(), cwd=path, check=True)


def main(arguments):
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        print("usage: python3 scaling_report.py FOLDER (of jobs/scaling.sh)", file=sys.stderr)
        return 64
    folder = arguments[0]
    study = read_folder(folder)
    if not any(study.values()):
        print("scaling_report: %s: no job's log can be used" % folder, file=sys.stderr)
        return 65
    text = as_markdown(study)
    with open(os.path.join(folder, "scaling.md"), "w", encoding="utf-8") as file:
        file.write(text)
    write_csv(study, os.path.join(folder, "scaling.csv"))
    if shutil.which("gnuplot"):
        draw(study, folder)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
