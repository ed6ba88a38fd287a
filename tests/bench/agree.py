#!/usr/bin/env python3
"""Does resjac's file hold the numbers of reference.py? Only then a ratio of times means something.

  agree.py REFERENCE.npz OUT.nc   -> exit 0, or 1 with what differs

Singular values within 2e-5 s_1, misfits of different blocks within 1e-4 + 3e-3 (1e-6/gap) of their value: both programs are in
single precision, and a small gap leaves directions open (gap: the smallest of both blocks, from OUT.nc). Blocks on the
diagonal have no misfit: within 2e-5.
"""
import sys

import netCDF4
import numpy as np

reference, out = np.load(sys.argv[1]), netCDF4.Dataset(sys.argv[2])
group = out[list(out.groups)[0]]
n = reference["s"].shape[0]


def read(name):
    return np.ma.filled(group[name][0].astype(float), np.nan)


# --layers: the reference's last block is then in the middle of the model and its state is raw or behind the final norm
n = n if n == read("singular_value").shape[0] else n - 1
worst = []
s = read("singular_value")[:n]
k_max = int(max(reference["counts"]))
worst.append(("singular values", (np.abs(s[:, :k_max] - reference["s"][:n, :k_max]) / s[:, :1]).max(), 2e-5))
gap = read("relative_gap")[:n]
off = ~np.eye(n, dtype=bool)
for name, key in (("coupling_misfit", "ujv"), ("coupling_misfit_vju", "vju")):
    if np.isnan(reference[key]).all():
        continue  # not asked for
    if name not in group.variables:
        sys.exit(f"{name} is not in {sys.argv[2]}: run with store.per_prompt=all")
    for q, k in enumerate(reference["counts"]):
        ours, theirs = read(name)[q, :n, :n], reference[key][q, :n, :n]
        least = np.minimum(gap[:, None, q], gap[None, :, q])
        relative = np.abs(ours - theirs) / theirs
        allowed = 1e-4 + 3e-3 * (1e-6 / least)
        worst.append((f"{name} k={k}", (relative / allowed)[off].max(), 1.0))
        if key == "ujv":
            worst.append((f"{name} k={k} diagonal", np.abs(ours - theirs)[~off].max(), 2e-5))
bad = [w for w in worst if not w[1] <= w[2]]
for name, value, limit in bad:
    print(f"{name}: {value:.2e}, at most {limit:.0e}")
print("largest difference, in units of what is allowed: %.2f" % max(v / l for _, v, l in worst))
sys.exit(1 if bad else 0)
