// What a model's metrics file holds, as far as the pages read it (docs/metrics.md).
export interface Interval {
  value: number;
  low: number;
  high: number;
}
export interface Threshold {
  threshold: number;
  tp: number;
  fp: number;
  fn: number;
  tn: number;
  precision: Interval | null;
  recall: Interval | null;
  false_positive_rate: Interval | null;
  value_caught?: Interval | null;
  f1?: Interval | null;
  alerts_per_day?: number;
  cost?: number;
}
export interface ClassScores {
  rows: number;
  mean: number;
  histogram: number[];
}
export interface Calibration {
  predicted: number;
  observed: number;
  rows: number;
  frauds: number;
}
export interface Tested {
  rows: number;
  frauds: number;
  days: number;
  fraud_amount?: number;
  auc_roc: Interval | null;
  average_precision: Interval | null;
  card_precision_at_100?: Interval | null;
  recall_at_1pct_fpr?: Interval | null;
  brier: Interval | null;
  log_loss: Interval | null;
  calibration_error: Interval | null;
  chance_p: number | null;
  better_than_chance: boolean;
  thresholds: Threshold[];
  by_class: { legitimate: ClassScores; fraud: ClassScores };
  reliability: Calibration[];
  roc: [number, number][];
  pr: [number, number][];
}
export interface Metrics {
  training_rows: { before: Record<string, number>; after: Record<string, number> };
  calibrated: boolean;
  split: { by: string; train_rows: number; train_frauds: number; test_rows: number; test_frauds: number } | null;
  checks: { warning: boolean; words: string }[];
  test: Tested | null;
}
export const metricsOf = (shown: { metrics?: unknown }): Metrics | null => (shown.metrics ?? null) as Metrics | null;

/** The thresholds that the test measured, rising, each once. */
export const thresholdsOf = (test: Tested) =>
  [...new Map(test.thresholds.map((one) => [one.threshold, one])).values()].sort((a, b) => a.threshold - b.threshold);

/** Observed over predicted probability. */
export const reliabilityOf = (test: Tested) => test.reliability.map((one): [number, number] => [one.predicted, one.observed]);
