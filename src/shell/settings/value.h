/* One value of the settings: from text into its member and back, by the kind of its key. */
#ifndef ASSAY_SETTINGS_VALUE_H
#define ASSAY_SETTINGS_VALUE_H

#include "shell/settings/keys.h"

/* Stores through `at`, which points to the member. False where the text is no such value; a text
 * that was there is released. For kinds of one scalar. */
bool setting_parse(const struct key *k, struct text t, void *at) MUST_USE;
/* The times of a span; `at` points to the first of two. */
bool setting_parse_time(struct text t, int64_t *us) MUST_USE;
/* As YAML; `base` is what offsets of the key count from. */
void setting_print(const struct key *k, const char *base, bool flow, struct buffer *out);
/* Whether there is a value to print. */
bool setting_is_given(const struct key *k, const char *base);
/* What was expected, in words: "a whole number from 1 to 65535". */
void setting_expected(const struct key *k, struct buffer *out);
/* The choice nearest to a misspelt one (length 0: none). */
struct text setting_nearest(const struct key *k, struct text t);

#endif
