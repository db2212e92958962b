"""Scripts around the environments: training, baselines, evaluation. Run them, never install them.

``python -m agents.quickstart`` trains a policy, evaluates it beside scripted ones and writes a
run folder. ``agents.train``, ``agents.evaluate`` and ``agents.sweep`` do each part for any policy;
``agents.reproduce`` makes the results page anew.
"""
