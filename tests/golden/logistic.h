/* Made by make_logistic.py. */
static const uint32_t golden_frauds = 223;
static const double golden_plain[] = {-0.00295212960417, 0.0307739443247, 0.0873029997723, -2.84695449541};
static const double golden_balanced[] = {0.0238979379058, 0.0387696658632, 0.0511296949196, -0.983524450726};
static const double golden_strong[] = {0.0104802382354, 0.0142529972919, 0.0227098993654, -2.29699856444};
static const double golden_platt[] = {2.00522835, 1.73916662};
