#include "shell/report/card_form.h"

#include <stdio.h>
#include <string.h>

#include "shell/report/html.h"

/* ---- HTML ---- */

static void html_title(struct buffer *out, const char *title)
{
    html_open(out, title);
    buffer_add_text(out, "<header>\n<p class=\"eyebrow\">Model card</p>\n<h1>");
    html_text(out, title);
    buffer_add_text(out, "</h1>\n</header>\n<main>\n");
}

static void html_end(struct buffer *out)
{
    buffer_add_text(out, "</main>\n");
    html_close(out);
}

/* The section's id: its heading in small letters, what is no letter a dash. */
static void html_heading(struct buffer *out, const char *words)
{
    char id[64];
    size_t n = 0;

    for (; n < sizeof id - 1 && words[n] != 0; n++) {
        char c = words[n] >= 'A' && words[n] <= 'Z' ? (char)(words[n] - 'A' + 'a') : words[n];

        id[n] = c >= 'a' && c <= 'z' ? c : '-';
    }
    id[n] = 0;
    html_section_open(out, id, words);
}

static void html_words(struct buffer *out, const char *words)
{
    html_paragraph(out, "card", words);
}

static void html_item(struct buffer *out, const char *words, bool is_first, bool is_last)
{
    buffer_add_text(out, is_first ? "<ul>\n<li>" : "<li>");
    html_text(out, words);
    buffer_add_text(out, is_last ? "</li>\n</ul>\n" : "</li>\n");
}

/* html_text makes spaces of line ends: line by line. */
static void html_code(struct buffer *out, const char *words)
{
    buffer_add_text(out, "<pre class=\"scroll\">");
    while (*words != 0) {
        size_t length = strcspn(words, "\n");
        struct buffer line;

        buffer_init(&line, length + 1);
        buffer_add(&line, words, length);
        html_text(out, buffer_text(&line));
        buffer_fini(&line);
        buffer_add_char(out, '\n');
        words += length + (words[length] == '\n');
    }
    buffer_add_text(out, "</pre>\n");
}

static void html_row(struct buffer *out, const char *const *cell, unsigned cells)
{
    buffer_add_text(out, "<tr>");
    for (unsigned i = 0; i < cells; i++) {
        buffer_add_text(out, i == 0 ? "<th scope=\"row\">" : "<td>");
        html_text(out, cell[i]);
        buffer_add_text(out, i == 0 ? "</th>" : "</td>");
    }
    buffer_add_text(out, "</tr>\n");
}

const struct card_form card_html = {
    .open = html_title,
    .close = html_end,
    .heading = html_heading,
    .heading_close = html_section_close,
    .paragraph = html_words,
    .item = html_item,
    .code = html_code,
    .table_open = html_table_open,
    .row = html_row,
    .table_close = html_table_close,
};

/* ---- Markdown (CommonMark; tables as GitHub has them) ---- */

/* On one line, with what would be markup as itself. */
static void add_escaped(struct buffer *out, const char *words)
{
    for (; *words != 0; words++) {
        unsigned char c = (unsigned char)*words;

        if (c < 0x20 || c == 0x7f) {
            buffer_add_char(out, ' ');
            continue;
        }
        if (strchr("\\`*_[]<>|#&~", c) != NULL)
            buffer_add_char(out, '\\');
        buffer_add_char(out, (char)c);
    }
}

static void md_open(struct buffer *out, const char *title)
{
    buffer_add_text(out, "# Model card: ");
    add_escaped(out, title);
    buffer_add_text(out, "\n\n");
}

static void md_nothing(struct buffer *out)
{
    (void)out;
}

static void md_heading(struct buffer *out, const char *words)
{
    buffer_add_text(out, "## ");
    add_escaped(out, words);
    buffer_add_text(out, "\n\n");
}

static void md_paragraph(struct buffer *out, const char *words)
{
    add_escaped(out, words);
    buffer_add_text(out, "\n\n");
}

static void md_item(struct buffer *out, const char *words, bool is_first, bool is_last)
{
    (void)is_first;
    buffer_add_text(out, "- ");
    add_escaped(out, words);
    buffer_add_text(out, is_last ? "\n\n" : "\n");
}

/* Indented code needs no fence that its lines could end. */
static void md_code(struct buffer *out, const char *words)
{
    while (*words != 0) {
        size_t length = strcspn(words, "\n");

        buffer_add_text(out, "    ");
        buffer_add(out, words, length);
        buffer_add_char(out, '\n');
        words += length + (words[length] == '\n');
    }
    buffer_add_char(out, '\n');
}

static void md_row(struct buffer *out, const char *const *cell, unsigned cells)
{
    for (unsigned i = 0; i < cells; i++) {
        buffer_add_text(out, "| ");
        add_escaped(out, cell[i]);
        buffer_add_char(out, ' ');
    }
    buffer_add_text(out, "|\n");
}

static void md_table_open(struct buffer *out, const char *caption, const char *const *heading,
                          unsigned headings)
{
    md_paragraph(out, caption);
    md_row(out, heading, headings);
    for (unsigned i = 0; i < headings; i++)
        buffer_add_text(out, i == 0 ? "| --- " : "| ---: ");
    buffer_add_text(out, "|\n");
}

static void md_table_close(struct buffer *out)
{
    buffer_add_char(out, '\n');
}

const struct card_form card_markdown = {
    .open = md_open,
    .close = md_nothing,
    .heading = md_heading,
    .heading_close = md_nothing,
    .paragraph = md_paragraph,
    .item = md_item,
    .code = md_code,
    .table_open = md_table_open,
    .row = md_row,
    .table_close = md_table_close,
};
