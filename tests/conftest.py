"""What holds for every test: one BLAS thread, and figures without a window."""

import os

# Before NumPy is imported, here and in the kernels of the notebooks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib  # noqa: E402

# Not MPLBACKEND: the kernels would inherit it, and show no figures.
matplotlib.use("Agg")
