"""The null formulas of measures.py against Monte Carlo with random frames. Prints the relative errors."""

import numpy as np

import measures

D, DRAWS = 96, 3000


def rms_misfit(jacobian, u, v, s):
    """Root mean square over draws of || |u' J v| - S ||_F / ||s||, and its standard error; u, v: [n, d, k]."""
    a = np.swapaxes(u, 1, 2) @ (jacobian @ v)
    squares = ((np.abs(a) - np.diag(s)) ** 2).sum(axis=(1, 2)) / (s @ s)
    rms = np.sqrt(squares.mean())
    return rms, squares.std() / np.sqrt(len(squares)) / (2 * rms)


def test_matrices(rng):
    """Gaussian, decaying spectrum, one massive direction, a multiple of the identity added."""
    gauss = rng.standard_normal((D, D)) / np.sqrt(D)
    u, v = measures.random_frames(rng, 2, D, D)
    decaying = (u * np.arange(1, D + 1) ** -0.7) @ v.T
    massive = gauss + 8 * np.outer(u[:, 0], v[:, 0])
    return {
        "gaussian": gauss,
        "decaying": decaying,
        "massive": massive,
        "shifted": gauss + 0.7 * np.eye(D),
        "symmetric": (gauss + gauss.T) / np.sqrt(2) + 0.3 * np.eye(D),
    }


def conjugated_frames(rng, u, v):
    """Rotate span(u, v) by one random rotation per draw."""
    basis, r = np.linalg.qr(np.hstack([u, v]))
    q = measures.random_frames(rng, DRAWS, D, basis.shape[1])
    k = u.shape[1]
    return q @ r[:, :k], q @ r[:, k:]


def rotated_inside(rng, u, v):
    """Rotate each frame inside its own span."""
    k = u.shape[1]
    return u @ measures.random_frames(rng, DRAWS, k, k), v @ measures.random_frames(rng, DRAWS, k, k)


def main():
    rng = np.random.default_rng(7)
    matrices = test_matrices(rng)
    partner = measures.svd_triplets(matrices["shifted"] @ matrices["gaussian"] + matrices["massive"])
    print(f"d = {D}, {DRAWS} draws; columns: formula, Monte Carlo rms, its standard error, relative error")
    for name, jacobian in matrices.items():
        s_all = np.linalg.svd(jacobian, compute_uv=False)
        for k in (3, 10, 30):
            s, (u, v) = s_all[:k], (partner[0][:, :k], partner[2][:, :k])
            frames = {
                "null": measures.random_frames(rng, 2 * DRAWS, D, k).reshape(2, DRAWS, D, k),
                "rotation": rotated_inside(rng, u, v),
                "conjugation": conjugated_frames(rng, u, v),
            }
            formula = {
                "null": measures.null(np.linalg.norm(jacobian) / D, s),
                "rotation": measures.null(np.linalg.norm(u.T @ jacobian @ v) / k, s),
                "conjugation": measures.null_conjugation(jacobian, u, v, s),
            }
            for kind, value in formula.items():
                rms, error = rms_misfit(jacobian, *frames[kind], s)
                relative = 100 * (value / rms - 1)
                print(f"{name:10s} K={k:<3d} {kind:12s} {value:.6f} {rms:.6f} {error:.6f} {relative:+.2f} %")


if __name__ == "__main__":
    main()
