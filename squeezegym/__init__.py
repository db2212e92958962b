"""squeezegym: a leveraged spot-perp market, and Gymnasium environments around it."""
