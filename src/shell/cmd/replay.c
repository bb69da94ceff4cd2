#include "shell/run/replay.h"

#include <stdlib.h>

#include "core/data/json.h"
#include "shell/cmd/cmd.h"
#include "shell/os/digest.h"
#include "shell/run/current.h"
#include "shell/run/data_directory.h"

static void segments_json(const struct replay_result *r, struct buffer *out)
{
    char hex[DIGEST_HEX];

    buffer_add_text(out, "\"segments\":[");
    for (uint32_t i = 0; i < r->segments; i++) {
        const struct replay_segment *s = &r->segment[i];

        digest_hex(s->digest, hex);
        buffer_format(out, "%s{\"plan\":%lu,\"decisions\":%lu,\"sha256\":\"%s\"}", i > 0 ? "," : "",
                      (unsigned long)s->plan, (unsigned long)s->decisions, hex);
    }
    buffer_add_text(out, "],");
}

static void print_json(const struct replay_result *r, const char *hex, struct buffer *out)
{
    buffer_format(
        out,
        "{\"first_seq\":%lu,\"records\":%lu,\"decisions\":%lu,\"observed\":%lu,\"labels\":%lu,\"plans\":%lu,"
        "\"equal\":%lu,\"different\":%lu,\"erased\":%lu,\"erased_before\":%lu,"
        "\"erased_events\":%lu,\"decisions_sha256\":\"%s\",",
        (unsigned long)r->first_seq, (unsigned long)r->records, (unsigned long)r->decisions,
        (unsigned long)r->observed, (unsigned long)r->labels, (unsigned long)r->plans,
        (unsigned long)r->equal, (unsigned long)r->different, (unsigned long)r->erased,
        (unsigned long)r->erased_before, (unsigned long)r->erased_events, hex);
    segments_json(r, out);
    buffer_add_text(out, "\"differences\":[");
    for (uint32_t i = 0; i < r->differences; i++) {
        const struct replay_difference *d = &r->difference[i];

        buffer_format(out, "%s{\"seq\":%lu,\"id\":", i > 0 ? "," : "", (unsigned long)d->seq);
        json_add_text(out, text_of(d->id));
        buffer_format(out, ",\"logged\":{\"score\":%d,\"outcome\":", d->logged_score);
        json_add_text(out, text_of(d->logged_outcome));
        buffer_format(out, "},\"replayed\":{\"score\":%d,\"outcome\":", d->score);
        json_add_text(out, text_of(d->outcome));
        buffer_add_text(out, "}}");
    }
    buffer_add_text(out, "]}\n");
}

static void print_words(const struct replay_result *r, const char *hex, bool is_as,
                        struct buffer *out)
{
    if (r->first_seq > 1)
        buffer_format(out,
                      "from record %lu on: the log's beginning was cut off (log.keep), and its "
                      "snapshot has what it led to\n",
                      (unsigned long)r->first_seq);
    buffer_format(out, "%lu records: %lu decisions, %lu observed events, %lu labels, %lu plans\n",
                  (unsigned long)r->records, (unsigned long)r->decisions,
                  (unsigned long)r->observed, (unsigned long)r->labels, (unsigned long)r->plans);
    buffer_format(out,
                  is_as ? "same outcome %lu, other outcome %lu\n"
                        : "equal to the bit %lu, different %lu\n",
                  (unsigned long)r->equal, (unsigned long)r->different);
    if (r->erased_events > 0)
        buffer_format(out,
                      "personal fields of %lu events are erased: %lu decisions cannot be replayed "
                      "exactly for that,\n%lu of them because of an event before them that the "
                      "state lacks now\n",
                      (unsigned long)r->erased_events,
                      (unsigned long)(r->erased + r->erased_before),
                      (unsigned long)r->erased_before);
    for (uint32_t i = 0; i < r->differences; i++) {
        const struct replay_difference *d = &r->difference[i];

        buffer_format(out, "  %s (record %lu): %s %d -> %s %d\n", d->id, (unsigned long)d->seq,
                      d->logged_outcome, d->logged_score, d->outcome, d->score);
    }
    if (r->different > r->differences)
        buffer_format(out, "  ... and %lu more\n", (unsigned long)(r->different - r->differences));
    buffer_format(out, "decisions SHA-256 %s\n", hex);
    for (uint32_t i = 0; r->segments > 1 && i < r->segments; i++) {
        const struct replay_segment *s = &r->segment[i];
        char part[DIGEST_HEX];

        digest_hex(s->digest, part);
        buffer_format(out, "  %lu under the plan of record %lu: %s\n", (unsigned long)s->decisions,
                      (unsigned long)s->plan, part);
    }
}

static bool print_replay(struct invocation *v, const struct replay_result *r, bool is_as,
                         struct error *e)
{
    char hex[DIGEST_HEX];
    struct buffer out;
    bool ok;

    digest_hex(r->digest, hex);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json)
        print_json(r, hex, &out);
    else
        print_words(r, hex, is_as, &out);
    ok = print_result(&out, e);
    buffer_fini(&out);
    if (ok && !is_as && r->different > 0)
        return error_set(
            e, ERROR_INVALID,
            "%lu decisions come out otherwise than logged; hint: assay log verify tells "
            "whether the log was changed",
            (unsigned long)r->different);
    return ok;
}

/* A plan: the number of a PLAN record, or a settings file (with the model in force). */
static bool other_plan(const char *name, const char *shard_directory, struct plan **plan,
                       struct error *e)
{
    char *end;
    unsigned long seq = strtoul(name, &end, 10);
    struct settings *s;
    struct current c;
    struct plans *plans;
    bool ok;

    if (end != name && *end == 0) {
        plans = plans_new(shard_directory);
        ok = plans_get(plans, (uint32_t)seq, plan, e);
        plans_free(plans);
        return ok;
    }
    if (!settings_load(name, &s, e))
        return false;
    ok = current_open(s, NULL, CURRENT_MODEL_NEEDED, &c, e);
    if (ok) {
        *plan = plan_ref(c.made.plan);
        current_close(&c);
    }
    settings_free(s);
    return ok;
}

static bool replay_run(struct invocation *v, struct error *e)
{
    const char *as = option_get(v, "as");
    char directory[DATA_PATH_MAX];
    struct replay_result *r = mem_alloc(sizeof *r);
    struct replay_options o = {.directory = directory, .progress = term_progress(&v->term)};
    struct settings *s = NULL;
    bool ok = invocation_settings(v, &s, e) && data_shard_directory(s, directory, e);

    if (ok) {
        o.state = data_state_options(s, v->simd, ENGINE_BATCH_MAX);
        ok = as == NULL || other_plan(as, directory, &o.as, e);
    }
    ok = ok && replay(&o, r, e);
    term_clear(&v->term);
    ok = ok && print_replay(v, r, as != NULL, e);
    plan_unref(o.as);
    settings_free(s);
    mem_free(r);
    return ok;
}

static const struct option options[] = {
    {"as", 0, "PLAN",
     "decide with another plan: a settings file, or the number of a plan in the log"},
    {0},
};

const struct command command_replay = {
    .name = "replay",
    .group = GROUP_LOOK,
    .summary = "decides every logged event again and compares to the bit",
    .arguments = "",
    .words =
        "Needs the log and the kept models only. Exits 1 when a decision comes out otherwise. With "
        "--as it\nshows which outcomes another plan would have given; then a difference is no error.",
    .options = options,
    .examples = "  assay replay\n"
                "  assay replay --as stricter.yaml --json\n",
    .run = replay_run,
};
