/* A stand-in for plan and shard at unit level: decides by amount alone, but logs for real.
 * Fields: id (text), at (time), amount (decimal), count (int), note (text).
 * score = amount, held to 0..1000; review from 300, decline from 800; rule BIG above 500. */
#ifndef ASSAY_TESTS_SERVE_FAKE_H
#define ASSAY_TESTS_SERVE_FAKE_H

#include "shell/run/shard.h"

struct shard *fake_open(const char *directory, enum log_sync sync, uint32_t queue);
const char *fake_log_directory(struct shard *s);
/* Answer everything with this status (SUBMIT_FULL, SUBMIT_FAILED); SUBMIT_DONE: work again. */
void fake_refuse(struct shard *s, enum submit_status status);
void fake_fail(struct shard *s);             /* as after a failed commit */
void fake_hold(struct shard *s, bool is_on); /* take nothing from the queue */

#endif
