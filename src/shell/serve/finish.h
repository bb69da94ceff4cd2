/* What is done to a finished answer that can wait: sparse fields, ETag and 304, gzip. Not for the
 * answers of the hot path. On the thread that made the answer. */
#ifndef ASSAY_SERVE_FINISH_H
#define ASSAY_SERVE_FINISH_H

#include "shell/serve/inside.h"

enum {
    FINISH_GZIP_MIN = 1024, /* shorter answers are not packed */
    ANSWER_TAG_MAX = 40,
};

void answer_finish(struct server *s, struct exchange *x);
/* The ETag of an answer before it is packed; whether a header's list of tags has it. */
void answer_tag(const struct buffer *answer, char tag[ANSWER_TAG_MAX]);
bool answer_tag_is_in(const char *list, const char *tag);
/* Whether an Accept-Encoding header (NULL: none) allows gzip and likes it no less than identity. */
bool accepts_gzip(const char *header);

#endif
