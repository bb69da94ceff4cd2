/* The frame of a self-contained HTML page and the escaping of everything that goes into it. */
#ifndef ASSAY_SHELL_REPORT_HTML_H
#define ASSAY_SHELL_REPORT_HTML_H

#include "core/base/buffer.h"

/* Text with & < > " ' escaped, and bytes that are no valid UTF-8 or no allowed character replaced
 * by U+FFFD: safe as content and inside a quoted attribute. NULL adds nothing. */
void html_text(struct buffer *out, const char *text);

void html_open(struct buffer *out, const char *title); /* up to <body>, style included */
void html_close(struct buffer *out);

void html_section_open(struct buffer *out, const char *id, const char *heading);
void html_section_close(struct buffer *out);
/* Escaped; a percent sign stays on the line of its number, and so does what is in brackets. */
void html_paragraph(struct buffer *out, const char *class_name, const char *text);

/* A table that scrolls sideways on narrow screens. `words`: by bit, columns whose heads stand left;
 * their cells are <td class="left">. The first does in any case. */
void html_table_open_words(struct buffer *out, const char *caption, const char *const *heading,
                           unsigned headings, uint32_t words);
void html_table_open(struct buffer *out, const char *caption, const char *const *heading,
                     unsigned headings);
void html_table_close(struct buffer *out);

#endif
