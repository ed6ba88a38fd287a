"""Writes tests/golden/statistics/cases.json: the statistics of small samples by scipy, statsmodels and plain numpy.

Every number is one that a C function must give within 1e-10 of itself. null stands for missing.
    python study_statistics.py          # about ten seconds
"""
import json
import os
import warnings

import numpy as np
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def plain(x):
    """JSON numbers, null for NaN."""
    if isinstance(x, (list, tuple, np.ndarray)):
        return [plain(v) for v in x]
    x = float(x)
    return x if np.isfinite(x) else None


def partial(x, y, controls):
    """Correlation of the residuals of two statsmodels fits; its p is that of x's coefficient in the full regression."""
    c = sm.add_constant(np.asarray(controls).T, has_constant="add")
    r = stats.pearsonr(sm.OLS(x, c).fit().resid, sm.OLS(y, c).fit().resid)[0]
    full = sm.OLS(y, np.column_stack([c, x])).fit()
    return r, full.pvalues[-1], int(full.df_resid)


def lineage(x, y, g):
    """Means of lineages, slope with an intercept for each (dummies), ICC(1) of y from scipy's F, effective n, leave-one-out."""
    names = list(dict.fromkeys(g))
    g = np.asarray(g)
    mx = np.array([x[g == k].mean() for k in names])
    my = np.array([y[g == k].mean() for k in names])
    size = np.array([(g == k).sum() for k in names])
    n, G = len(x), len(names)
    out = {"mean_x": mx, "mean_y": my}
    dummies = np.array([g == k for k in names], float).T
    varies = any(np.ptp(x[g == k]) > 0 for k in names)
    out["within"] = sm.OLS(y, np.column_stack([dummies, x])).fit().params[-1] if varies else np.nan
    if n > G > 1:
        F = stats.f_oneway(*[y[g == k] for k in names]).statistic  # B/W
        m = (n - (size**2).sum() / n) / (G - 1)
        out["icc"] = (F - 1) / (F + m - 1)
    else:
        out["icc"] = np.nan
    rho = max(0.0, out["icc"]) if np.isfinite(out["icc"]) else 0.0
    out["n_effective"] = (size / (1 + (size - 1) * rho)).sum()
    if G >= 4:
        out["r"], out["p"] = stats.pearsonr(mx, my)
        left = [stats.pearsonr(np.delete(mx, i), np.delete(my, i))[0] for i in range(G)]
        out["out_low"], out["out_high"] = min(left), max(left)
    else:
        out["r"] = out["p"] = out["out_low"] = out["out_high"] = np.nan
    return out


def case(name, x, y, g=None, controls=None):
    x, y = np.asarray(x, float), np.asarray(y, float)
    n = len(x)
    c = {"name": name, "x": x, "y": y}
    flat = np.ptp(x) == 0 or np.ptp(y) == 0
    c["pearson"] = [np.nan, np.nan] if flat else stats.pearsonr(x, y)
    c["spearman"] = [np.nan, np.nan] if flat else stats.spearmanr(x, y)
    c["kendall"] = [np.nan, np.nan] if flat else stats.kendalltau(x, y)
    if flat:
        c["line"] = [np.nan] * 5
    else:
        fit = sm.OLS(y, sm.add_constant(x - x.mean())).fit()  # centred: a large mean costs statsmodels digits
        low, high = fit.conf_int(0.05)[1]
        c["line"] = [fit.params[1], low, high, fit.params[0] - fit.params[1] * x.mean(), fit.rsquared]
    if controls is not None:
        c["controls"] = np.concatenate([np.asarray(k, float) for k in controls])
        c["partial"] = partial(x, y, controls)
    if g is not None:
        c["lineage_id"] = g
        c["lineage"] = {k: plain(v) for k, v in lineage(x, y, g).items()}
    return {k: v if k in ("name", "lineage") else plain(v) for k, v in c.items()}


def cases():
    rng = np.random.default_rng(20240710)
    yield case("n3", [1, 2, 4], [3, 1, 7])
    yield case("n4", [0.31, 0.52, 0.44, 0.9], [28.5, 41.25, 39.0, 62.5], [5, 5, 2, 9])
    yield case("n4_ties", [1, 1, 2, 3], [4, 5, 5, 6], [1, 2, 3, 4])
    yield case("constant_x", [2.5] * 6, [1, 2, 3, 4, 5, 6])
    yield case("constant_y", [0.1, 0.2, 0.3, 0.7], [0.1] * 4)
    yield case("perfect_order", np.arange(9), np.arange(9) ** 3)
    yield case("perfect_reverse", np.arange(7), -np.sqrt(np.arange(7)))
    x = np.arange(12.0)
    y = x.copy()
    y[[4, 5]] = y[[5, 4]]
    yield case("one_swap", x, y)
    for n, rho in ((5, 0.4), (10, 0.7), (11, -0.6), (33, 0.3), (34, 0.3), (60, -0.1), (200, 0.4)):
        x = rng.standard_normal(n)
        y = rho * x + np.sqrt(1 - rho**2) * rng.standard_normal(n)
        g = [int(k) for k in rng.integers(0, max(4, n // 4), n)]
        ln_l, ln_d = np.log(rng.integers(12, 80, n)), np.log(64.0 * rng.integers(8, 128, n))
        yield case(f"normal_{n}", 0.3 + 0.1 * x, 50 + 12 * y, g, (ln_l, ln_d) if n >= 5 else None)
    x = rng.integers(0, 5, 25)
    yield case("ties_25", x, x + rng.integers(0, 3, 25), [int(k) for k in rng.integers(0, 6, 25)])
    x = rng.integers(0, 3, 80)
    yield case("ties_80", x, rng.integers(0, 4, 80))
    x = np.arange(50.0)
    y = x.copy()
    y[[10, 11]] = y[[11, 10]]
    yield case("one_swap_50", x, y)  # exact although n > 33
    x = 1e6 + rng.standard_normal(20)
    yield case("large_mean", x, 2 * (x - 1e6) + rng.standard_normal(20))
    x, y = rng.standard_normal(9), rng.standard_normal(9)
    k = rng.standard_normal(9)
    c = case("dependent_controls", x, y, None, [k])  # the same control twice counts once
    c["controls"] = plain(np.concatenate([k, 3 * k - 1]))
    yield c


def distributions():
    correlation = [[r, df] for df in (1, 2, 3, 9, 38, 500) for r in (0.0, 0.05, -0.4, 0.9, 0.999, 1.0)]
    quantile = [[p, df] for df in (1, 2, 3, 9, 31, 38, 500) for p in (0.025, 0.5, 0.9, 0.975, 0.999)]
    p = []
    for r, df in correlation:
        t = r * np.sqrt(df / ((1 - r) * (1 + r))) if abs(r) < 1 else np.inf
        p.append(2 * stats.t.sf(abs(t), df))
    return {
        "correlation": correlation,
        "correlation_p": plain(p),
        "quantile": quantile,
        "quantile_t": plain([stats.t.ppf(p, df) for p, df in quantile]),
        "z": [0.0, 0.5, -1.96, 4.0, 9.0],
        "z_p": plain([2 * stats.norm.sf(abs(z)) for z in (0.0, 0.5, -1.96, 4.0, 9.0)]),
    }


def many():
    rng = np.random.default_rng(7)
    p = np.concatenate([rng.uniform(size=15), rng.uniform(size=6) * 1e-3, [0.01, 0.01, 1.0, 0.0]])
    return {"p": plain(p), "q": plain(multipletests(p, method="fdr_by")[1])}


def reliability():
    """Cronbach's alpha with prompts as items, from covariances: an independent way to the same number."""
    rng = np.random.default_rng(3)
    table = rng.standard_normal((1, 9)) * 0.5 + rng.standard_normal((12, 1)) + 0.3 * rng.standard_normal((12, 9))
    items = table.shape[0]  # 12 prompts, 9 models
    cov = np.cov(table)
    alpha = items / (items - 1) * (1 - np.trace(cov) / cov.sum())
    return {"shape": [12, 9], "value": plain(table.ravel()), "alpha": float(alpha)}


def main():
    folder = os.path.join(HERE, "..", "golden", "statistics")
    os.makedirs(folder, exist_ok=True)
    data = {"cases": list(cases()), "distributions": distributions(), "many": many(), "reliability": reliability()}
    with open(os.path.join(folder, "cases.json"), "w") as f:
        json.dump(data, f, indent=None, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()
