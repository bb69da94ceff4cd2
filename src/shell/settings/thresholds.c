/* Thresholds: sets of them under names, and goals that training finds scores for.
 *
 * A goal becomes a score in two steps: training finds it on rows that it held out and writes it
 * beside the goal into the notes of the model; whoever makes a plan with that model takes it from
 * there. A plan's own text has scores alone, so the log needs neither goals nor notes. */
#include <stdio.h>
#include <string.h>

#include "shell/settings/settings.h"

const struct profile_setting *settings_profile(const struct settings *s, const char *name)
{
    for (uint32_t i = 0; i < s->profile_count; i++) {
        if (strcmp(s->profiles[i].name, name) == 0)
            return &s->profiles[i];
    }
    return NULL;
}

const struct threshold_setting *settings_thresholds(const struct settings *s, uint32_t *count)
{
    const struct profile_setting *p = s->profile != NULL ? settings_profile(s, s->profile) : NULL;

    *count = p != NULL ? p->count : s->decision_count;
    return p != NULL ? p->thresholds : s->decision;
}

struct goal threshold_goal(const struct threshold_setting *t)
{
    if (t->has_f_beta)
        return (struct goal){GOAL_F_BETA, t->f_beta};
    if (t->has_cost)
        return (struct goal){GOAL_COST, t->cost};
    if (t->has_recall)
        return (struct goal){GOAL_RECALL, t->recall};
    if (t->has_alerts)
        return (struct goal){GOAL_ALERTS, t->alerts_per_day};
    return (struct goal){GOAL_NONE, 0};
}

static int find(const struct goal_found *found, uint32_t count, struct goal g)
{
    for (uint32_t i = 0; i < count; i++) {
        if (found[i].goal.kind == g.kind && found[i].goal.value == g.value)
            return (int)i;
    }
    return -1;
}

static void collect(const struct threshold_setting *t, uint32_t count, bool with_score,
                    struct goal_found goal[SETTINGS_GOALS_MAX], uint32_t *goals)
{
    for (uint32_t i = 0; i < count; i++) {
        struct goal g = threshold_goal(&t[i]);

        if (g.kind == GOAL_NONE || (with_score && !t[i].has_score) || find(goal, *goals, g) >= 0)
            continue;
        goal[(*goals)++] = (struct goal_found){g, with_score ? t[i].score : -1};
    }
}

static uint32_t collect_all(const struct settings *s, bool with_score,
                            struct goal_found goal[SETTINGS_GOALS_MAX])
{
    uint32_t goals = 0;

    collect(s->decision, s->decision_count, with_score, goal, &goals);
    for (uint32_t i = 0; i < s->profile_count; i++)
        collect(s->profiles[i].thresholds, s->profiles[i].count, with_score, goal, &goals);
    return goals;
}

uint32_t settings_goals(const struct settings *s, struct goal_found goal[SETTINGS_GOALS_MAX])
{
    return collect_all(s, false, goal);
}

uint32_t settings_goals_found(const struct settings *trained,
                              struct goal_found goal[SETTINGS_GOALS_MAX])
{
    return collect_all(trained, true, goal);
}

static uint32_t strictness(const struct settings *s, const char *outcome)
{
    uint32_t i = 0;

    while (i < s->outcome_count && strcmp(s->outcomes[i], outcome) != 0)
        i++;
    return i;
}

/* Goals of stricter outcomes stand above the scores of milder ones, mildest first. */
static void keep_order(const struct settings *s, const struct threshold_setting *asked,
                       uint32_t count, struct threshold_setting *threshold)
{
    for (uint32_t level = 0; level < s->outcome_count; level++) {
        int milder = -1;

        for (uint32_t i = 0; i < count; i++) {
            if (strictness(s, threshold[i].name) < level && threshold[i].score > milder)
                milder = threshold[i].score;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (strictness(s, threshold[i].name) == level &&
                threshold_goal(&asked[i]).kind != GOAL_NONE && threshold[i].score <= milder &&
                milder < PLAN_SCORE_MAX)
                threshold[i].score = milder + 1;
        }
    }
}

bool settings_resolve(const struct settings *s, const struct goal_found *found, uint32_t count,
                      struct threshold_setting threshold[PLAN_OUTCOMES_MAX], struct error *e)
{
    uint32_t asked_count;
    const struct threshold_setting *asked = settings_thresholds(s, &asked_count);

    for (uint32_t i = 0; i < asked_count; i++) {
        struct goal g = threshold_goal(&asked[i]);
        int at = find(found, count, g);

        threshold[i] = (struct threshold_setting){
            .name = asked[i].name, .has_score = true, .score = asked[i].score};
        if (g.kind == GOAL_NONE)
            continue;
        if (at < 0 || found[at].score < 0) {
            char path[256];

            snprintf(path, sizeof path, "%s%s.%s", s->profile != NULL ? "thresholds." : "decision",
                     s->profile != NULL ? s->profile : "", asked[i].name);
            error_set(e, ERROR_INVALID,
                      "the model in force was trained without this goal, or on too few frauds to "
                      "find a score for it: run `assay train`, or set a score");
            return settings_blame(s, path, e);
        }
        threshold[i].score = found[at].score;
    }
    keep_order(s, asked, asked_count, threshold);
    return true;
}
