/* Changes of lists as they reach an engine. */
#ifndef ASSAY_RUN_LIST_CHANGE_H
#define ASSAY_RUN_LIST_CHANGE_H

#include "core/decide/engine.h"
#include "shell/run/body.h"

/* The items as the engine takes them, at most LIST_CHANGES_MAX; items that are no value of the type
 * are passed over. Returns how many there are; place[i] says which item the i-th was. */
uint32_t list_changes_of(const struct engine *n, enum type type, const struct list_item *item,
                         uint32_t items, struct list_change *change, uint32_t *place);

/* The items into an engine as record `seq`; items that are no value of the list's type are passed
 * over. */
bool list_items_apply(struct engine *n, const struct plan *p, uint32_t list,
                      const struct list_item *item, uint32_t count, enum list_origin origin,
                      uint64_t seq, int64_t at_us, struct error *e) MUST_USE;
/* A body's items into an engine under its plan: what apply and replay do with a record. `at_us` is
 * the record's time of receipt. */
bool list_body_apply(struct engine *n, const struct plan *p, const struct list_body *b,
                     uint64_t seq, int64_t at_us, struct error *e) MUST_USE;

#endif
