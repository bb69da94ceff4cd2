/* The report page and the JSON of a training: figures in the forms that people and machines read.
 */
#ifndef ASSAY_TRAIN_PAGE_H
#define ASSAY_TRAIN_PAGE_H

#include "shell/report/report.h"
#include "shell/train/evaluate.h"

struct page_task {
    const struct train_options *o;
    const struct train_result *r;
    struct plan *plan;
    const struct table *table;
    const uint8_t *label; /* per table row */
    const struct test_rows *test;
    const struct row_facts *facts;
    const struct workers *workers;
    uint32_t model;  /* the page is about this one, beside the others */
    uint32_t checks; /* of the result's, the first so many: those that are about it */
};

/* `words` may be NULL. */
bool page_write(const struct page_task *t, struct buffer *html, struct buffer *words,
                struct error *e) MUST_USE;

/* The objects of metrics, data and split for the model file: without times, paths and the like, so
 * that the same events, settings and seed give the same bytes. */
void page_findings_json(const struct train_result *r, uint32_t model, struct buffer *out);

/* Parts of what metrics.json says: the split, and the first `count` of the checks. */
void page_split_json(const struct train_result *r, struct buffer *out);
void page_checks_json(const struct train_result *r, uint32_t count, struct buffer *out);

/* The object about the data that goes into the model file. */
void page_data_json(const struct train_result *r, struct buffer *out);

#endif
