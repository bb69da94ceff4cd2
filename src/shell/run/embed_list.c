/* The embedding API: changes of lists; and the words of what failed. */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/panic.h"
#include "shell/os/clock.h"
#include "shell/run/embed_inside.h"
#include "shell/run/list_change.h"
#include "shell/run/list_value.h"

void embed_begin(struct assay *a)
{
    a->error = "";
}

void embed_fail(struct assay *a, const char *format, ...)
{
    char words[ASSAY_ERROR_MAX];
    va_list list;

    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    buffer_clear(&a->words);
    buffer_add_text(&a->words, words);
    a->error = buffer_text(&a->words);
}

static int fail(struct assay *a, const char *list, const struct error *e)
{
    embed_fail(a, "list %.64s: %s", list, e->text);
    return -1;
}

static int change(struct assay *a, const char *name, struct list_item *item, int64_t now_us)
{
    struct plan *plan = a->current.made.plan;
    struct engine *n = a->state.engine;
    int list = plan_list_find(plan, text_of(name));
    struct list_change made;
    enum list_result result;
    uint32_t place;
    struct error e;

    ASSERT(list_changes_of(n, plan_list_type(plan, (uint32_t)list), item, 1, &made, &place) == 1);
    if (!engine_list_reserve(n, (uint32_t)list, &made, 1, &e))
        return fail(a, name, &e);
    result = engine_list_apply(n, (uint32_t)list, &made, ++a->seq, 0, now_us, LIST_BY_HAND);
    return result == LIST_UNCHANGED || result == LIST_ABSENT ? 0 : 1;
}

/* The value as the list's type writes it; NULL with words where it is none. */
static const struct list_setting *find(struct assay *a, const char *name, const char *value,
                                       char text[LIST_VALUE_MAX + 1], struct text *out)
{
    const struct list_setting *l = settings_list(a->settings, name);
    struct error e;

    embed_begin(a);
    if (l == NULL || plan_list_find(a->current.made.plan, text_of(name)) < 0) {
        embed_fail(a, "list %.64s: no list of this name in the settings", name);
        return NULL;
    }
    if (list_value_read(list_setting_type(l), text_of(value), text, out, &e))
        return l;
    fail(a, name, &e);
    return NULL;
}

int assay_list_add(struct assay *a, const char *list, const char *value, const char *expires)
{
    int64_t now_us = clock_now_us();
    struct list_item item = {.expires_us = LIST_NEVER, .note = {"", 0}};
    char text[LIST_VALUE_MAX + 1];
    const struct list_setting *l = find(a, list, value, text, &item.value);
    struct error e;

    if (l == NULL)
        return -1;
    if (expires == NULL) {
        if (l->has_expires)
            item.expires_us = now_us + l->expires_us;
    } else if (!list_expiry_read(text_of(expires), now_us, &item.expires_us, &e)) {
        return fail(a, list, &e);
    }
    return change(a, list, &item, now_us);
}

int assay_list_remove(struct assay *a, const char *list, const char *value)
{
    struct list_item item = {.is_removal = true, .expires_us = LIST_NEVER, .note = {"", 0}};
    char text[LIST_VALUE_MAX + 1];

    if (find(a, list, value, text, &item.value) == NULL)
        return -1;
    return change(a, list, &item, clock_now_us());
}
