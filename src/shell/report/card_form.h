/* One text in two forms, HTML and Markdown: what a document is made of. */
#ifndef ASSAY_SHELL_REPORT_CARD_FORM_H
#define ASSAY_SHELL_REPORT_CARD_FORM_H

#include "core/base/buffer.h"

/* Every text is escaped for its form. Tables: open, rows, close. */
struct card_form {
    void (*open)(struct buffer *out, const char *title);
    void (*close)(struct buffer *out);
    void (*heading)(struct buffer *out, const char *words);
    void (*heading_close)(struct buffer *out); /* end of what is under it */
    void (*paragraph)(struct buffer *out, const char *words);
    void (*item)(struct buffer *out, const char *words, bool is_first, bool is_last);
    void (*code)(struct buffer *out, const char *words); /* lines as they are */
    void (*table_open)(struct buffer *out, const char *caption, const char *const *heading,
                       unsigned headings);
    void (*row)(struct buffer *out, const char *const *cell, unsigned cells);
    void (*table_close)(struct buffer *out);
};

extern const struct card_form card_html, card_markdown;

#endif
