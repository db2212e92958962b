"""Theory beside the market: estimators of stylised facts, their intervals and targets."""
