"""The tables of docs/study.md from final files, as Markdown.

    python study_tables.py models FILE.nc        every model beside its twin and its controls
    python study_tables.py scores FILE.nc        measures against scores
    python study_tables.py series FILE.nc CSV    the two series, with the scores of checkpoints.csv
    python study_tables.py precision FILE.nc REFERENCE.nc NAME    every model of FILE against NAME of REFERENCE

Everything is a mean over pairs of different blocks, then over prompts. Over rotation, over conjugation: 1 - misfit/null with these
nulls, both means over prompts. Without r: excess_coupling_drop<r>.
"""

import csv
import sys

import numpy as np
from netCDF4 import Dataset

K = "8"
SHOWN = ("excess_coupling_k", "excess_coupling_drop", "coupling_null_k", "line_shape_score", "expodistance_cv", "growth_r2", "stable_rank")  # fmt: skip
RIVALS = ("ln_parameters", "n_layers", "d_model")


def names(variable):
    return [str(x) for x in variable[:]]


def number(x, digits=3):
    return "" if x is None or np.ma.is_masked(x) or not np.isfinite(x) else f"{x:.{digits}f}"


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def head(*cells):
    row(*cells)
    row(*["---"] * len(cells))


class Table:
    """The root table of a final file."""

    def __init__(self, path):
        self.file = Dataset(path)
        self.models, self.measures = names(self.file["model_name"]), names(self.file["measure_name"])

    def value(self, model, measure, which="value"):
        if measure not in self.measures or model not in self.models:
            return None
        return self.file[which][self.models.index(model), self.measures.index(measure)]

    def fact(self, model, name):
        return self.file[name][self.models.index(model)]

    def labels(self, model):
        return names(self.file[model]["k_label"])

    def over(self, model, kind, k):
        """Excess over the rotation or the conjugation null, mean over pairs i != j."""
        group = self.file[model]
        at = self.labels(model).index(k)
        ratio = group["coupling_misfit_mean"][at] / group[f"coupling_null_{kind}"][at]
        return 1 - np.ma.mean(ratio[~np.eye(len(ratio), dtype=bool)])


def label_of(table, model):
    return K if K in table.labels(model) else table.labels(model)[-1]


def print_models(path, k=None):
    t = Table(path)
    head("model", "L", "d", "K", "excess coupling (95 % over prompts)", "adjacent blocks", "over rotation",
         "over conjugation", "without 1", "without 3", "1 - misfit/sum s", "line-shape score")  # fmt: skip
    for model in t.models:
        label = k or label_of(t, model)
        main = f"excess_coupling_k{label}_"
        x, low, high = (number(t.value(model, main + "offdiag", which)) for which in ("value", "value_low", "value_high"))
        others = [t.value(model, main + "adjacent")] + [t.over(model, null, label) for null in ("rotation", "conjugation")]
        others += [t.value(model, f"excess_coupling_{drop}_k{label}_offdiag") for drop in ("drop1", "drop3")]
        others += [1 - t.value(model, f"coupling_misfit_trace_k{label}_offdiag")]
        row(model.replace("__random_init", " (twin)"), t.fact(model, "n_layers"), t.fact(model, "d_model"), label,
            f"{x} ({low} to {high})", *map(number, others), number(t.value(model, "line_shape_score"), 2))  # fmt: skip


def print_scores(path):
    t = Table(path)
    f = t.file
    for b, benchmark in enumerate(names(f["benchmark_name"])):
        print(f"\nAgainst `{benchmark}`\n")
        head("measure", "lineage r (95 %)", "p", "permutation p", "q", "one lineage out", "lineage r given L, d", "p",
             "models: r", "p", "r given L, d", "p")  # fmt: skip
        for m, measure in enumerate(t.measures):
            if not measure.startswith(SHOWN) and measure not in RIVALS or measure.endswith("_adjacent"):
                continue

            def get(name, digits=2):
                return number(f[name][m, b], digits)

            row(f"`{measure}`", f"{get('lineage_r')} ({get('lineage_low')} to {get('lineage_high')})",
                get("lineage_p", 3), get("lineage_permutation_p", 3), get("q_value"),
                f"{get('lineage_out_low')} to {get('lineage_out_high')}", get("lineage_partial_r"),
                get("lineage_partial_p", 3), get("pearson_r"), get("pearson_p", 3), get("partial_r"), get("partial_p", 3))  # fmt: skip
        print(f"\n{f['n_models'][0, b]} models, {f['n_lineages'][0, b]} lineages, ICC {number(f['icc'][0, b], 2)}, "
              f"effective n {number(f['n_effective'][0, b], 1)}")  # fmt: skip


def print_series(path, table):
    t = Table(path)
    with open(table) as file:
        scores = {r["model"]: r for r in csv.DictReader(file)}
    head("series", "step", "bits per byte", "accuracy", "excess coupling (95 % over prompts)", "over rotation",
         "over conjugation", "without 1", "without 3", "line-shape score", "growth R^2", "stable rank")  # fmt: skip
    for model in sorted(t.models, key=lambda m: (m.rsplit("-step", 1)[0], t.fact(m, "series_step"))):
        main = f"excess_coupling_k{K}_offdiag"
        x, low, high = (number(t.value(model, main, which)) for which in ("value", "value_low", "value_high"))
        series, step = model.rsplit("-step", 1)
        row(series, step, scores[model]["bits_per_byte"], scores[model]["next_token_accuracy"], f"{x} ({low} to {high})",
            number(t.over(model, "rotation", K)), number(t.over(model, "conjugation", K)), number(t.value(model, f"excess_coupling_drop1_k{K}_offdiag")),
            number(t.value(model, f"excess_coupling_drop3_k{K}_offdiag")), number(t.value(model, "line_shape_score"), 2),
            number(t.value(model, "growth_r2")), number(t.value(model, "stable_rank"), 2))  # fmt: skip


def difference(a, b):
    """Largest and mean absolute difference."""
    d = np.ma.abs(a[:].astype(np.float64) - b[:].astype(np.float64))
    return d.max(), d.mean()


def print_precision(path, reference_path, name):
    t, r = Table(path), Table(reference_path)
    b = r.file[name]
    label = label_of(r, name)
    at = r.labels(name).index(label)
    off = ~np.eye(len(b.dimensions["layer"]), dtype=bool)
    s = b["singular_value"][:]
    main = f"excess_coupling_k{label}_offdiag"
    print(f"\nK = {label}. Reference: {name}, mean excess coupling {number(r.value(name, main), 4)}\n")
    head("model", "arithmetic", "states: largest relative difference of norms", "singular values / s_1: largest, mean",
         "misfit of a pair: largest, mean", "excess coupling of a pair: largest, mean", "mean excess coupling",
         "line-shape score: largest", "expodistance: largest")  # fmt: skip
    for model in t.models:
        a = t.file[model]
        norm = np.ma.max(np.ma.abs(a["hidden_norm"][:] / b["hidden_norm"][:] - 1))
        sigma = np.ma.abs(a["singular_value"][:] - s) / s[:, :, :1]
        pairs = [difference(a[v][:, at][:, off], b[v][:, at][:, off]) for v in ("coupling_misfit", "excess_coupling")]
        row(model, a.arithmetic, f"{norm:.1e}", f"{sigma.max():.1e}, {sigma.mean():.1e}",
            *(f"{x:.1e}, {y:.1e}" for x, y in pairs), number(t.value(model, main), 4),
            *(f"{difference(a[v], b[v])[0]:.1e}" for v in ("line_shape_score", "expodistance")))  # fmt: skip


def main():
    commands = {"models": print_models, "scores": print_scores, "series": print_series, "precision": print_precision}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        raise SystemExit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
