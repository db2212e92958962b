"""Market kernels: numba only, no Python objects, no input or output."""
