"""Recorded markets: readers of public captures and the numbers measured from them."""
