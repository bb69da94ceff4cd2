/* Made by make_logistic.py. */
static const uint32_t golden_frauds = 223;
static const double golden_plain[] = {-0.00295212960418, 0.0307739443247, 0.0873029997724, -2.84695449541};
static const double golden_balanced[] = {0.0238979379058, 0.0387696658633, 0.0511296949198, -0.983524450727};
static const double golden_strong[] = {0.0104802382354, 0.0142529972919, 0.0227098993654, -2.29699856444};
static const double golden_lasso[] = {0, 0.0307293577123, 0.082082583379, -2.85170326032};
static const double golden_sparse[] = {0, 0.0185014518204, 0.0465176809212, -2.36536356833};
static const double golden_elastic[] = {0.0103479044856, 0.0268174874652, 0.0511947123331, -2.68642733428};
static const double golden_platt[] = {2.00522834, 1.73916661};
