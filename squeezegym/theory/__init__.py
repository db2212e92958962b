"""Theory beside the market: stylised facts and their targets, the reduced model and its proof."""
