"""Every measure of README.md in plain numpy float64, written from the definitions."""

import numpy as np
from scipy.special import erf

DROPS = (1, 3)


def k_counts(d):
    """The list of K used in the reference files: three counts and one fraction of d."""
    return [3, 7, 10, int(np.floor(0.1 * d))]


def linear_fit(x, y):
    """Least squares y ~ intercept + slope x, with R^2 (NaN when y does not vary)."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = (dx @ dy) / (dx @ dx)
    intercept = y.mean() - slope * x.mean()
    residual = y - intercept - slope * x
    total = dy @ dy
    return slope, intercept, 1 - (residual @ residual) / total if total > 0 else np.nan


def cosine(a, b):
    return (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


def trajectory(states):
    """states: [L+1, d], the states of one token before every block and after the last one."""
    n_layer = len(states) - 1
    steps = np.diff(states, axis=0)
    norms = np.linalg.norm(states, axis=1)
    step_norms = np.linalg.norm(steps, axis=1)
    growth = np.diff(np.log(norms))
    expodistance = growth.var() / growth.mean() ** 2
    rate, intercept, r2 = linear_fit(np.arange(n_layer + 1.0), np.log(norms))
    u, s, _ = np.linalg.svd(states - states.mean(axis=0), full_matrices=False)
    return {
        "hidden_norm": norms,
        "step_norm": step_norms,
        "step_cosine": np.array([np.nan] + [cosine(steps[l], steps[l - 1]) for l in range(1, n_layer)]),
        "final_cosine": np.array([cosine(x, states[-1]) for x in states[1:]]),
        "line_shape_score": n_layer / np.linalg.norm((steps / step_norms[:, None]).sum(axis=0)),
        "expodistance": expodistance,
        "expodistance_cv": np.sqrt(expodistance),
        "growth_rate": rate,
        "growth_intercept": intercept,
        "growth_r2": r2,
        "trajectory_pc_abs": np.abs(u * s)[:, :3],
    }


def spectrum(jacobians):
    """jacobians: [L, d, d]. Measures of the singular values of each block and across blocks."""
    s = np.linalg.svd(jacobians, compute_uv=False)
    n_layer, d = s.shape
    p = s / s.sum(axis=1, keepdims=True)
    # Two points say nothing about a line: missing below three blocks.
    depth = np.arange(1.0, n_layer + 1)
    fits = [linear_fit(depth, 1 / s[:, k]) if n_layer > 2 else (np.nan,) * 3 for k in range(d)]
    gap = (s[:, :-1] - s[:, 1:]) / s[:, :-1]
    frobenius2 = (jacobians**2).sum(axis=(1, 2))
    return {
        "singular_value": s,
        "jacobian_frobenius": np.sqrt(frobenius2),
        "jacobian_spectral": s[:, 0],
        "stable_rank": frobenius2 / s[:, 0] ** 2,
        "participation_ratio": s.sum(axis=1) ** 2 / (s**2).sum(axis=1),
        "effective_rank": np.exp(-(p * np.log(p)).sum(axis=1)),
        "relative_gap": np.array([gap[:, : min(k, d - 1)].min(axis=1) for k in k_counts(d)]),
        "inverse_sv_slope": np.array([f[0] for f in fits]),
        "inverse_sv_r2": np.array([f[2] for f in fits]),
    }


def misfit(a, s):
    """|| |A| - diag(s) ||_F, not yet normalised."""
    return np.linalg.norm(np.abs(a) - np.diag(s))


def null(scale, s):
    """Root mean square misfit / ||s|| when A has entries of mean square scale^2, E|A_kk| = sqrt(2/pi)
    scale.
    """
    k = len(s)
    return np.sqrt(k**2 * scale**2 + s @ s - 2 * np.sqrt(2 / np.pi) * scale * s.sum()) / np.linalg.norm(s)


def null_conjugation(jacobian, u, v, s):
    """Frames (u, v) rotated together by one random rotation, so that C = u'v survives."""
    d, k = len(jacobian), len(s)
    tau = np.trace(jacobian) / d
    sigma = np.sqrt(((jacobian**2).sum() - d * tau**2) / d**2)
    c = u.T @ v
    mu = tau * np.diag(c)
    folded = sigma * np.sqrt(2 / np.pi) * np.exp(-(mu**2) / (2 * sigma**2)) + mu * erf(
        mu / (sigma * np.sqrt(2))
    )
    square = tau**2 * (c**2).sum() + k**2 * sigma**2 + s @ s - 2 * s @ folded
    return np.sqrt(square) / np.linalg.norm(s)


def random_frames(rng, n_draw, d, k):
    """[n_draw, d, k] orthonormal frames, uniformly distributed."""
    q, r = np.linalg.qr(rng.standard_normal((n_draw, d, k)))
    return q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]


def null_draws(rng, jacobian, s, n_draw):
    """Misfit / ||s|| of random independent frames."""
    d, k = len(jacobian), len(s)
    u, v = random_frames(rng, n_draw, d, k), random_frames(rng, n_draw, d, k)
    a = np.swapaxes(u, 1, 2) @ (jacobian @ v)
    return np.sqrt(((np.abs(a) - np.diag(s)) ** 2).sum(axis=(1, 2))) / np.linalg.norm(s)


def pair(jacobian, svd_i, svd_j, k):
    """All measures of one pair of blocks at one K. svd = (U, s, V), complete."""
    d = len(jacobian)
    u, v, s = svd_j[0][:, :k], svd_j[2][:, :k], svd_i[1][:k]
    ui, vi = svd_i[0][:, :k], svd_i[2][:, :k]
    norm = np.linalg.norm(s)
    a = u.T @ jacobian @ v
    m = misfit(a, s) / norm
    return {
        "coupling_misfit": m,
        "coupling_misfit_signed": np.linalg.norm(a - np.diag(s)) / norm,
        "coupling_misfit_trace": misfit(a, s) / s.sum(),
        "coupling_misfit_vju": misfit(v.T @ jacobian @ u, s) / norm,
        "coupling_null_rotation": null(np.linalg.norm(a) / k, s),
        "coupling_null_conjugation": null_conjugation(jacobian, u, v, s),
        "excess_coupling": 1 - m / null(np.linalg.norm(jacobian) / d, s),
        **{f"excess_coupling_drop{r}": dropped_excess(jacobian, svd_i, svd_j, k, r) for r in DROPS},
        "subspace_uu": np.linalg.norm(ui.T @ u) ** 2 / k,
        "subspace_vv": np.linalg.norm(vi.T @ v) ** 2 / k,
        "subspace_uv": np.linalg.norm(ui.T @ v) ** 2 / k,
        "subspace_vu": np.linalg.norm(vi.T @ u) ** 2 / k,
    }


def dropped_excess(jacobian, svd_i, svd_j, k, r):
    """Excess coupling after the first r triplets of both blocks are removed."""
    d = len(jacobian)
    if r + k > d:
        return np.nan
    rest = jacobian - (svd_i[0][:, :r] * svd_i[1][:r]) @ svd_i[2][:, :r].T
    u, v, s = svd_j[0][:, r : r + k], svd_j[2][:, r : r + k], svd_i[1][r : r + k]
    return 1 - misfit(u.T @ rest @ v, s) / np.linalg.norm(s) / null(np.linalg.norm(rest) / d, s)


def svd_triplets(jacobian):
    u, s, vt = np.linalg.svd(jacobian)
    return u, s, vt.T


def coupling(jacobians, counts, n_draw=0, seed=0):
    """jacobians: [L, d, d]; counts: list of K. Arrays [k, layer, layer_j] and [k, layer]."""
    n_layer, d = jacobians.shape[:2]
    svds = [svd_triplets(j) for j in jacobians]
    rng = np.random.default_rng(seed)
    out = {}
    null_mean = np.empty((len(counts), n_layer))
    null_sd = np.full((len(counts), n_layer), np.nan)
    for kk, k in enumerate(counts):
        for i in range(n_layer):
            s = svds[i][1][:k]
            null_mean[kk, i] = null(np.linalg.norm(jacobians[i]) / d, s)
            if n_draw:
                null_sd[kk, i] = null_draws(rng, jacobians[i], s, n_draw).std(ddof=1)
            for j in range(n_layer):
                for name, value in pair(jacobians[i], svds[i], svds[j], k).items():
                    out.setdefault(name, np.empty((len(counts), n_layer, n_layer)))[kk, i, j] = value
    return {**out, "coupling_null": null_mean, **({"coupling_null_sd": null_sd} if n_draw else {})}
