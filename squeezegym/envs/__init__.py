"""Gymnasium environments over the market kernels."""
