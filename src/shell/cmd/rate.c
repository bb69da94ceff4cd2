/* Entities are counted in the source's file, unless --entities says how many there are. Sizes of
 * events are those of the file's first rows. A row of the store and its entries in four indexes
 * take a stated number of bytes beside its texts (held to what SQLite takes by
 * tests/system/test_rate.py).
 */
#include "shell/cmd/rate.h"

#include <math.h>
#include <stdio.h>

#include "core/base/number.h"
#include "core/data/event.h"
#include "core/data/json.h"
#include "core/decide/ids.h"
#include "core/velocity/forecast.h"
#include "shell/log/log.h"
#include "shell/os/file.h"
#include "shell/run/body.h"
#include "shell/run/data_directory.h"
#include "shell/run/feed.h"
#include "shell/source/profile.h"

enum {
    REQUEST_BYTES = 20, /* of a request id that the service makes */
    SECONDS_PER_DAY = 86400,
    STORE_ROW_BYTES = 150, /* of a decision, beside its id: columns, and entries of indexes */
    EVENT_BYTES_MAX = 64 << 20,
    MEASURED_MOST = 10000, /* newest records of the log */
    SNAPSHOTS_AT_ONCE = 3, /* two are kept while a third is written */
    WINDOWS_MAX = 64,
};

struct window {
    int64_t reach_us; /* over + delay */
    const char *canonical;
};

/* One group: a kind of entity at a level of features. */
struct kind_need {
    const char *name;
    int level;
    double entities;
    struct velocity_forecast need;
    struct window window[WINDOWS_MAX]; /* shortest first */
    uint32_t windows;
};

struct rate {
    const struct settings *settings;
    const struct plan *plan;
    double rate;
    struct kind_need *kind;
    uint32_t kinds;
    double ids, ids_bytes;
    double window_bytes, state_bytes, memory_bytes;
    double event_bytes, id_bytes; /* of an event and its id, on average */
    double record_bytes; /* in the log; `measured` of that many records of it, or worked out */
    uint32_t measured;
    double log_day_bytes, store_day_bytes;
    double days; /* for how many the disk is foretold; 0: not asked */
    double snapshot_bytes, disk_bytes;
    struct volume volume;
    bool fits;
};

/* ---- how many entities */

/* NAME=COUNT of an --entities option. */
static bool said_entities(const struct invocation *v, const char *name, double *count,
                          struct error *e)
{
    size_t length = strlen(name);

    for (uint32_t i = 0; i < v->given_count; i++) {
        const char *said = v->given[i].value;

        if (strcmp(v->given[i].option->name, "entities") != 0 || strncmp(said, name, length) != 0 ||
            said[length] != '=')
            continue;
        if (!number_parse_real(text_of(said + length + 1), '.', count) || *count < 1 ||
            *count > 1e12)
            return error_set(e, ERROR_USAGE,
                             "--entities %s: expected KIND=COUNT with a count from 1 to 10^12",
                             said);
    }
    return true;
}

static bool is_kind(const struct rate *r, const char *said)
{
    for (uint32_t k = 0; k < r->kinds; k++) {
        size_t length = strlen(r->kind[k].name);

        if (strncmp(said, r->kind[k].name, length) == 0 && said[length] == '=')
            return true;
    }
    return false;
}

static bool check_said(const struct invocation *v, const struct rate *r, struct error *e)
{
    for (uint32_t i = 0; i < v->given_count; i++) {
        if (strcmp(v->given[i].option->name, "entities") == 0 && !is_kind(r, v->given[i].value))
            return error_set(e, ERROR_USAGE,
                             "--entities %s: expected KIND=COUNT, with a kind that features have "
                             "windows of, such as %s=1000000",
                             v->given[i].value, r->kinds > 0 ? r->kind[0].name : "customer");
    }
    return true;
}

static const char *key_of(const struct settings *s, const char *kind)
{
    for (uint32_t i = 0; i < s->entity_count; i++) {
        if (strcmp(s->entities[i].name, kind) == 0)
            return s->entities[i].key;
    }
    return kind;
}

/* Distinct values of the kinds' keys in the source's file. */
static bool count_entities(const struct invocation *v, struct rate *r, struct error *e)
{
    struct profile_options o = {.progress = term_progress((struct term *)&v->term)};
    struct source *source;
    struct profile *p;
    bool ok;

    if (!feed_source(r->settings, NULL, &source, e))
        return error_prefix(e, "entities are counted in the source's file unless --entities "
                               "KIND=COUNT says how many there are");
    ok = profile_source(source, &o, &p, e);
    source_close(source);
    if (!ok)
        return false;
    for (uint32_t k = 0; k < r->kinds && ok; k++) {
        struct kind_need *kind = &r->kind[k];
        int field = schema_find(p->schema, text_of(key_of(r->settings, kind->name)));

        if (kind->entities > 0)
            continue;
        if (field == FIELD_NONE)
            ok = error_set(e, ERROR_USAGE,
                           "%s is no field of the file, so its entities cannot be counted there: "
                           "say --entities %s=COUNT",
                           kind->name, kind->name);
        else
            kind->entities =
                (double)(p->fields[field].distinct > 0 ? p->fields[field].distinct : 1);
    }
    profile_free(p);
    return ok;
}

static bool find_entities(const struct invocation *v, struct rate *r, struct error *e)
{
    bool all = true;

    for (uint32_t k = 0; k < r->kinds; k++) {
        if (!said_entities(v, r->kind[k].name, &r->kind[k].entities, e))
            return false;
        all = all && r->kind[k].entities > 0;
    }
    return check_said(v, r, e) && (all || count_entities(v, r, e));
}

/* ---- how large an event is */

static void measure_rows(struct rate *r, const struct schema *s, const struct frame *f, int id)
{
    struct buffer bytes;
    double ids = 0;

    buffer_init(&bytes, EVENT_BYTES_MAX);
    for (uint32_t i = 0; i < f->rows; i++) {
        char text[NUMBER_TEXT_MAX];

        event_encode(&bytes, s, f, i);
        if (id == FIELD_NONE)
            ids += 36; /* a UUID is made */
        else if (s->fields[id].type == TYPE_TEXT)
            ids += (double)f->column[id].text[i].length;
        else
            ids += (double)number_format_int(f->column[id].integer[i], text);
    }
    r->event_bytes = (double)bytes.length / f->rows;
    r->id_bytes = ids / f->rows;
    buffer_fini(&bytes);
}

static bool measure_events(struct rate *r, struct error *e)
{
    struct source *source;
    struct frame frame;
    bool ok;

    if (!feed_source(r->settings, NULL, &source, e))
        return false;
    frame_init(&frame, source_schema(source), SOURCE_FRAME_ROWS, SOURCE_TEXT_BYTES);
    ok = source_read(source, &frame, e);
    if (ok && frame.rows > 0)
        measure_rows(r, source_schema(source), &frame,
                     r->settings->event.id != NULL
                         ? schema_find(source_schema(source), text_of(r->settings->event.id))
                         : FIELD_NONE);
    frame_fini(&frame);
    source_close(source);
    return ok;
}

/* What the newest records of the log take; a log that cannot be read measures nothing. */
static void measure_log(struct rate *r)
{
    char directory[DATA_PATH_MAX], log[DATA_PATH_MAX + 16];
    struct log_cursor *c;
    struct record record;
    uint64_t last, bytes = 0;
    struct error ignored;

    if (!data_shard_directory(r->settings, directory, &ignored))
        return;
    snprintf(log, sizeof log, "%s/log", directory);
    if (!file_exists(log) || !log_last_seq(log, &last, &ignored) ||
        !log_cursor_open(log, last > MEASURED_MOST ? last - MEASURED_MOST : 1, &c, &ignored))
        return;
    while (log_cursor_next(c, &record, &ignored) == 1) {
        if (record.kind != RECORD_DECISION)
            continue;
        bytes += record.body.length + LOG_OVERHEAD_BYTES;
        r->measured++;
    }
    log_cursor_close(c);
    if (r->measured > 0)
        r->record_bytes = (double)bytes / r->measured;
}

/* Features' values stand in each decision's record, encoded as an event is. */
static double values_bytes(const struct plan *p)
{
    static const double each[] = {
        [TYPE_BOOL] = 1, [TYPE_INT] = 2,  [TYPE_DECIMAL] = 4, [TYPE_REAL] = 8,
        [TYPE_TEXT] = 9, [TYPE_TIME] = 8, [TYPE_DURATION] = 6};
    double bytes = 6;

    for (uint32_t i = 0; i < plan_feature_count(p); i++)
        bytes += 1 + each[program_type(plan_program(p), plan_feature_node(p, i))];
    return bytes;
}

/* ---- working it out */

static void add_window(struct kind_need *k, const struct aggregate *a)
{
    int64_t reach = a->over_us > 0 ? a->over_us + a->delay_us : INT64_MAX;
    uint32_t at = 0;

    while (at < k->windows && k->window[at].reach_us < reach)
        at++;
    if ((at < k->windows && k->window[at].reach_us == reach) || k->windows == WINDOWS_MAX)
        return;
    memmove(&k->window[at + 1], &k->window[at], (k->windows - at) * sizeof *k->window);
    k->window[at] = (struct window){reach, a->canonical};
    k->windows++;
}

static void open_kinds(struct rate *r)
{
    const struct velocity_layout *l = plan_layout(r->plan);
    const struct program *p = plan_program(r->plan);

    r->kinds = velocity_group_count(l);
    r->kind = mem_array(r->kinds, sizeof *r->kind);
    for (uint32_t g = 0; g < r->kinds; g++) {
        struct kind_need *k = &r->kind[g];

        k->name = velocity_group_name(l, g);
        k->level = velocity_group_level(l, g);
        for (uint32_t i = 0; i < program_aggregate_count(p); i++) {
            const struct aggregate *a = program_aggregate(p, i);

            if (a->level == k->level && strcmp(a->key_name, k->name) == 0)
                add_window(k, a);
        }
    }
}

static void work_out(struct rate *r)
{
    const struct settings *s = r->settings;
    const struct velocity_layout *l = plan_layout(r->plan);
    double ids_room = (double)ids_within(s->memory_bytes / 4);
    uint32_t rule_words = (plan_rule_count(r->plan) + 63) / 64;
    double decision = 30 + 8.0 * rule_words;

    r->fits = true;
    r->memory_bytes = (double)s->memory_bytes;
    for (uint32_t g = 0; g < r->kinds; g++) {
        double level_bytes = 0;

        velocity_forecast(l, g, r->rate, r->kind[g].entities, &r->kind[g].need);
        r->window_bytes += r->kind[g].need.bytes;
        for (uint32_t i = 0; i <= g; i++)
            level_bytes += r->kind[i].level == r->kind[g].level ? r->kind[i].need.bytes : 0;
        r->fits = r->fits && level_bytes <= velocity_room(l, r->kind[g].level);
    }
    r->ids = fmin((double)s->ids_horizon, r->rate * (double)s->ids_horizon_us / 1e6);
    r->ids = fmin(r->ids, ids_room);
    r->ids_bytes = r->ids * (double)ids_entry_bytes();
    r->state_bytes = r->window_bytes + r->ids_bytes;
    r->record_bytes = LOG_OVERHEAD_BYTES + 12 + decision + r->event_bytes + r->id_bytes +
                      values_bytes(r->plan) + ASKED_OVERHEAD + REQUEST_BYTES;
    if (r->days > 0)
        measure_log(r);
    r->log_day_bytes = r->rate * SECONDS_PER_DAY * r->record_bytes;
    r->store_day_bytes = r->rate * SECONDS_PER_DAY * (STORE_ROW_BYTES + r->id_bytes);
}

/* Of the disk; a snapshot is the state's memory. */
static void work_out_disk(struct rate *r)
{
    char data[DATA_PATH_MAX];
    struct error ignored;

    r->snapshot_bytes = SNAPSHOTS_AT_ONCE * fmin(r->state_bytes, r->memory_bytes);
    r->disk_bytes = r->days * (r->log_day_bytes + r->store_day_bytes) + r->snapshot_bytes;
    if (!data_directory(r->settings, data, &ignored) || !file_exists(data))
        snprintf(data, sizeof data, "%s", r->settings->directory);
    if (!file_volume(data, &r->volume, &ignored))
        r->volume = (struct volume){0};
}

/* Until the volume is full to the share at which the service warns. */
static double days_left(const struct rate *r)
{
    double room = (double)r->volume.free - (1 - VOLUME_USED_MUCH) * (double)r->volume.bytes -
                  r->snapshot_bytes;

    return fmax(0, room / (r->log_day_bytes + r->store_day_bytes));
}

/* The least `memory` that holds it: windows have three quarters, of which each level has its part.
 */
static double memory_needed(const struct rate *r)
{
    const struct velocity_layout *l = plan_layout(r->plan);
    double most = 1;

    for (uint32_t g = 0; g < r->kinds; g++) {
        double bytes = 0;

        for (uint32_t i = 0; i < r->kinds; i++)
            bytes += r->kind[i].level == r->kind[g].level ? r->kind[i].need.bytes : 0;
        most = fmax(most, bytes / velocity_room(l, r->kind[g].level));
    }
    return most * r->memory_bytes;
}

/* What memory_needed is made of beside the windows: the ids' quarter, and what windows leave of
 * their three quarters: room for what is marked forgotten, and parts of other levels. */
struct reserve {
    double ids, rest;
};

static struct reserve reserve_of(const struct rate *r)
{
    double needed = memory_needed(r);

    return (struct reserve){needed / 4, needed - needed / 4 - r->window_bytes};
}

/* ---- telling */

static void add_size(struct buffer *out, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;

    for (; bytes >= 1024 && unit < 5; unit++)
        bytes /= 1024;
    buffer_format(out, unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void add_span(struct buffer *out, int64_t us)
{
    char text[TIME_TEXT_MAX];

    if (us == INT64_MAX) {
        buffer_add_text(out, "ever");
        return;
    }
    duration_format(us, text);
    buffer_add_text(out, text);
}

/* Of one entity, on average: events that a window reaches, at most those that are retained. */
static double window_events(const struct rate *r, const struct kind_need *k, const struct window *w)
{
    double reach = w->reach_us == INT64_MAX ? (double)k->need.horizon_us : (double)w->reach_us;

    return fmin(r->rate * reach / 1e6 / k->entities + 1, k->need.events / k->need.entities);
}

static void print_kind(const struct rate *r, const struct kind_need *k, struct buffer *out)
{
    double before = 0;

    buffer_format(out, "  %s", k->name);
    if (k->level > 0)
        buffer_format(out, " (level %d)", k->level);
    buffer_format(out, ": %.0f entities, %.0f at a time, ", k->entities, k->need.entities);
    add_size(out, k->need.entity_bytes);
    buffer_add_text(out, " each, ");
    add_size(out, k->need.bytes);
    buffer_add_text(out, k->need.is_endless ? " in all after a year: all events are kept\n"
                                            : " in all; events kept for ");
    if (!k->need.is_endless) {
        add_span(out, k->need.horizon_us);
        buffer_add_char(out, '\n');
    }
    buffer_format(out, "    exact for entities of up to %llu events",
                  (unsigned long long)k->need.exact_events);
    if (k->need.exact_values > 0)
        buffer_format(out, ", and %llu different values before these",
                      (unsigned long long)k->need.exact_values);
    buffer_add_text(out, "; marked forgotten beyond\n");
    if (k->need.sketch_bytes > 0) {
        buffer_add_text(out, "    sketches of approx_distinct: at most ");
        add_size(out, k->need.sketch_bytes);
        buffer_add_text(out, " an entity\n");
    }
    for (uint32_t i = 0; i < k->windows; i++) {
        double events = window_events(r, k, &k->window[i]);

        buffer_add_text(out, "    reach ");
        add_span(out, k->window[i].reach_us);
        buffer_format(out, ": %.1f events, ", events);
        add_size(out, (events - before) * k->need.event_bytes);
        buffer_format(out, " an entity%s\n", i > 0 ? " more" : "");
        before = events;
    }
}

static void print_words(const struct rate *r, struct buffer *out)
{
    buffer_format(out, "at %.15g events/s\n", r->rate);
    for (uint32_t g = 0; g < r->kinds; g++)
        print_kind(r, &r->kind[g], out);
    buffer_add_text(out, "  memory    windows ");
    add_size(out, r->window_bytes);
    buffer_format(out, ", %.0f ids ", r->ids);
    add_size(out, r->ids_bytes);
    buffer_add_text(out, ", in all ");
    add_size(out, r->state_bytes);
    buffer_add_text(out, "; `memory` is ");
    add_size(out, r->memory_bytes);
    if (!r->fits) {
        struct reserve reserve = reserve_of(r);

        buffer_add_text(out, "\n  needed    windows ");
        add_size(out, r->window_bytes);
        buffer_add_text(out, ", a quarter for ids ");
        add_size(out, reserve.ids);
        buffer_add_text(out, ", reserve of the windows' parts ");
        add_size(out, reserve.rest);
        buffer_add_text(out, ", in all ");
        add_size(out, memory_needed(r));
    }
    buffer_add_text(out, "\n  a day     log ");
    add_size(out, r->log_day_bytes);
    buffer_add_text(out, ", store ");
    add_size(out, r->store_day_bytes);
    buffer_add_text(out, "\n");
}

static void print_disk(const struct rate *r, struct buffer *out)
{
    buffer_format(out, "  a record  %.0f bytes, ", r->record_bytes);
    if (r->measured > 0)
        buffer_format(out, "measured on the log's newest %u decisions\n", r->measured);
    else
        buffer_add_text(out, "worked out from the source's first rows\n");
    buffer_format(out, "  %.15g days  log ", r->days);
    add_size(out, r->days * r->log_day_bytes);
    buffer_add_text(out, ", store ");
    add_size(out, r->days * r->store_day_bytes);
    buffer_add_text(out, ", snapshots ");
    add_size(out, r->snapshot_bytes);
    buffer_add_text(out, ", in all ");
    add_size(out, r->disk_bytes);
    buffer_add_text(out, "\n  volume    ");
    add_size(out, (double)r->volume.free);
    buffer_add_text(out, " free of ");
    add_size(out, (double)r->volume.bytes);
    buffer_format(out, "; %.0f %% used after %.1f days\n", 100 * VOLUME_USED_MUCH, days_left(r));
}

static void json_number(struct buffer *out, const char *name, double value)
{
    buffer_format(out, ",\"%s\":%.0f", name, value);
}

static void json_kind(const struct rate *r, const struct kind_need *k, struct buffer *out)
{
    buffer_add_text(out, "{\"kind\":");
    json_add_text(out, text_of(k->name));
    json_number(out, "level", k->level);
    json_number(out, "entities", k->entities);
    json_number(out, "entities_at_a_time", k->need.entities);
    json_number(out, "events", k->need.events);
    json_number(out, "entity_bytes", k->need.entity_bytes);
    json_number(out, "bytes", k->need.bytes);
    json_number(out, "sketch_bytes", k->need.sketch_bytes);
    json_number(out, "exact_events", (double)k->need.exact_events);
    if (k->need.exact_values > 0)
        json_number(out, "exact_values", (double)k->need.exact_values);
    buffer_format(out, ",\"endless\":%s,\"windows\":[", k->need.is_endless ? "true" : "false");
    for (uint32_t i = 0; i < k->windows; i++) {
        double events = window_events(r, k, &k->window[i]);

        buffer_add_text(out, i > 0 ? ",{\"reach\":\"" : "{\"reach\":\"");
        add_span(out, k->window[i].reach_us);
        buffer_format(out, "\",\"events\":%.3f", events);
        json_number(out, "bytes", events * k->need.event_bytes);
        buffer_add_char(out, '}');
    }
    buffer_add_text(out, "]}");
}

static void print_json(const struct rate *r, struct buffer *out)
{
    buffer_format(out, "{\"rate\":%.15g,\"fits\":%s,\"kinds\":[", r->rate,
                  r->fits ? "true" : "false");
    for (uint32_t g = 0; g < r->kinds; g++) {
        if (g > 0)
            buffer_add_char(out, ',');
        json_kind(r, &r->kind[g], out);
    }
    buffer_add_char(out, ']');
    json_number(out, "window_bytes", r->window_bytes);
    json_number(out, "ids", r->ids);
    json_number(out, "ids_bytes", r->ids_bytes);
    json_number(out, "state_bytes", r->state_bytes);
    json_number(out, "memory_bytes", r->memory_bytes);
    json_number(out, "memory_needed_bytes", memory_needed(r));
    json_number(out, "needed_ids_bytes", reserve_of(r).ids);
    json_number(out, "needed_reserve_bytes", reserve_of(r).rest);
    json_number(out, "log_bytes_a_day", r->log_day_bytes);
    json_number(out, "store_bytes_a_day", r->store_day_bytes);
    if (r->days > 0) {
        buffer_format(out, ",\"days\":%.15g,\"record_bytes\":%.1f,\"measured_records\":%u", r->days,
                      r->record_bytes, r->measured);
        json_number(out, "log_bytes", r->days * r->log_day_bytes);
        json_number(out, "store_bytes", r->days * r->store_day_bytes);
        json_number(out, "snapshot_bytes", r->snapshot_bytes);
        json_number(out, "disk_bytes", r->disk_bytes);
        json_number(out, "volume_free_bytes", (double)r->volume.free);
        json_number(out, "volume_bytes", (double)r->volume.bytes);
        buffer_format(out, ",\"days_until_warning\":%.2f", days_left(r));
    }
    buffer_add_text(out, "}\n");
}

static bool refuse(const struct rate *r, struct error *e)
{
    struct buffer size;

    if (r->fits)
        return true;
    buffer_init(&size, 64);
    add_size(&size, memory_needed(r));
    error_set(e, ERROR_FULL,
              "%.15g events/s need more memory than there is: entities would be evicted; set "
              "`memory` to %s or more, or shorten the longest windows",
              r->rate, buffer_text(&size));
    buffer_fini(&size);
    return false;
}

bool rate_check(struct invocation *v, const struct settings *s, const struct plan *p,
                struct error *e)
{
    struct rate r = {.settings = s, .plan = p};
    const char *said = option_get(v, "rate"), *days = option_get(v, "days");
    struct buffer out;
    bool ok;

    if (!number_parse_real(text_of(said), '.', &r.rate) || r.rate <= 0 || r.rate > 1e9)
        return error_set(e, ERROR_USAGE, "--rate %s: expected events per second, up to 10^9", said);
    if (days != NULL &&
        (!number_parse_real(text_of(days), '.', &r.days) || r.days <= 0 || r.days > RATE_DAYS_MAX))
        return error_set(e, ERROR_USAGE, "--days %s: expected days, up to %d", days, RATE_DAYS_MAX);
    if (v->command == &command_size && days == NULL)
        r.days = RATE_DAYS;
    open_kinds(&r);
    buffer_init(&out, OUTPUT_MAX);
    ok = find_entities(v, &r, e) && measure_events(&r, e);
    if (ok) {
        work_out(&r);
        if (r.days > 0)
            work_out_disk(&r);
        term_clear(&v->term);
        if (v->json)
            print_json(&r, &out);
        else
            print_words(&r, &out);
        if (!v->json && r.days > 0)
            print_disk(&r, &out);
        ok = print_result(&out, e) && refuse(&r, e);
    }
    buffer_fini(&out);
    mem_free(r.kind);
    return ok;
}
