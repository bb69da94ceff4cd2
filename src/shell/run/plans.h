/* The plans that a log names, rebuilt from their PLAN records and the kept model files when first
 * asked for. Thread-safe. */
#ifndef ASSAY_RUN_PLANS_H
#define ASSAY_RUN_PLANS_H

#include "core/decide/plan.h"
#include "shell/log/log.h"
#include "shell/personal/keys.h"
#include "shell/run/body.h"
#include "shell/settings/settings.h"

struct plans;

struct plans *plans_new(const char *shard_directory);
void plans_free(struct plans *p);

/* The plan of the PLAN record `seq`; a reference. ERROR_INVALID where it cannot be rebuilt. */
bool plans_get(struct plans *p, uint32_t seq, struct plan **plan, struct error *e) MUST_USE;
/* The body of the PLAN record `seq`, in `bytes`: from the log, or, where retention cut the record,
 * from the copy that it kept. */
bool plans_read(const char *shard_directory, uint32_t seq, struct buffer *bytes,
                struct plan_body *body, struct error *e) MUST_USE;
/* Keeps the body of a record that is to be cut: <shard directory>/plans/<seq>.plan. */
bool plans_keep(const char *shard_directory, uint32_t seq, uint16_t epoch, struct text body,
                struct error *e) MUST_USE;
/* Make a plan known that was built already (by the one who writes its record). */
void plans_put(struct plans *p, uint32_t seq, struct plan *plan);

/* The keys of the log's personal fields, in control/ of the data directory. They stay the plans'.
 */
bool plans_has_keys(const struct plans *p); /* the file is there */
/* For writing, made where there are none; nothing to do where they are open so. `master_file` may
 * be NULL. */
bool plans_open_keys(struct plans *p, const char *master_file, struct error *e) MUST_USE;
/* Those that are open; NULL: none. */
struct subject_keys *plans_keys(struct plans *p);
/* Those, or opened for reading. */
bool plans_get_keys(struct plans *p, struct subject_keys **keys, struct error *e) MUST_USE;

/* Make the plan of settings over a schema with a model file's bytes (NULL: none). On success `text`
 * has the settings_print_plan form, `id` and `model_digest` (zeros without a model) are set. */
struct made_plan {
    struct plan *plan;
    struct buffer text;
    uint8_t model_digest[DIGEST_BYTES];
};

bool plan_make(const struct settings *s, const struct schema *schema, const void *model,
               size_t model_bytes, struct made_plan *made, struct error *e) MUST_USE;
void made_plan_fini(struct made_plan *made);

/* <shard directory>/models/<digest>.model; written if absent. */
bool plans_keep_model(const char *shard_directory, const uint8_t digest[DIGEST_BYTES],
                      const void *model, size_t model_bytes, struct error *e) MUST_USE;

#endif
