/* A profile for programs: everything that was counted, under the names that the header has. */
#include "core/base/memory.h"
#include "core/data/json.h"
#include "shell/report/profile_report.h"

static void add_time(struct buffer *out, int64_t us)
{
    char text[TIME_TEXT_MAX];

    time_format(us, text);
    json_add_text(out, text_of(text));
}

/* Numbers as such, durations in seconds, times as text. */
static void add_number(struct buffer *out, enum type type, double v)
{
    if (type == TYPE_TIME)
        add_time(out, (int64_t)v);
    else
        json_add_real(out, v);
}

static void add_uint(struct buffer *out, const char *name, uint64_t n)
{
    buffer_format(out, ",\"%s\":%llu", name, (unsigned long long)n);
}

static void add_text(struct buffer *out, const char *name, const char *text)
{
    buffer_format(out, ",\"%s\":", name);
    json_add_text(out, text_of(text));
}

static void add_range(const struct profile_field *f, struct buffer *out)
{
    bool is_time = f->type == TYPE_TIME;

    if (!f->has_range)
        return;
    buffer_add_text(out, ",\"least\":");
    add_number(out, f->type, is_time ? (double)f->earliest_us : f->least);
    buffer_add_text(out, ",\"most\":");
    add_number(out, f->type, is_time ? (double)f->latest_us : f->most);
    if (is_time)
        return;
    buffer_add_text(out, ",\"mean\":");
    json_add_real(out, f->mean);
}

static void add_histogram(const struct profile_field *f, struct buffer *out)
{
    const struct profile_spread *s = &f->spread;

    if (s->bars == 0)
        return;
    buffer_add_text(out, ",\"histogram\":{\"low\":");
    add_number(out, f->type, s->low);
    buffer_add_text(out, ",\"high\":");
    add_number(out, f->type, s->high);
    add_uint(out, "below", s->below);
    add_uint(out, "above", s->above);
    buffer_add_text(out, ",\"rows\":[");
    for (uint32_t i = 0; i < s->bars; i++)
        buffer_format(out, "%s%llu", i > 0 ? "," : "", (unsigned long long)s->bar[i]);
    buffer_add_text(out, "]}");
}

static void add_spread(const struct profile_field *f, struct buffer *out)
{
    const struct profile_spread *s = &f->spread;

    if (!f->has_spread)
        return;
    buffer_format(out, ",\"is_exact\":%s,\"quantiles\":{", s->is_exact ? "true" : "false");
    for (unsigned i = 0; i < PROFILE_QUANTILES; i++) {
        buffer_format(out, "%s\"%g\":", i > 0 ? "," : "", profile_share[i]);
        add_number(out, f->type, s->quantile[i]);
    }
    buffer_add_char(out, '}');
    add_histogram(f, out);
    if (!s->has_fence)
        return;
    buffer_add_text(out, ",\"outliers\":{\"low\":");
    add_number(out, f->type, s->fence_low);
    buffer_add_text(out, ",\"high\":");
    add_number(out, f->type, s->fence_high);
    add_uint(out, "rows", s->outliers);
    buffer_add_char(out, '}');
}

static void add_values(const struct profile_field *f, struct buffer *out)
{
    buffer_add_text(out, ",\"top\":[");
    for (uint32_t i = 0; i < f->top_count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"value\":" : "{\"value\":");
        json_add_text(out, text_of(f->top[i].text));
        add_uint(out, "rows", f->top[i].count);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "],\"suspicious\":[");
    for (uint32_t i = 0; i < f->suspect_count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"value\":" : "{\"value\":");
        json_add_text(out, text_of(f->suspect[i].text));
        add_uint(out, "rows", f->suspect[i].count);
        add_text(out, "why", f->suspect[i].why);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_field(const struct profile *p, const struct profile_field *f, struct buffer *out)
{
    buffer_add_text(out, "{\"name\":");
    json_add_text(out, text_of(f->name));
    add_text(out, "type", type_name(f->type));
    add_text(out, "note", f->note);
    add_uint(out, "missing", f->nulls);
    buffer_add_text(out, ",\"missing_share\":");
    json_add_real(out, p->rows > 0 ? (double)f->nulls / (double)p->rows : 0);
    if (f->stands_in != NULL)
        add_text(out, "stands_in", f->stands_in);
    add_uint(out, "distinct", f->distinct);
    buffer_format(out, ",\"is_distinct_exact\":%s,\"is_unique\":%s",
                  f->is_distinct_exact ? "true" : "false", f->is_unique ? "true" : "false");
    add_range(f, out);
    add_spread(f, out);
    add_values(f, out);
    buffer_add_char(out, '}');
}

static void add_part(const struct profile *p, const char *name, const struct profile_guess *g,
                     struct buffer *out)
{
    buffer_format(out, ",\"%s\":", name);
    if (g->field == FIELD_NONE) {
        buffer_add_text(out, "null");
        return;
    }
    buffer_add_text(out, "{\"field\":");
    json_add_text(out, text_of(p->fields[g->field].name));
    add_text(out, "why", g->reason);
    buffer_add_char(out, '}');
}

static void add_periods(const struct profile *p, struct buffer *out)
{
    bool has_label = p->guesses->label.field != FIELD_NONE;
    const char *each;
    uint32_t count;
    struct profile_period *period = profile_periods(p, &count, &each);

    add_text(out, "period", each);
    buffer_add_text(out, ",\"periods\":[");
    for (uint32_t i = 0; i < count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"from\":" : "{\"from\":");
        add_time(out, period[i].from_us);
        buffer_add_text(out, ",\"until\":");
        add_time(out, period[i].until_us);
        add_uint(out, "rows", period[i].rows);
        if (has_label) {
            add_uint(out, "labelled", period[i].labelled);
            add_uint(out, "positive", period[i].positive);
        }
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    add_uint(out, "undated", p->undated);
    mem_free(period);
}

void profile_json(const struct profile *p, const char *title, struct buffer *out)
{
    const struct profile_guesses *g = p->guesses;

    buffer_add_text(out, "{\"file\":");
    json_add_text(out, text_of(title));
    add_uint(out, "rows", p->rows);
    add_uint(out, "rejects", p->rejects);
    add_uint(out, "exact_up_to", p->spread_exact);
    add_part(p, "id", &g->id, out);
    add_part(p, "time", &g->time, out);
    add_part(p, "amount", &g->amount, out);
    add_part(p, "label", &g->label, out);
    if (g->label.field != FIELD_NONE) {
        buffer_add_text(out, ",\"positive_share\":");
        json_add_real(out, g->positive_share);
    }
    buffer_add_text(out, ",\"fields\":[");
    for (uint32_t i = 0; i < p->count; i++) {
        if (i > 0)
            buffer_add_char(out, ',');
        add_field(p, &p->fields[i], out);
    }
    buffer_add_char(out, ']');
    if (p->days > 0)
        add_periods(p, out);
    buffer_add_text(out, "}\n");
}
