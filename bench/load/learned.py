"""What the peers learn from: as many numbers as a request has; seeded."""


def learned(numpy, inputs, rows=20_000):
    draw = numpy.random.default_rng(7)
    x = draw.exponential(20, (rows, inputs))
    margin = -5 + 0.03 * x[:, 0] + 0.002 * x[:, 1] * x[:, 2] + 2.0 * (x[:, 3] > 60)
    return x, (draw.random(rows) < 1 / (1 + numpy.exp(-margin))).astype(int)
