"""Every statistic of a final file that no random draw is in, computed again from its `value` and `benchmark_score` by scipy and
statsmodels; the random ones within their Monte Carlo error by numpy's generator. Prints the largest differences.
    python check_scores.py out/study.nc
"""
import sys

import netCDF4
import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

import study_statistics as oracle


def texts(variable):
    raw = variable[:]
    raw = np.asarray(raw.filled(b"\0") if np.ma.isMaskedArray(raw) else raw)
    if raw.dtype.kind == "U":  # _Encoding: already decoded, one string a row
        return [str(t).rstrip("\0") for t in np.atleast_1d(raw)]
    return [b"".join(row).rstrip(b"\0").decode() for row in raw]


def filled(variable):
    return np.ma.filled(np.ma.asarray(variable[:], float), np.nan)


def permutation(rng, x, y, n=20000):
    dx = x - x.mean()
    hits = sum(abs(dx @ rng.permutation(y)) >= abs(dx @ y) - 1e-9 for _ in range(n))
    return hits / n


def main(path):
    f = netCDF4.Dataset(path)
    measure, benchmark, lineage = texts(f["measure_name"]), texts(f["benchmark_name"]), texts(f["lineage"])
    value, score = filled(f["value"]), filled(f["benchmark_score"])
    trained = filled(f["trained"]) == 1
    controls = np.log([filled(f["n_layers"]), filled(f["d_model"])])
    exact, random, n = {}, {}, 0
    rng = np.random.default_rng(1)
    resamples = int(f.scores_resamples)

    def compare(name, i, b, want):
        got = filled(f[name])[i, b]
        assert np.isnan(got) == np.isnan(want), (name, measure[i], benchmark[b], got, want)
        if not np.isnan(want):
            exact[name] = max(exact.get(name, 0), abs(got - want) / max(1e-3, abs(want)))

    for i in range(len(measure)):
        for b in range(len(benchmark)):
            keep = trained & np.isfinite(value[:, i]) & np.isfinite(score[:, b])
            x, y, g = value[keep, i], score[keep, b], [lineage.index(lineage[m]) for m in np.where(keep)[0]]
            compare("n_models", i, b, keep.sum())
            if keep.sum() < 3 or np.std(x) < 1e-13 * abs(x).max() or np.std(y) == 0:
                continue
            n += 1
            c = oracle.case("", x, y, g)
            for name, pair in (("pearson_r pearson_p", "pearson"), ("spearman_rho spearman_p", "spearman"),
                               ("kendall_tau kendall_p", "kendall"),
                               ("slope slope_low slope_high intercept r_squared", "line")):
                for k, one in enumerate(name.split()):
                    compare(one, i, b, np.nan if c[pair][k] is None else c[pair][k])
            full = {k: np.nan if v is None else v for k, v in c["lineage"].items() if not isinstance(v, list)}
            for one, key in (("lineage_r", "r"), ("lineage_p", "p"), ("lineage_out_low", "out_low"),
                             ("lineage_out_high", "out_high"), ("n_effective", "n_effective"), ("icc", "icc"),
                             ("within_lineage_slope", "within")):
                compare(one, i, b, full[key])
            got = filled(f["permutation_p"])[i, b]
            want = permutation(rng, x, y)
            sd = np.sqrt(max(want * (1 - want), 1e-4) * (1 / resamples + 1 / 20000))
            random["permutation_p"] = max(random.get("permutation_p", 0), abs(got - want) / sd)
    p = filled(f["lineage_p"]).ravel().copy()
    if f.scores_primary:
        p[measure.index(f.scores_primary) * len(benchmark)] = np.nan
    q = filled(f["q_value"]).ravel()
    there = np.isfinite(p)
    assert (np.isfinite(q) == there).all()
    exact["q_value"] = np.abs(q[there] - multipletests(p[there], method="fdr_by")[1]).max() if there.any() else 0
    print(f"{n} pairs of a measure and a benchmark")
    print("relative differences:", {k: float(f"{v:.1e}") for k, v in exact.items()})
    print("in standard deviations:", {k: round(float(v), 2) for k, v in random.items()})


if __name__ == "__main__":
    main(sys.argv[1])
