/* The registry for machines: what `assay model list | show --json` print and /v1/models answers. */
#ifndef ASSAY_REGISTRY_REGISTRY_JSON_H
#define ASSAY_REGISTRY_REGISTRY_JSON_H

#include "shell/registry/registry.h"

/* {"models":[{"id":..,"name":..,"version":..,"kind":..,"aliases":[..], ..}]} */
bool registry_list_json(const char *data_directory, struct buffer *out, struct error *e) MUST_USE;
/* {"id":..,"aliases":[..],"lineage":{..},"metrics":{..},"history":[..]} of what registry_find
 * finds. */
bool registry_show_json(const char *data_directory, struct text words, struct buffer *out,
                        struct error *e) MUST_USE;

/* The lines of the history about one model, oldest first. */
bool registry_history(const char *data_directory, const struct model_id *id,
                      void (*line)(void *context, const struct json *line, struct text words),
                      void *context, struct error *e) MUST_USE;

#endif
