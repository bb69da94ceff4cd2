/* Thresholds that reach a goal: which score from 0 to 1000 to say fraud from.
 *
 *     f_beta          the highest F-beta: (1 + b^2) P R / (b^2 P + R)
 *     cost            the least cost: amounts of missed frauds (1 each without amounts) plus
 * `value` for each alert recall          the highest threshold whose recall is at least `value`
 *     alerts_per_day  the lowest threshold with at most so many alerts a day; days are those on
 *                     which there are rows
 *
 * Of thresholds that do equally well the highest is taken. An alert is a row whose score,
 * probability * 1000 rounded, is at least the threshold, as decisions are made. */
#ifndef ASSAY_STATS_GOAL_H
#define ASSAY_STATS_GOAL_H

struct outcomes; /* metrics.h */

enum goal_kind { GOAL_NONE, GOAL_F_BETA, GOAL_COST, GOAL_RECALL, GOAL_ALERTS };

enum { GOAL_SCORES = 1001 };

struct goal {
    enum goal_kind kind;
    double value;
};

/* The threshold for rows held out from learning; -1 where they cannot say: no fraud among them or,
 * for alerts a day, no days. */
int goal_threshold(const struct outcomes *o, const struct goal *g);

#endif
