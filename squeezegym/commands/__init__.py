"""The commands of ``squeezegym``: a file for each, and what several of them take."""
