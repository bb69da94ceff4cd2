#include "shell/run/plans.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "shell/os/file.h"
#include "shell/run/token_key.h"

enum { PLAN_TEXT_MAX = 4 << 20, PLANS_KNOWN_MAX = 1024, PLAN_RECORD_MAX = LOG_BODY_MAX + 2 };

struct known {
    uint32_t seq;
    struct plan *plan;
};

struct plans {
    char directory[PATH_MAX - 128];
    char control[PATH_MAX - 64];       /* of the data directory */
    struct subject_keys *_Atomic keys; /* NULL: not open; set once */
    pthread_mutex_t lock;
    struct known known[PLANS_KNOWN_MAX];
    uint32_t count;
};

struct plans *plans_new(const char *shard_directory)
{
    struct plans *p = mem_alloc(sizeof *p);

    snprintf(p->directory, sizeof p->directory, "%s", shard_directory);
    snprintf(p->control, sizeof p->control, "%s/../control", shard_directory);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void plans_free(struct plans *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->count; i++)
        plan_unref(p->known[i].plan);
    subject_keys_close(atomic_load(&p->keys));
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

bool plans_has_keys(const struct plans *p)
{
    return subject_keys_exist(p->control);
}

struct subject_keys *plans_keys(struct plans *p)
{
    return atomic_load(&p->keys);
}

static bool open_keys(struct plans *p, enum subject_keys_mode mode, const char *master_file,
                      struct error *e)
{
    struct subject_keys *keys = NULL;
    bool ok = true;

    pthread_mutex_lock(&p->lock);
    if (atomic_load(&p->keys) == NULL)
        ok = subject_keys_open(p->control, mode, master_file, &keys, e);
    if (keys != NULL)
        atomic_store(&p->keys, keys);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

bool plans_open_keys(struct plans *p, const char *master_file, struct error *e)
{
    return open_keys(p, SUBJECT_KEYS_WRITE, master_file, e);
}

bool plans_get_keys(struct plans *p, struct subject_keys **keys, struct error *e)
{
    if (!open_keys(p, SUBJECT_KEYS_READ, NULL, e))
        return false;
    *keys = plans_keys(p);
    return true;
}

static struct plan *find(struct plans *p, uint32_t seq)
{
    struct plan *plan = NULL;

    pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < p->count && plan == NULL; i++) {
        if (p->known[i].seq == seq)
            plan = plan_ref(p->known[i].plan);
    }
    pthread_mutex_unlock(&p->lock);
    return plan;
}

/* The oldest known one gives way when there are too many: it can be built again. */
void plans_put(struct plans *p, uint32_t seq, struct plan *plan)
{
    pthread_mutex_lock(&p->lock);
    if (p->count == PLANS_KNOWN_MAX) {
        plan_unref(p->known[0].plan);
        memmove(p->known, p->known + 1, --p->count * sizeof p->known[0]);
    }
    p->known[p->count++] = (struct known){seq, plan_ref(plan)};
    pthread_mutex_unlock(&p->lock);
}

static void model_path(char path[PATH_MAX], const char *shard_directory,
                       const uint8_t digest[DIGEST_BYTES])
{
    char hex[DIGEST_HEX];

    digest_hex(digest, hex);
    snprintf(path, PATH_MAX, "%s/models/%s.model", shard_directory, hex);
}

bool plans_keep_model(const char *shard_directory, const uint8_t digest[DIGEST_BYTES],
                      const void *model, size_t model_bytes, struct error *e)
{
    char path[PATH_MAX], directory[PATH_MAX];

    snprintf(directory, sizeof directory, "%s/models", shard_directory);
    model_path(path, shard_directory, digest);
    if (file_exists(path))
        return true;
    return file_make_directories(directory, 0700, e) &&
           file_write(path, model, model_bytes, 0600, e);
}

/* The model bytes that a PLAN record names by digest, held to it; empty where it names none. */
static bool read_model(const struct plans *p, const struct plan_body *body, struct buffer *model,
                       struct error *e)
{
    static const uint8_t none[DIGEST_BYTES];
    uint8_t found[DIGEST_BYTES];
    char path[PATH_MAX];

    if (memcmp(body->model, none, sizeof none) == 0)
        return true;
    model_path(path, p->directory, body->model);
    if (!file_read(path, model, e))
        return false;
    digest_bytes(model->bytes, model->length, found);
    if (memcmp(found, body->model, sizeof found) != 0)
        return error_set(e, ERROR_INVALID,
                         "%s is not the model that decided: its SHA-256 differs from the log's; "
                         "restore the file from a backup",
                         path);
    return true;
}

static bool parse_model(const struct buffer *bytes, struct model **m, struct error *e)
{
    *m = NULL;
    return bytes->length == 0 || model_parse(bytes->bytes, bytes->length, m, e);
}

static bool build(const struct plan_body *body, const struct buffer *model_bytes,
                  const struct hash_key *key, struct plan **plan, struct error *e)
{
    struct settings *s;
    struct schema *schema;
    struct model *model = NULL;
    bool ok;

    if (!settings_parse(body->settings, "plan", &s, e))
        return false;
    schema = settings_schema(s);
    s->token_key = *key;
    ok = schema != NULL || error_set(e, ERROR_INVALID, "plan record has no schema");
    ok = ok && parse_model(model_bytes, &model, e);
    if (ok && !settings_plan(s, schema, model, body->id, plan, e)) {
        model_free(model);
        ok = false;
    }
    schema_free(schema);
    settings_free(s);
    return ok;
}

/* ---- records of plans */

static void kept_path(char path[PATH_MAX], const char *shard_directory, uint32_t seq)
{
    snprintf(path, PATH_MAX, "%s/plans/%020u.plan", shard_directory, seq);
}

bool plans_keep(const char *shard_directory, uint32_t seq, uint16_t epoch, struct text body,
                struct error *e)
{
    char path[PATH_MAX], directory[PATH_MAX];
    struct buffer bytes;
    bool ok;

    snprintf(directory, sizeof directory, "%s/plans", shard_directory);
    kept_path(path, shard_directory, seq);
    if (file_exists(path))
        return true;
    buffer_init(&bytes, PLAN_RECORD_MAX);
    buffer_add_u16(&bytes, epoch);
    buffer_add_slice(&bytes, body);
    ok = !bytes.overflow ||
         error_set(e, ERROR_INVALID, "plan %u is over %d bytes", seq, PLAN_RECORD_MAX);
    ok = ok && file_make_directories(directory, 0700, e) &&
         file_write(path, bytes.bytes, bytes.length, 0600, e);
    buffer_fini(&bytes);
    return ok;
}

static bool read_logged(const char *shard_directory, uint32_t seq, struct buffer *bytes,
                        struct error *e)
{
    char log_directory[PATH_MAX];
    struct log_cursor *c;
    struct record r;
    int found;

    snprintf(log_directory, sizeof log_directory, "%s/log", shard_directory);
    if (!log_cursor_open(log_directory, seq, &c, e))
        return false;
    found = log_cursor_next(c, &r, e);
    if (found == 1 && (r.seq != seq || r.kind != RECORD_PLAN))
        found = 0;
    if (found == 0)
        error_set(e, ERROR_INVALID, "record %u is not a plan", seq);
    if (found == 1) {
        buffer_add_u16(bytes, r.epoch);
        buffer_add_slice(bytes, r.body);
    }
    log_cursor_close(c);
    return found == 1;
}

/* Epoch, then body. */
static bool read_record(const char *shard_directory, uint32_t seq, struct buffer *bytes,
                        uint16_t *epoch, struct plan_body *body, struct error *e)
{
    char path[PATH_MAX];
    struct reader r;

    buffer_clear(bytes);
    kept_path(path, shard_directory, seq);
    if (!(file_exists(path) ? file_read(path, bytes, e)
                            : read_logged(shard_directory, seq, bytes, e)))
        return false;
    reader_init(&r, bytes->bytes, bytes->length);
    *epoch = reader_u16(&r);
    return plan_body_parse((struct text){(const char *)r.at, reader_left(&r)}, body, e);
}

bool plans_read(const char *shard_directory, uint32_t seq, struct buffer *bytes,
                struct plan_body *body, struct error *e)
{
    uint16_t epoch;

    return read_record(shard_directory, seq, bytes, &epoch, body, e);
}

static bool load(struct plans *p, uint32_t seq, struct plan **plan, struct error *e)
{
    struct buffer model, bytes;
    struct plan_body body;
    struct hash_key key;
    uint16_t epoch = 0;
    bool ok;

    buffer_init(&model, MODEL_BYTES_MAX);
    buffer_init(&bytes, PLAN_RECORD_MAX);
    ok = read_record(p->directory, seq, &bytes, &epoch, &body, e);
    if (ok && epoch != ENGINE_EPOCH)
        ok = error_set(e, ERROR_INVALID,
                       "plan %u was decided by engine epoch %u, this program has epoch %d only: "
                       "use the version that wrote it",
                       seq, epoch, ENGINE_EPOCH);
    ok = ok && read_model(p, &body, &model, e) && token_key_load(p->directory, false, &key, e) &&
         build(&body, &model, &key, plan, e);
    buffer_fini(&model);
    buffer_fini(&bytes);
    return ok || error_prefix(e, "plan %u", seq);
}

bool plans_get(struct plans *p, uint32_t seq, struct plan **plan, struct error *e)
{
    struct plan *known = find(p, seq);

    if (known == NULL) {
        if (!load(p, seq, &known, e))
            return false;
        plans_put(p, seq, known);
    }
    *plan = known;
    return true;
}

/* The id covers the text of what decides and the model's bytes. */
static void identify(const struct buffer *text, const uint8_t model_digest[DIGEST_BYTES],
                     uint8_t id[PLAN_ID_BYTES])
{
    struct digest *d = digest_new();

    digest_start(d);
    digest_add(d, text->bytes, text->length);
    digest_add(d, model_digest, DIGEST_BYTES);
    digest_finish(d, id);
    digest_free(d);
}

/* The settings with thresholds as scores: those of goals are in the notes of the model. `threshold`
 * is theirs. */
static bool resolve(struct settings *s, const struct model *model,
                    struct threshold_setting threshold[PLAN_OUTCOMES_MAX], struct error *e)
{
    struct goal_found goal[SETTINGS_GOALS_MAX];
    uint32_t goals = settings_goals(s, goal), count;
    struct settings *trained;

    if (model == NULL)
        return true;
    if (goals > 0) {
        if (!settings_parse(text_of(model_notes(model)->settings), "model", &trained, e))
            return false;
        goals = settings_goals_found(trained, goal);
        settings_free(trained);
    }
    if (!settings_resolve(s, goal, goals, threshold, e))
        return false;
    settings_thresholds(s, &count);
    s->decision = threshold;
    s->decision_count = count;
    s->profile = NULL;
    s->profile_count = 0;
    return true;
}

bool plan_make(const struct settings *s, const struct schema *schema, const void *model,
               size_t model_bytes, struct made_plan *made, struct error *e)
{
    struct made_plan m = {0};
    struct model *parsed = NULL;
    struct settings fixed = *s;
    struct threshold_setting threshold[PLAN_OUTCOMES_MAX];
    uint8_t id[PLAN_ID_BYTES] = {0};

    if (model != NULL) {
        if (!model_parse(model, model_bytes, &parsed, e))
            return false;
        digest_bytes(model, model_bytes, m.model_digest);
    }
    if (!resolve(&fixed, parsed, threshold, e) ||
        !settings_plan(&fixed, schema, parsed, id, &m.plan, e)) {
        model_free(parsed);
        return false;
    }
    buffer_init(&m.text, PLAN_TEXT_MAX);
    settings_print_plan(&fixed, schema, plan_program(m.plan), &m.text);
    if (m.text.overflow) {
        made_plan_fini(&m);
        return error_set(e, ERROR_INVALID, "the plan's text is over %d MiB", PLAN_TEXT_MAX >> 20);
    }
    identify(&m.text, m.model_digest, id);
    plan_identify(m.plan, id);
    *made = m;
    return true;
}

void made_plan_fini(struct made_plan *made)
{
    plan_unref(made->plan);
    buffer_fini(&made->text);
    *made = (struct made_plan){0};
}
