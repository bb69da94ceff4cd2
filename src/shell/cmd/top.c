#include <stdlib.h>

#include "core/data/json.h"
#include "shell/cmd/pass_command.h"
#include "shell/run/event_id.h"
#include "shell/run/reasons.h"

enum { TOP_MAX = 10000, TOP_USUAL = 20 };

/* One of the riskiest so far; texts are copies. */
struct risky {
    struct decision decision;
    int64_t time_us;
    uint64_t at;
    char *id;
};

struct top {
    struct plan *plan;
    struct risky *item; /* a heap, least risky first */
    uint32_t count, wanted;
};

/* By margin, which tells apart what the score rounds alike; of equals the earlier event first. */
static bool is_riskier(const struct risky *a, const struct risky *b)
{
    if (a->decision.outcome != b->decision.outcome && a->decision.margin == b->decision.margin)
        return a->decision.outcome > b->decision.outcome;
    if (a->decision.margin != b->decision.margin)
        return a->decision.margin > b->decision.margin;
    return a->at < b->at;
}

static void swap(struct risky *a, struct risky *b)
{
    struct risky x = *a;

    *a = *b;
    *b = x;
}

static void sift_down(struct top *t, uint32_t i)
{
    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= t->count)
            return;
        if (child + 1 < t->count && is_riskier(&t->item[child], &t->item[child + 1]))
            child++;
        if (!is_riskier(&t->item[i], &t->item[child]))
            return;
        swap(&t->item[i], &t->item[child]);
        i = child;
    }
}

static void offer(struct top *t, const struct risky *r)
{
    if (t->count < t->wanted) {
        uint32_t i = t->count++;

        t->item[i] = *r;
        for (; i > 0 && is_riskier(&t->item[(i - 1) / 2], &t->item[i]); i = (i - 1) / 2)
            swap(&t->item[(i - 1) / 2], &t->item[i]);
        return;
    }
    if (!is_riskier(r, &t->item[0])) {
        mem_free(r->id);
        return;
    }
    mem_free(t->item[0].id);
    t->item[0] = *r;
    sift_down(t, 0);
}

static char *copy_id(const struct top *t, const struct pass_batch *b, uint32_t i)
{
    struct buffer text;
    char *copy;

    buffer_init(&text, 64 << 10);
    if (!event_id_text(plan_schema(t->plan), b->frame, b->first + i, &text))
        buffer_format(&text, "%lu", (unsigned long)(b->at + i + 1));
    copy = mem_text(text.bytes, text.length);
    buffer_fini(&text);
    return copy;
}

static bool see_batch(void *context, const struct pass_batch *b, struct error *e)
{
    struct top *t = context;
    int time = plan_schema(t->plan)->time;

    (void)e;
    for (uint32_t i = 0; i < b->rows; i++) {
        struct risky r = {.decision = b->decisions[i], .at = b->at + i};

        if (!decision_is_made(&r.decision))
            continue;
        if (t->count == t->wanted && !is_riskier(&r, &t->item[0]))
            continue;
        r.time_us = time != FIELD_NONE ? b->frame->column[time].integer[b->first + i] : 0;
        r.id = copy_id(t, b, i);
        offer(t, &r);
    }
    return true;
}

static int riskiest_first(const void *a, const void *b)
{
    return is_riskier(a, b) ? -1 : 1;
}

static void print_json(const struct top *t, struct buffer *out)
{
    struct buffer reasons;

    buffer_init(&reasons, 64 << 10);
    buffer_add_char(out, '[');
    for (uint32_t i = 0; i < t->count; i++) {
        const struct risky *r = &t->item[i];
        struct value time = {.type = TYPE_TIME, .integer = r->time_us};

        buffer_add_text(out, i > 0 ? ",\n{\"id\":" : "{\"id\":");
        json_add_text(out, text_of(r->id));
        buffer_add_text(out, ",\"time\":");
        json_add_value(out, &time);
        buffer_add_text(out, ",\"probability\":");
        json_add_real(out, r->decision.probability);
        buffer_format(out, ",\"score\":%d,\"level\":", r->decision.score);
        json_add_text(out, text_of(plan_level_name(t->plan, r->decision.level)));
        buffer_add_text(out, ",\"outcome\":");
        json_add_text(out, text_of(plan_outcome_name(t->plan, r->decision.outcome)));
        buffer_clear(&reasons);
        reasons_text(&r->decision, t->plan, &reasons);
        buffer_add_text(out, ",\"reasons\":");
        json_add_text(out, (struct text){reasons.bytes, reasons.length});
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]\n");
    buffer_fini(&reasons);
}

static void print_table(const struct top *t, struct buffer *out)
{
    buffer_format(out, "%-20s  %-20s  %5s  %-8s  %-10s  %s\n", "id", "time", "score", "level",
                  "outcome", "reasons");
    for (uint32_t i = 0; i < t->count; i++) {
        const struct risky *r = &t->item[i];
        char time[TIME_TEXT_MAX];

        time_format(r->time_us, time);
        buffer_format(out, "%-20s  %-20s  %5d  %-8s  %-10s  ", r->id, time, r->decision.score,
                      plan_level_name(t->plan, r->decision.level),
                      plan_outcome_name(t->plan, r->decision.outcome));
        reasons_text(&r->decision, t->plan, out);
        buffer_add_char(out, '\n');
    }
}

static bool print_top(struct invocation *v, struct top *t, struct error *e)
{
    struct buffer out;
    bool ok;

    qsort(t->item, t->count, sizeof *t->item, riskiest_first);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        print_json(t, &out);
    else
        print_table(t, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool find_top(struct invocation *v, struct scoring_options *o, struct scoring *s,
                     void *context, struct error *e)
{
    struct top *t = context;
    bool ok;

    t->plan = s->current.made.plan;
    t->item = mem_array(t->wanted, sizeof *t->item);
    o->visit = see_batch;
    o->context = t;
    ok = scoring_run(o, s, e);
    term_clear(&v->term);
    ok = ok && print_top(v, t, e);
    for (uint32_t i = 0; i < t->count; i++)
        mem_free(t->item[i].id);
    mem_free(t->item);
    return ok;
}

static bool top_run(struct invocation *v, struct error *e)
{
    struct top t = {0};
    int64_t wanted = TOP_USUAL;

    if (!option_whole(v, "number", 1, TOP_MAX, &wanted, e))
        return false;
    t.wanted = (uint32_t)wanted;
    return pass_command(v, true, find_top, &t, e);
}

static const struct option options[] = {
    {"number", 'n', "N", "how many (default 20)"},
    {"after", 0, "FILE", "events that came before: observed first, not ranked"},
    OPTION_SETTINGS_ONLY,
    OPTION_MEMORY,
    {0},
};

const struct command command_top = {
    .name = "top",
    .group = GROUP_LOOK,
    .summary = "lists the riskiest events of a file, with reasons",
    .arguments = "[FILE]",
    .most = 1,
    .options = options,
    .examples = "  assay top transactions.csv -n 50\n"
                "  assay top --json\n",
    .run = top_run,
};
