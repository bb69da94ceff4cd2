/* Rules as JSON: those of the settings and those of the book alike. */
#ifndef ASSAY_RULES_SHOW_H
#define ASSAY_RULES_SHOW_H

#include "shell/rules/book.h"
#include "shell/settings/settings.h"

const struct rule_setting *settings_rule_find(const struct settings *s, struct text name);
/* {"rules":[...]}: those of the settings, then those of the book; `add` puts further members behind
 * each (NULL: "hits" is null). */
void rules_format(const struct settings *s, struct rule_book *b,
                  void (*add)(void *context, struct text name, struct buffer *out), void *context,
                  struct buffer *out);
/* One with its versions; false: there is none. */
bool rule_format(const struct settings *s, struct rule_book *b, struct text name,
                 struct buffer *out) MUST_USE;

#endif
