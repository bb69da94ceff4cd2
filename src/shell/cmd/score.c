#include "shell/cmd/pass_command.h"
#include "shell/run/event_id.h"
#include "shell/run/output.h"
#include "shell/run/reasons.h"
#include "shell/run/replay.h"
#include "shell/run/verdict.h"

#include "shell/os/digest.h"

static const char *const columns[] = {"id",      "probability", "score",    "level",
                                      "outcome", "reasons",     "low",      "high",
                                      "p_legit", "p_fraud",     "conformal"};

enum {
    COLUMNS = 6, /* without those of a model that says how sure it is */
    COLUMNS_UNCERTAIN = sizeof columns / sizeof *columns,
};

struct writing {
    struct output *output;
    struct plan *plan;
    struct digest *digest; /* the one hash, as replay computes it */
    struct buffer text;
    uint64_t by_outcome[PLAN_OUTCOMES_MAX];
    uint64_t observed;  /* of kinds that are not decided */
    uint64_t forgotten; /* decisions that may lack forgotten events */
};

static struct text row_id(struct writing *w, const struct pass_batch *b, uint32_t i)
{
    buffer_clear(&w->text);
    if (!event_id_text(plan_schema(w->plan), b->frame, b->first + i, &w->text))
        buffer_format(&w->text, "%lu", (unsigned long)(b->at + i + 1));
    return (struct text){w->text.bytes, w->text.length};
}

static void add_to_digest(struct writing *w, struct text id, const struct decision *d)
{
    struct buffer bytes;

    buffer_init(&bytes, DECISION_BYTES_MAX);
    decision_format(d, w->plan, &bytes);
    replay_digest_add(w->digest, id, (struct text){bytes.bytes, bytes.length});
    buffer_fini(&bytes);
}

static void write_uncertainty(struct writing *w, const struct uncertainty *u)
{
    output_real(w->output, u->bound[0]);
    output_real(w->output, u->bound[1]);
    output_real(w->output, u->p_value[0]);
    output_real(w->output, u->p_value[1]);
    buffer_clear(&w->text);
    verdict_add_set(u->set, "", " ", &w->text);
    output_text(w->output, (struct text){w->text.bytes, w->text.length});
}

static bool write_batch(void *context, const struct pass_batch *b, struct error *e)
{
    struct writing *w = context;

    for (uint32_t i = 0; i < b->rows; i++) {
        const struct decision *d = &b->decisions[i];
        struct text id;

        if (!decision_is_made(d)) {
            w->observed++;
            continue;
        }
        id = row_id(w, b, i);
        add_to_digest(w, id, d);
        output_text(w->output, id);
        output_real(w->output, d->probability);
        output_int(w->output, d->score);
        output_text(w->output, text_of(plan_level_name(w->plan, d->level)));
        output_text(w->output, text_of(plan_outcome_name(w->plan, d->outcome)));
        buffer_clear(&w->text);
        reasons_text(d, w->plan, &w->text);
        output_text(w->output, (struct text){w->text.bytes, w->text.length});
        if (d->flags & DECISION_UNCERTAINTY)
            write_uncertainty(w, &d->uncertainty);
        w->by_outcome[d->outcome]++;
        w->forgotten += d->forgotten != 0;
    }
    return output_flush(w->output, e);
}

static void tell_outcomes(const struct writing *w, bool json, struct buffer *out)
{
    if (w->observed > 0 && !json)
        buffer_format(out, "%lu observed, ", (unsigned long)w->observed);
    for (uint32_t k = 0; k < plan_outcome_count(w->plan); k++)
        buffer_format(out, json ? "%s\"%s\":%lu" : "%s%s %lu", k > 0 ? json ? "," : ", " : "",
                      plan_outcome_name(w->plan, k), (unsigned long)w->by_outcome[k]);
}

static bool tell(struct invocation *v, const struct scoring *s, const struct writing *w,
                 struct error *e)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    struct buffer out;
    bool ok;

    if (output_is_standard(option_get(v, "output")))
        return true;
    digest_finish(w->digest, digest);
    digest_hex(digest, hex);
    buffer_init(&out, OUTPUT_MAX);
    if (v->json) {
        buffer_add_char(&out, '{');
        pass_command_counts_json(s, &out);
        buffer_format(&out, ",\"observed\":%lu,\"outcomes\":{", (unsigned long)w->observed);
        tell_outcomes(w, true, &out);
        buffer_format(&out, "},\"forgotten\":%lu", (unsigned long)w->forgotten);
        buffer_format(&out, ",\"decisions_sha256\":\"%s\"}\n", hex);
    } else {
        buffer_format(&out, "%lu events -> %s: ", (unsigned long)s->feed.counts.rows,
                      option_get(v, "output"));
        tell_outcomes(w, false, &out);
        buffer_add_char(&out, '\n');
        pass_command_counts(s, &out);
        if (w->forgotten > 0)
            buffer_format(&out, "%lu decisions may lack forgotten events\n",
                          (unsigned long)w->forgotten);
        buffer_format(&out, "decisions SHA-256 %s\n", hex);
    }
    ok = print_result(&out, e);
    buffer_fini(&out);
    return ok;
}

static bool write_scores(struct invocation *v, struct scoring_options *o, struct scoring *s,
                         void *context, struct error *e)
{
    struct writing w = {.plan = s->current.made.plan, .digest = digest_new()};
    const struct model *m = plan_model(w.plan);
    bool is_uncertain = m != NULL && model_conformal(m) != NULL;
    bool ok = output_open(option_get(v, "output"), columns,
                          is_uncertain ? COLUMNS_UNCERTAIN : COLUMNS, &w.output, e);

    (void)context;
    buffer_init(&w.text, 64 << 10);
    digest_start(w.digest);
    o->visit = write_batch;
    o->context = &w;
    ok = ok && pass_command_write(v, o, s, w.output, e) && tell(v, s, &w, e);
    buffer_fini(&w.text);
    digest_free(w.digest);
    return ok;
}

static bool score_run(struct invocation *v, struct error *e)
{
    return pass_command(v, true, write_scores, NULL, e);
}

static const struct option options[] = {
    {"output", 'o', "FILE",
     "where to write: CSV, or NDJSON for .ndjson (default: standard output)"},
    {"after", 0, "FILE", "events that came before: observed first, not decided"},
    OPTION_SETTINGS_ONLY,
    OPTION_MEMORY,
    {0},
};

const struct command command_score = {
    .name = "score",
    .group = GROUP_DECIDE,
    .summary = "decides each event of a file: probability, score, level, outcome, reasons",
    .arguments = "[FILE]",
    .most = 1,
    .words =
        "Nothing is logged; the state starts empty (see --after). The digest that is printed is the "
        "one that\n`assay replay` prints for the same events decided over HTTP. Rules of the API that are in force in\nthe data directory decide with those of the settings, as in the service.\nWith several kinds of event FILE is a directory that has their files.",
    .options = options,
    .examples = "  assay score transactions.csv -o scores.csv\n"
                "  assay score --after january.csv february.csv -o scores.ndjson --json\n",
    .run = score_run,
};
